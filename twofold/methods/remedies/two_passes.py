"""Reason first, comply then: the bare question, and then the same answer under its rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.methods.remedies.passes import Draft, TwoCalls, asking, said
from twofold.methods.remedies.stated import Stated
from twofold.types import Message


@final
@dataclass(frozen=True)
class TwoPasses(TwoCalls):
    r"""A model that solves the question without its rules, and then answers under them.

    Args:
        base: The model that is asked twice.
        control: The second pass is asked the whole prompt and shown nothing: asking twice, at nearly the
            same cost.

    Source:
        The split into a stage that solves and one that meets the constraints: CFR, arXiv 2608.05254.
        Departs: the first stage here does not see the rules; own prompts.

    Example:
        >>> from twofold.models.scripted import ScriptedModel
        >>> from twofold.types import Sampling
        >>> model = ScriptedModel(lambda prompt, sample: "12" if "Use" in prompt else "So it is 12.")
        >>> asked = "What is 7 + 5? Put it in \\boxed{}. Use no full stops."
        >>> TwoPasses(model).sample([[Message(role="user", content=asked)]], Sampling())[0][0].reply
        '12'
    """

    name: ClassVar[str] = "two_passes"
    control: bool = False

    def first_asked(self, chat: Sequence[Message], told: Stated) -> list[Message]:
        """The question without its rules."""
        return asking(chat, told.question)

    def then_asked(self, draft: Draft, other: Draft) -> list[Message]:
        """Question, working and rules; for the control, the prompt."""
        if self.control:
            return list(draft.chat)
        return asking(
            draft.chat,
            f"{draft.told.question}\n\nHere is a worked answer to this question:\n\n"
            f"{said(draft.reply)}\n\nGive this answer again, with its result unchanged, so that it "
            f"follows every one of these instructions: {draft.told.rules_text}",
        )
