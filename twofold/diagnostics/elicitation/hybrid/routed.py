"""What is a model of two models? The base writes, a gate fires, an action is taken: by batches, resumable."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, fields, replace
from typing import Any, NamedTuple, final

from twofold.diagnostics.elicitation.elicitor import Elicited, Elicitor, prompt_ids
from twofold.diagnostics.elicitation.hybrid.gates import Budget, Gate
from twofold.diagnostics.elicitation.hybrid.routed_decode import Route, RoutedRow, decode_routed
from twofold.diagnostics.elicitation.vocabulary import require_same_ids
from twofold.errors import ModelError
from twofold.models.batches import SampleKey, plan
from twofold.models.composed import Part
from twofold.models.gumbel import row_seed
from twofold.models.hf import NO_NUMBERS, HfModel
from twofold.types import FinishReason, Message, Model, Response, Sampling


@dataclass(frozen=True, eq=False)
class Routed(Elicitor):
    """A base whose reply another model, or a vector, changes at some tokens.

    Args:
        base: The model that writes; it ends the reply.
        tuned: The model that is asked; None if neither gate nor action reads it.
        gate: Where something is done.
        budget: How often at most.
    """

    tuned: Model | None = None
    gate: Gate | None = None  # none by default, since one has to be chosen
    budget: Budget = field(default_factory=Budget)

    def __post_init__(self) -> None:
        for each in (self.base, *([] if self.tuned is None else [self.tuned])):
            if not isinstance(each, HfModel):
                raise ModelError(
                    f"{self.name} works on the networks of local checkpoints: {each.closed}"
                )
        if self.gate is None:
            raise ModelError(f"{self.name} has no gate; give one, such as `js`")
        if self.route().needs_tuned and self.tuned is None:
            raise ModelError(
                f"gate or action of {self.name} reads the tuned model, and none is named; add `tuned`"
            )

    @abstractmethod
    def route(self) -> Route:
        """Gate, action and budget."""

    def fingerprint(self) -> dict[str, object]:
        """Both models, and every setting: gate, budget, vectors by their hash."""
        others = [each for each in fields(self) if each.name not in ("base", "tuned")]
        settings = {each.name: _json(getattr(self, each.name)) for each in others}
        tuned = None if self.tuned is None else self.tuned.fingerprint()
        base = self.base.fingerprint()
        return {"kind": self.name, "settings": settings, "base": base, "tuned": tuned}

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
        """The replies, with how many of their tokens were acted on; the cost is their length.

        Batches are planned from all the work, so an interrupted one gives the same replies.

        Raises:
            ModelError: If the two models do not have the same tokens.
        """
        base, tuned = self._networks()
        if tuned is not None:
            require_same_ids(base, tuned)
        work = _Work(
            [base.render(chat) for chat in prompts],
            [prompt_ids(base, chat) for chat in prompts],
            [prompt_ids(tuned or base, chat) for chat in prompts],
        )
        longest = [max(len(a), len(b)) for a, b in zip(work.base_ids, work.tuned_ids, strict=True)]
        room = base.capacity
        if tuned is not None:  # which needs its weights, and keys and values of its own
            room = replace(room, n_bytes=room.n_bytes // 2)
        for batch in plan(longest, n=n, max_tokens=sampling.max_tokens, capacity=room):
            if not set(batch) <= done:
                found = self._written(batch, work, sampling, seed)
                yield from (found[at] for at in batch if at not in done)

    def _networks(self) -> tuple[HfModel, HfModel | None]:
        """The base, and the tuned model if it is needed."""
        assert isinstance(self.base, HfModel)
        if not self.route().needs_tuned:
            return self.base, None
        assert isinstance(self.tuned, HfModel)
        return self.base, self.tuned

    def _written(
        self, batch: Sequence[SampleKey], work: _Work, sampling: Sampling, seed: int
    ) -> Mapping[SampleKey, Elicited]:
        import torch

        base, tuned = self._networks()
        rows: dict[SampleKey, RoutedRow] = {}
        found: dict[SampleKey, Elicited] = {}
        for p, g in batch:
            longest = max(len(work.base_ids[p]), len(work.tuned_ids[p]))
            limit = min(sampling.max_tokens, _window(base, tuned) - longest)
            if limit < 1:
                found[p, g] = _failed(
                    p,
                    g,
                    f"the prompt has {longest} tokens, and the context of the shorter model "
                    f"{_window(base, tuned)}; shorten the prompt",
                )
                continue
            noise = row_seed(seed, work.texts[p], g)
            rows[p, g] = RoutedRow(work.base_ids[p], work.tuned_ids[p], noise, limit)
        with torch.inference_mode():
            written = decode_routed(
                base.network,
                None if tuned is None else tuned.network,
                list(rows.values()),
                self.route(),
                sampling,
                eos=base.eos,
            )
        for (p, g), each in zip(rows, written, strict=True):
            if each.is_broken:
                found[p, g] = _failed(p, g, NO_NUMBERS)
                continue
            reply = base.response_of(each.ids)
            found[p, g] = Elicited(p, g, reply, len(each.ids), n_acted=each.n_acted)
        return found


class _Work(NamedTuple):
    """The prompts: the base's text, and the ids of both models' own renderings."""

    texts: Sequence[str]
    base_ids: Sequence[tuple[int, ...]]
    tuned_ids: Sequence[tuple[int, ...]]


def _window(base: HfModel, tuned: HfModel | None) -> int:
    """The shorter context of the two, in tokens."""
    known = [each.window for each in (base, tuned) if each is not None]
    return min((each for each in known if each is not None), default=1 << 40)


def _failed(p: int, g: int, error: str) -> Elicited:
    reply = Response(raw="", reply="", finish_reason=FinishReason.failed, error=error)
    return Elicited(p, g, reply, None)


def _json(value: Any) -> object:
    return value.fingerprint() if isinstance(value, Part) else value
