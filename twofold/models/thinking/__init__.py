"""Where does a thought end and the reply begin? The only place that knows the marks of thoughts.

`marks` knows how marks look, `split` reads a text by them, `messages` reads what trainers and servers
have parsed already, `templates` learns marks from a chat template, and `unknown` names what looks like
a mark and is none that is known. Transcripts, servers, local models and rewards all read with these.
"""

from twofold.models.thinking.marks import ThinkingPolicy as ThinkingPolicy
from twofold.models.thinking.messages import read_message as read_message
from twofold.models.thinking.messages import read_messages as read_messages
from twofold.models.thinking.messages import read_said as read_said
from twofold.models.thinking.official import official_split as official_split
from twofold.models.thinking.split import closes_first as closes_first
from twofold.models.thinking.split import detect_in as detect_in
from twofold.models.thinking.split import split as split
from twofold.models.thinking.split import split_served as split_served
from twofold.models.thinking.split import thought_span as thought_span
from twofold.models.thinking.templates import Turn as Turn
from twofold.models.thinking.templates import detect as detect
from twofold.models.thinking.unknown import unknown_mark as unknown_mark
