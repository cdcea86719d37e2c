"""The reply is written again under its rules, and the thought before it stays."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, final

from twofold.methods.remedies.passes import Draft, TwoCalls
from twofold.methods.remedies.stated import Stated
from twofold.models.thinking import thought_span
from twofold.types import Message, Response


@final
@dataclass(frozen=True)
class Rewrite(TwoCalls):
    r"""A model whose visible reply is rewritten to obey; it sees neither question nor thought.

    Where there was no reply (an unclosed thought, a failed call) nothing is rewritten.

    Args:
        base: The model that answers, and rewrites.
        control: It is asked to rewrite without being told the rules.

    Source:
        Ours. Correcting a reply after it was written: self-refine, arXiv 2303.17651; here there is no
        critique and one round.

    Example:
        >>> from twofold.models.scripted import ScriptedModel
        >>> from twofold.types import Sampling
        >>> def script(prompt, sample):
        ...     return "12" if "Write this" in prompt else "<think>7 and 5</think>It is 12."
        >>> asked = "What is 7 + 5? Put it in \\boxed{}. Use no full stops."
        >>> model = Rewrite(ScriptedModel(script))
        >>> model.sample([[Message(role="user", content=asked)]], Sampling())[0][0].raw
        '<think>7 and 5</think>12'
    """

    name: ClassVar[str] = "rewrite"
    control: bool = False

    def first_asked(self, chat: Sequence[Message], told: Stated) -> list[Message]:
        """The prompt itself."""
        return list(chat)

    def then_asked(self, draft: Draft, other: Draft) -> list[Message]:
        """The reply and its rules."""
        rules = "" if self.control else f"\n\nFollow these instructions: {draft.told.rules_text}"
        return [
            Message(
                role="user",
                content="Write this text again. Keep what it says and the form of its result, and write "
                f"nothing else.{rules}\n\n{draft.reply.reply}",
            )
        ]

    def goes_on(self, draft: Draft) -> bool:
        """Whether there is a reply; a thought alone is nothing to rewrite."""
        return draft.reply.has_reply and bool(draft.reply.reply.strip())

    def finished(self, draft: Draft, again: Response) -> Response:
        """The new reply behind the old thought; a failed call stays failed."""
        if not again.has_reply or draft.reply.thinking is None:
            return again
        *_, at = thought_span(draft.reply)
        return replace(
            again,
            raw=draft.reply.raw[:at] + again.reply,
            thinking=draft.reply.thinking,
            n_thinking_tokens=draft.reply.n_thinking_tokens,
            ids=None,
        )
