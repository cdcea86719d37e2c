"""How does a trainer on the other side of HTTP use a scorer as its reward? `twofold serve`.

`app` has the paths, `bodies` what they take, `admission` how much of it, `checkers` the processes that
check, and `checking` what runs in one of them.
"""

from twofold.adapters.server.settings import ServeSettings
