"""How do an adapter, a checkpoint or a finished run get to a hub? In one commit, whose files are told before.

`contents` says what is sent, `readme` what stands on the card, `keys` that nothing secret goes along, and
`hub` sends it.
"""

from twofold.publishing.contents import Contents, contents
from twofold.publishing.hub import push
