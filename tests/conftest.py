"""What every test shares: examples that are drawn alike in each run.

A run that finds a new counterexample by luck tells nothing about the change under test. Set
`TWOFOLD_FUZZ=1` to draw anew each time, which is how new ones are looked for.
"""

import os

from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None)
settings.load_profile("fuzz" if os.environ.get("TWOFOLD_FUZZ") else "repeatable")
