"""What every test shares: examples that are drawn alike in each run, and one environment.

A run that finds a new counterexample by luck tells nothing about the change under test. Set
`TWOFOLD_FUZZ=1` to draw anew each time, which is how new ones are looked for.

Nor does a test depend on who starts it: a shell, a background job (where the interrupt is ignored), a
narrow terminal, another language or time zone, a proxy, one process of several.
"""

import os
import signal
import time
from pathlib import Path

from hypothesis import settings
from hypothesis.internal.conjecture import providers

# What of the caller's environment changes what a program prints, asks or computes.
_OF_THE_CALLER = (
    *("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "CLICOLOR_FORCE", "PY_COLORS", "TERM", "TZ"),
    *("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "LC_NUMERIC", "LC_TIME", "PYTHONIOENCODING"),
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"),
    *(f"{scheme}_proxy" for scheme in ("http", "https", "all", "no")),
    *(f"{scheme}_PROXY" for scheme in ("HTTP", "HTTPS", "ALL", "NO")),
    *("OPENAI_API_KEY", "OPENAI_BASE_URL"),
)
for _name in _OF_THE_CALLER:
    os.environ.pop(_name, None)
os.environ |= {"LC_ALL": "C.UTF-8", "TZ": "UTC", "TERM": "dumb", "COLUMNS": "80"}
# Published benchmark files: named by the caller, or in the folder `shared` beside the repository.
if not os.environ.get("TWOFOLD_SHARED"):
    os.environ["TWOFOLD_SHARED"] = str(Path(__file__).parents[2] / "shared")
time.tzset()
os.umask(0o022)
signal.signal(signal.SIGINT, signal.default_int_handler)
for _ignored in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(_ignored, signal.SIG_DFL)

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None)
if os.environ.get("TWOFOLD_FUZZ"):
    settings.load_profile("fuzz")
else:
    settings.load_profile("repeatable")
    # Hypothesis also draws the literals of every module imported so far: those differ from process to
    # process and with each change of the code, so the same examples would not be drawn.
    providers._get_local_constants = providers.Constants
