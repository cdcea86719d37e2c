"""The parent answers again, with the reasoner's output before it: who reasons need not be who obeys."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, final

from twofold.methods.remedies.passes import Draft, TwoCalls, asking, said
from twofold.methods.remedies.stated import Stated
from twofold.types import Message, Model


@final
@dataclass(frozen=True)
class ParentAnswers(TwoCalls):
    """A reasoner whose output is shown to the model that it was trained from, which gives the reply.

    A prompt without rules is answered by the reasoner alone. The parent by itself is an arm of its own.

    Args:
        base: The reasoner.
        parent: The model that it was trained from, or any that obeys.
        control: The parent is shown the reasoner's output for another prompt of the same chunk: as many
            calls and a context of the same kind, with nothing about this question.

    Source:
        SFT-as-context, arXiv 2610.11132: with a 2 times dearer inference AIME 2024 11.3 -> 53.8 and
        IFEval 71.3 -> 69.8 against the parent. Departs: prompts without rules take one call; own prompt.

    Example: a YAML file with `kind: parent_answers`, `base: REASONER` and `parent: INSTRUCT` is a model.
    """

    name: ClassVar[str] = "parent_answers"
    parent: Model
    control: bool = False

    @property
    def second(self) -> Model:
        """The parent."""
        return self.parent

    def fingerprint(self) -> dict[str, object]:
        """See `Elicitor.fingerprint`; the parent by its own fingerprint."""
        models: dict[str, Any] = {
            "base": self.base.fingerprint(),
            "parent": self.parent.fingerprint(),
        }
        return {"kind": self.name, "settings": {"control": self.control}, **models}

    def observed(self) -> dict[str, object]:
        """What either model shows."""
        return {**self.parent.observed(), **self.base.observed()}

    def first_asked(self, chat: Sequence[Message], told: Stated) -> list[Message]:
        """The prompt itself."""
        return list(chat)

    def then_asked(self, draft: Draft, other: Draft) -> list[Message]:
        """The reasoner's output, and then the whole prompt."""
        shown = other if self.control else draft
        return asking(
            draft.chat,
            f"Someone else wrote this about the request below. It may help you:\n\n{said(shown.reply)}\n\n"
            f"The request, which you answer yourself:\n\n{draft.chat[-1]['content']}",
        )
