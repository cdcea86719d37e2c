"""What have the remedies that ask twice in common? A first pass, and a second one that was shown it."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, final

from twofold.diagnostics.elicitation.elicitor import added, n_generated
from twofold.methods.remedies.by_chunks import ByChunks
from twofold.methods.remedies.stated import Stated, stated
from twofold.randomness import rng_for
from twofold.types import FinishReason, Message, Model, Response, Sampling


class Draft(NamedTuple):
    """A first reply, and the prompt that it was given to."""

    chat: Sequence[Message]
    told: Stated
    reply: Response


@dataclass(frozen=True)
class TwoCalls(ByChunks):
    """A model that is asked, and asked again with what it said.

    Each pass has the whole token budget. Prompts without rules, and drafts that say nothing, go through one
    pass.
    """

    @property
    def second(self) -> Model:
        """The model of the second pass."""
        return self.base

    @abstractmethod
    def first_asked(self, chat: Sequence[Message], told: Stated) -> list[Message]:
        """What the first pass is asked in place of a prompt with rules."""

    @abstractmethod
    def then_asked(self, draft: Draft, other: Draft) -> list[Message]:
        """What the second pass is asked; `other` is the draft for another prompt, or the same if alone."""

    def goes_on(self, draft: Draft) -> bool:
        """Whether a draft is worth a second pass: what it says, or has thought, can be shown."""
        return bool(said(draft.reply))

    def finished(self, draft: Draft, again: Response) -> Response:
        """The reply that is given, of the draft and that of the second pass."""
        return again

    @final
    def _is_open(self, draft: Draft) -> bool:
        """Whether a prompt needs the second pass; a failed call stays failed."""
        failed = draft.reply.finish_reason is FinishReason.failed
        return bool(draft.told.rules) and not failed and self.goes_on(draft)

    @final
    def answered(
        self, chats: Sequence[Sequence[Message]], sampling: Sampling, *, n: int, seed: int
    ) -> dict[tuple[int, int], tuple[Response, int | None]]:
        """See `ByChunks.answered`."""
        told = [stated(chat) for chat in chats]
        asked = [
            self.first_asked(chat, each) if each.rules else list(chat)
            for chat, each in zip(chats, told, strict=True)
        ]
        drafts = {
            (p, g): Draft(chats[p], told[p], reply)
            for p, g, reply in self.base.stream(asked, sampling, n=n, seed=seed)
        }
        found = {at: (each.reply, n_generated(each.reply)) for at, each in drafts.items()}
        for g in range(n):
            mine = [p for p in range(len(chats)) if self._is_open(drafts[p, g])]
            others = [mine[(i + 1) % len(mine)] for i in range(len(mine))]
            then = [
                self.then_asked(drafts[p, g], drafts[other, g])
                for p, other in zip(mine, others, strict=True)
            ]
            # a draw of the second pass must depend on the sample, which its prompt may not
            drawn = int(rng_for("second pass", seed, g).integers(2**31))
            for i, _, again in self.second.stream(then, sampling, seed=drawn):
                at = mine[i], g
                cost = added([found[at][1], n_generated(again)])
                found[at] = _cleared(self.finished(drafts[at], again)), cost
        return found


def _cleared(reply: Response) -> Response:
    """A reply whose cost is counted elsewhere."""
    return replace(reply, n_spent_tokens=None)


def said(reply: Response) -> str:
    r"""What a reply says, its thought before it, without marks.

    Example:
        >>> said(Response(raw="", thinking="7 + 5 is 12.", reply="12"))
        '7 + 5 is 12.\n\n12'
    """
    return "\n\n".join(part for part in (reply.thinking or "", reply.reply) if part.strip())


def asking(chat: Sequence[Message], text: str) -> list[Message]:
    """The chat with another text in its last message."""
    return [*chat[:-1], Message(role=chat[-1]["role"], content=text)]
