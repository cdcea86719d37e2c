"""The rules before the question: what is read first is not forgotten behind a long chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.diagnostics.elicitation.prompts import Reprompted
from twofold.methods.remedies.passes import asking
from twofold.methods.remedies.stated import stated
from twofold.types import Message


@final
@dataclass(frozen=True)
class ConstraintFirst(Reprompted):
    r"""A model that reads the rules of a prompt before its question, in the same words.

    It costs what the model itself costs, which is its control.

    Args:
        base: The model that is asked.

    Source:
        CFR, arXiv 2608.05254. Departs: one stage instead of two (`two_passes` is the other half), and the
        sentences are moved, not rewritten.

    Example:
        >>> from twofold.models.scripted import ScriptedModel
        >>> from twofold.types import Sampling
        >>> echo = ScriptedModel(lambda prompt, sample: prompt)
        >>> asked = "2 + 2? Put it in \\boxed{}. Use no full stops."
        >>> ConstraintFirst(echo).sample([[Message(role="user", content=asked)]], Sampling())[0][0].reply
        'Use no full stops.\n\n2 + 2? Put it in \\boxed{}.'
    """

    name: ClassVar[str] = "constraint_first"

    def asked(self, chat: Sequence[Message]) -> list[Message]:
        """The chat, with the rules of its last message moved to the front."""
        told = stated(chat)
        return asking(chat, f"{told.rules_text}\n\n{told.question}") if told.rules else list(chat)
