"""What does the base say after the first words of the tuned model? A few forced tokens, the rest its own.

Where they bring the gain, the base lacked a way to begin, and nothing that comes later. The control forces
as many tokens of a reply to another problem: it has the tuned model's way of beginning, and nothing about
this problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, final

from twofold.diagnostics.elicitation.elicitor import Elicited, Elicitor, first_said
from twofold.diagnostics.elicitation.vocabulary import require_same_ids
from twofold.errors import ModelError
from twofold.types import Message, Model, OpenModel, Response, Sampling

CHUNK = 16  # prompts whose replies are continued together


@final
@dataclass(frozen=True)
class ForcedTokens(Elicitor):
    """A model that goes on from the first tokens of another model's greedy reply.

    No token of the answer is forced: what is forced ends before the place where the other model first
    writes it, and is at most half of its reply.

    Args:
        base: The model that goes on; its weights are needed.
        tuned: The model that begins; it must have the same tokens.
        n_forced: How many tokens are forced, at least 1.
        beginning: Of which reply they are: that to the `same` prompt, or to `another` one (the control), the
            next in the list that begins otherwise.

    Example: in Python, `ForcedTokens(resolve(BASE), tuned=resolve(TUNED))` is a model to audit; so is a YAML
    file with `kind: forced_tokens`, `base` and `tuned`.

    Source:
        Lin et al. 2023, "The unlocking spell on base LLMs", arXiv 2312.01552: tuned models differ from
        their base at the first tokens most.
    """

    name: ClassVar[str] = "forced_tokens"
    tuned: Model
    n_forced: int = 8
    beginning: Literal["same", "another"] = "same"

    def __post_init__(self) -> None:
        for model in (self.base, self.tuned):
            if not isinstance(model, OpenModel):
                raise ModelError(f"forcing tokens needs the weights of both models: {model.closed}")
        if self.n_forced < 1:
            raise ModelError(f"n_forced is {self.n_forced}; force at least one token")

    def fingerprint(self) -> dict[str, object]:
        """See `Elicitor.fingerprint`; the model that begins by its own fingerprint."""
        settings = {"n_forced": self.n_forced, "beginning": self.beginning}
        models = {"base": self.base.fingerprint(), "tuned": self.tuned.fingerprint()}
        return {"kind": self.name, "settings": settings, **models}

    def elicited(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
    ) -> Iterator[Elicited]:
        """The replies; what the model that begins has written for them is not in their cost.

        Raises:
            ModelError: If the two models have other tokens.
        """
        assert isinstance(self.base, OpenModel) and isinstance(self.tuned, OpenModel)
        require_same_ids(self.base, self.tuned)
        if all((p, g) in done for p in range(len(prompts)) for g in range(n)):
            return
        greedy = Sampling(max_tokens=sampling.max_tokens)
        own = {p: reply for p, _, reply in self.tuned.stream(prompts, greedy, seed=seed)}
        begun = [self._begun(own, p) for p in range(len(prompts))]
        # those that begin with as many tokens have the same budget left
        for n_begun in sorted({*map(len, begun)}):
            alike = [p for p, each in enumerate(begun) if len(each) == n_begun]
            for start in range(0, len(alike), CHUNK):
                chunk = alike[start : start + CHUNK]
                for g in range(n):
                    if not all((p, g) in done for p in chunk):
                        yield from self._continued(prompts, begun, chunk, sampling, g, seed, done)

    def _continued(
        self,
        prompts: Sequence[Sequence[Message]],
        begun: Sequence[tuple[int, ...]],
        chunk: Sequence[int],
        sampling: Sampling,
        g: int,
        seed: int,
        done: AbstractSet[tuple[int, int]],
    ) -> Iterator[Elicited]:
        """The replies of some prompts, in the batches of the first time."""
        assert isinstance(self.base, OpenModel)
        n_begun = len(begun[chunk[0]])
        rest = replace(sampling, max_tokens=max(1, sampling.max_tokens - n_begun))
        at = [prompts[p] for p in chunk], [begun[p] for p in chunk]
        # the draws of a continuation do not know the number of the sample: its seed does
        for i, reply in self.base.continued(*at, rest, seed=seed + g):
            if (chunk[i], g) not in done:
                n_own = None if reply.ids is None else len(reply.ids) - n_begun
                yield Elicited(chunk[i], g, reply, n_own)

    def _begun(self, replies: dict[int, Response], p: int) -> tuple[int, ...]:
        """The forced tokens of a prompt: as many of another reply as of its own for the control."""
        own = self._forced(replies[p])
        if self.beginning == "same":
            return own
        places = ((p + step) % len(replies) for step in range(1, len(replies)))
        others = (self._forced(replies[other]) for other in places)
        return next((other[: len(own)] for other in others if other[: len(own)] != own), ())

    def _forced(self, reply: Response) -> tuple[int, ...]:
        """The first tokens of a reply, before its answer and in its first half."""
        assert isinstance(self.tuned, OpenModel)
        every = reply.ids or ()
        ids = every[: min(self.n_forced, len(every) // 2)]
        said = first_said(reply, self.tuned.decode(every))
        while said is not None and ids and len(self.tuned.decode(ids)) > said:
            ids = ids[:-1]
        return ids
