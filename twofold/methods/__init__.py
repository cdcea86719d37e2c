"""How is a model trained? One method per file; TRL does the training.

Importing this package does not import torch. To add a method, subclass `Method` (or `Tuned`, to
train with TRL) in its own file and add it to `METHODS`.
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
from twofold.methods.rlag import Retriever, Rlag
from twofold.methods.sft import Sft
from twofold.methods.softcot.method import SoftCotMethod

_ALL: tuple[type[Method], ...] = (Sft, Cft, Rft, Grpo, Dpo, SoftCotMethod, Rlag)

METHODS: dict[str, type[Method]] = {method.name: method for method in _ALL}


def method_named(name: str) -> type[Method]:
    """The method called `name`, or the one at `package.module:Name`.

    Raises:
        TrainingError: If there is none; suggests the nearest name.
        ExtensionError: If the reference is not a method.

    Example:
        >>> method_named("grpo").__name__
        'Grpo'
    """
    if is_reference(name):
        return class_named(name, Method)
    if name not in METHODS:
        raise TrainingError(f"no method is called {name!r}; {nearest(name, METHODS)}")
    return METHODS[name]
