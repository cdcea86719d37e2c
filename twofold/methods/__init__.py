"""How is a model trained? One method a file, each carried out by TRL.

Importing this package brings in no torch. A method's `rows` can be looked at without a model; its
`train` loads one. To add a method, subclass `Method` (or `Tuned`, if TRL carries it out) in a file
of its own and name it in `METHODS`.
"""

from twofold.errors import nearest
from twofold.extension import class_named, is_reference
from twofold.methods.cft import Cft
from twofold.methods.config import configured
from twofold.methods.dpo import Dpo
from twofold.methods.grpo import Grpo
from twofold.methods.method import Method, TrainedModel, TrainingError
from twofold.methods.rewards import REWARDS
from twofold.methods.rft import Rft
from twofold.methods.sft import Sft

__all__ = [
    "METHODS",
    "REWARDS",
    "Cft",
    "Dpo",
    "Grpo",
    "Method",
    "Rft",
    "Sft",
    "TrainedModel",
    "TrainingError",
    "configured",
    "named",
]

METHODS: dict[str, type[Method]] = {method.name: method for method in (Sft, Cft, Rft, Grpo, Dpo)}
"""Every method by the name that `twofold train` takes."""


def named(name: str) -> type[Method]:
    """The method called `name`, or that `package.module:Name` names.

    Raises:
        TrainingError: If there is none; names the nearest.
        ExtensionError: If the reference names no method.

    Example:
        >>> named("grpo").__name__
        'Grpo'
    """
    if is_reference(name):
        return class_named(name, Method)
    if name not in METHODS:
        raise TrainingError(f"no method is called {name!r}; {nearest(name, METHODS)}")
    return METHODS[name]
