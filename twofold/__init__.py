r"""twofold: did training improve both the accuracy of a model and its compliance with instructions?

The names below are the public ones. Each is imported on first use, so `import twofold` loads no torch.

Example:
    >>> import twofold
    >>> no_comma = twofold.from_spec("punctuation:no_comma", None, profile="fixed")
    >>> asked = twofold.Problem(question="What is 2 + 2?", answer="4", constraints=(no_comma,))
    >>> reply = twofold.Response(raw=r"Well, \boxed{4}.", reply=r"Well, \boxed{4}.")
    >>> [round(verdict.score, 3) for verdict in twofold.SoftGate()([asked], [reply])]
    [0.667]
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twofold.constraints import from_spec
    from twofold.models import resolve as load_model
    from twofold.problems import load as load_problems
    from twofold.runs.audit import audit
    from twofold.runs.score import score
    from twofold.scorers import Compliant, Correct, SoftGate
    from twofold.types import Problem, Response, Sampling, Verdict

__version__ = "0.1.0"

__all__ = [
    "Compliant",
    "Correct",
    "Problem",
    "Response",
    "Sampling",
    "SoftGate",
    "Verdict",
    "audit",
    "from_spec",
    "load_model",
    "load_problems",
    "score",
]

_HOMES = {
    "Compliant": "twofold.scorers:Compliant",
    "Correct": "twofold.scorers:Correct",
    "Problem": "twofold.types:Problem",
    "Response": "twofold.types:Response",
    "Sampling": "twofold.types:Sampling",
    "SoftGate": "twofold.scorers:SoftGate",
    "Verdict": "twofold.types:Verdict",
    "audit": "twofold.runs.audit:audit",
    "from_spec": "twofold.constraints:from_spec",
    "load_model": "twofold.models:resolve",
    "load_problems": "twofold.problems:load",
    "score": "twofold.runs.score:score",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'twofold' has no attribute {name!r}")
    module, _, attribute = _HOMES[name].partition(":")
    found: object = getattr(import_module(module), attribute)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
