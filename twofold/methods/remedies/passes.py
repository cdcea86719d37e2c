"""What have the remedies that ask twice in common? A first pass, and a second one that was shown it."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import NamedTuple, final

from twofold.diagnostics.elicitation.elicitor import Elicited, Elicitor, added, n_generated
from twofold.methods.remedies.stated import Stated, stated
from twofold.randomness import rng_for
from twofold.types import FinishReason, Message, Model, Response, Sampling

CHUNK = 16  # prompts that go through both passes together


class Draft(NamedTuple):
    """A first reply, and the prompt that it was given to."""

    chat: Sequence[Message]
    told: Stated
    reply: Response


@dataclass(frozen=True)
class TwoCalls(Elicitor):
    """A model that is asked, and asked again with what it said.

    Each pass has the whole token budget. Prompts without rules, and drafts that say nothing, go through one
    pass. A resumed run makes whole chunks of prompts again, out of the cache where the model is local.
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
    def elicited(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
    ) -> Iterator[Elicited]:
        """The replies after both passes, with the tokens of both."""
        for start in range(0, len(prompts), CHUNK):
            chats = prompts[start : start + CHUNK]
            at = [(p, g) for p in range(len(chats)) for g in range(n)]
            if any((start + p, g) not in done for p, g in at):
                found = self._both(chats, sampling, n=n, seed=seed)
                for p, g in at:
                    if (start + p, g) not in done:
                        reply, cost = found[p, g]
                        yield Elicited(start + p, g, reply, cost)

    @final
    def _is_open(self, draft: Draft) -> bool:
        """Whether a prompt needs the second pass; a failed call stays failed."""
        failed = draft.reply.finish_reason is FinishReason.failed
        return bool(draft.told.rules) and not failed and self.goes_on(draft)

    def _both(
        self, chats: Sequence[Sequence[Message]], sampling: Sampling, *, n: int, seed: int
    ) -> dict[tuple[int, int], tuple[Response, int | None]]:
        """Both passes of some prompts: reply and cost by prompt and sample."""
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
