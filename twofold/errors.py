"""The exceptions of twofold, one per area; each message ends with what to do about it.

They report what the user can fix: a file, an argument, a model that does not load. A bad reply is
not an exception but an unscored `Verdict`. Any other exception is a bug.
"""

import difflib
from collections.abc import Iterable


class TwofoldError(Exception):
    """Base of every error whose message is meant for the user."""


class ProblemError(TwofoldError):
    """A problem, a problem file or a constraint's arguments are invalid."""


class ModelError(TwofoldError):
    """A model cannot be found, loaded or reached, or lacks a required feature."""


class ScoringError(TwofoldError):
    """A scorer cannot work at all (a single reply it cannot judge is an unscored verdict)."""


class RunError(TwofoldError):
    """A run directory does not fit the command: another model, a corrupt line, a full disk."""


class StatsError(TwofoldError):
    """A statistic cannot be computed from the given data."""


def nearest(name: str, known: Iterable[str], otherwise: str | None = None) -> str:
    """A hint for the unknown `name`: the closest known name, else `otherwise`, else all names.

    Example:
        >>> nearest("gpro", ["grpo", "sft"]), nearest("x", ["grpo", "sft"])
        ("did you mean 'grpo'?", 'known: grpo, sft')
    """
    names = list(known)
    if near := difflib.get_close_matches(name, names, n=1):
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if otherwise is None else otherwise
