"""How does a remedy of several passes stay resumable? Some prompts at a time go through all of them."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import final

from twofold.diagnostics.elicitation.elicitor import Elicited, Elicitor
from twofold.types import Message, Response, Sampling

CHUNK = 16  # prompts that go through all passes together


@dataclass(frozen=True)
class ByChunks(Elicitor):
    """A model that answers a chunk of prompts after the other.

    A resumed run makes whole chunks again, out of the cache where the model is local.
    """

    @abstractmethod
    def answered(
        self, chats: Sequence[Sequence[Message]], sampling: Sampling, *, n: int, seed: int
    ) -> Mapping[tuple[int, int], tuple[Response, int | None]]:
        """Reply and cost of each prompt and sample of a chunk."""

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
        """The replies after all passes; what was thrown away is in their cost."""
        for start in range(0, len(prompts), CHUNK):
            chats = prompts[start : start + CHUNK]
            at = [(p, g) for p in range(len(chats)) for g in range(n)]
            missing = [(p, g) for p, g in at if (start + p, g) not in done]
            if missing:
                found = self.answered(chats, sampling, n=n, seed=seed)
                yield from (Elicited(start + p, g, *found[p, g]) for p, g in missing)
