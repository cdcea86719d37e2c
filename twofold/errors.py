"""The errors of twofold: one class for each boundary, each message ending in its remedy.

A bad reply is data, not a crash: what a model says wrongly, or fails to say, becomes an
unscored `Verdict` with its reason. These errors are for what the person who runs twofold can
mend: a file, an argument, a model that does not load. Anything else is a bug and goes up as
it is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TwofoldError(Exception):
    """Base of every error whose message is meant for the person at the terminal."""


class ProblemError(TwofoldError):
    """A problem, a problem file or a constraint's arguments cannot be used as they are."""


class ModelError(TwofoldError):
    """A model cannot be found, loaded or reached, or lacks what was asked of it."""


class ScoringError(TwofoldError):
    """A scorer cannot work at all (one reply it cannot judge is an unscored verdict instead)."""


class RunError(TwofoldError):
    """A run directory does not fit the command: another model, a corrupt line, no space."""


class StatsError(TwofoldError):
    """A statistic was asked of data that cannot carry it."""


def nearest(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """The known name that was perhaps meant, as a remedy; where none is near, what there is.

    Args:
        name: What was given and is unknown.
        known: What would fit.
        otherwise: What is said where none is near; None = all of `known`.

    Example:
        >>> nearest("gpro", ["grpo", "sft"]), nearest("x", ["grpo", "sft"])
        ("did you mean 'grpo'?", 'known: grpo, sft')
    """
    names = list(known)
    if near := difflib.get_close_matches(name, names, n=1):
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if otherwise is None else otherwise
