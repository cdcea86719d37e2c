"""How is a model trained? One method a file, each carried out by TRL.

Importing this package brings in no torch. A method's `rows` can be looked at without a model; its
`train` loads one. To add a method, subclass `Method` (or `Tuned`, if TRL carries it out) in a file
of its own and name it in `METHODS`.
"""

from twofold.methods.grpo import Grpo
from twofold.methods.method import Checkpoint, Method, TrainingError

__all__ = ["METHODS", "Checkpoint", "Grpo", "Method", "TrainingError"]

METHODS: dict[str, type[Method]] = {method.name: method for method in (Grpo,)}
"""Every method by the name that `twofold train` takes."""
