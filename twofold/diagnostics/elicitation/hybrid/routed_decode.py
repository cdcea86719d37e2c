"""How do two networks write one reply? Both read it; a gate says at each token which of them is heard.

Rows that have ended are removed when half of them have, as in `twofold.models.decode`; with a gate that
never fires, the replies are the same as there.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast, final

import torch

from twofold.diagnostics.elicitation.hybrid.actions import Action
from twofold.diagnostics.elicitation.hybrid.gates import Budget, Gate
from twofold.diagnostics.elicitation.hybrid.reader import Reader, Reading
from twofold.diagnostics.elicitation.hybrid.step import Step
from twofold.models.gumbel import samplers
from twofold.types import Sampling

_NO_IDS = cast(torch.LongTensor, torch.empty(0, 0, dtype=torch.long))  # the processors read none


class RoutedRow(NamedTuple):
    """One reply to write: both models' prompts, the seed of its noise, its limit of new tokens."""

    base_ids: tuple[int, ...]
    tuned_ids: tuple[int, ...]
    seed: int
    limit: int


@final
@dataclass(frozen=True)
class Route:
    """Where is acted, how, and how often."""

    gate: Gate
    action: Action
    budget: Budget = field(default_factory=Budget)

    @property
    def needs_tuned(self) -> bool:
        """Whether the tuned model has to read the reply."""
        layers = self.gate.tuned_layers | self.action.tuned_layers
        return self.gate.needs_tuned or self.action.needs_tuned or bool(layers)


@final
@dataclass
class Written:
    """A reply so far: its tokens, and which of them were acted on."""

    ids: list[int] = field(default_factory=list)
    acted: list[bool] = field(default_factory=list)
    is_broken: bool = False  # the logits were no numbers at some token

    @property
    def n_acted(self) -> int:
        """At how many tokens the gate fired and the budget allowed it."""
        return sum(self.acted)


def decode_routed(
    base: Any,
    tuned: Any | None,
    rows: Sequence[RoutedRow],
    route: Route,
    sampling: Sampling,
    *,
    eos: Sequence[int],
) -> list[Written]:
    """Write a reply for every row, with its end token.

    Args:
        base: The network that writes.
        tuned: The network that is asked; None if the route does not need it.
        rows: One batch.
        route: Gate, action and budget.
        sampling: How tokens are drawn; the same noise serves both models.
        eos: The ids that end a reply, those of the base.
    """
    gate, action = route.gate, route.action
    if not rows:
        return []
    writer = Reader(base, kept=gate.base_layers, steered=action.steered_layer)
    asked = (
        Reader(tuned, kept=gate.tuned_layers | action.tuned_layers) if tuned is not None else None
    )
    with _opened(writer, asked, rows) as (ids_B, tuned_B):
        batch = _Batch(rows, base.device, sampling, eos)
        while batch.alive:
            of_tuned = None if asked is None or tuned_B is None else asked.read(tuned_B)
            ids_B = tuned_B = batch.next(writer.read(ids_B), of_tuned, route)
            if (left := batch.left()) is not None:
                ids_B = tuned_B = ids_B[left]
                for each in (writer, asked):
                    if each is not None and batch.alive:
                        each.select(left)
    return batch.written


@contextmanager
def _opened(
    writer: Reader, asked: Reader | None, rows: Sequence[RoutedRow]
) -> Iterator[tuple[torch.Tensor, torch.Tensor | None]]:
    """Both readers after the prompts but their last tokens, which are given."""
    with ExitStack() as stack:
        ids_B = stack.enter_context(writer.opened([row.base_ids for row in rows]))
        tuned_B = (
            None
            if asked is None
            else stack.enter_context(asked.opened([row.tuned_ids for row in rows]))
        )
        yield ids_B, tuned_B


@final
class _Batch:
    """The rows that are still written, and what was written."""

    def __init__(
        self, rows: Sequence[RoutedRow], device: Any, sampling: Sampling, eos: Sequence[int]
    ) -> None:
        self._rows, self._sampling, self._eos, self._device = rows, sampling, eos, device
        self._noise = [torch.Generator(device).manual_seed(row.seed) for row in rows]
        self.written = [Written() for _ in rows]
        self.alive = list(range(len(rows)))
        self._samplers = samplers(sampling, self._noise)

    def _has_ended(self, r: int) -> bool:
        ids = self.written[r].ids
        return bool(ids) and (ids[-1] in self._eos or len(ids) >= self._rows[r].limit)

    def next(self, base: Reading, tuned: Reading | None, route: Route) -> torch.Tensor:
        """Draw the next token of every row, shape (rows,)."""
        seeds = [self._rows[r].seed for r in self.alive]
        step = Step(base, tuned, seeds, [len(self.written[r].ids) for r in self.alive])
        fires_B = self._allowed(route.gate.fires(step), route.budget)
        # what only one of the models can read is never drawn
        logits_BV = base.logits_BV if tuned is None else step.both_BV[0]
        if bool(fires_B.any()):
            other_BV = route.action.logits(step, fires_B)
            logits_BV = torch.where(fires_B[:, None], other_BV[:, : logits_BV.shape[1]], logits_BV)
        broken = (~torch.isfinite(logits_BV.amax(-1))).tolist()
        drawn_B = self._samplers(_NO_IDS, logits_BV).argmax(-1)
        told = zip(self.alive, drawn_B.tolist(), fires_B.tolist(), broken, strict=True)
        for r, token, has_fired, is_broken in told:
            if not self._has_ended(r):
                row = self.written[r]
                row.ids.append(token)
                row.acted.append(has_fired)
                row.is_broken |= is_broken
        return drawn_B

    def _allowed(self, fires_B: torch.Tensor, budget: Budget) -> torch.Tensor:
        """Where the gate fires, the budget allows it, and the row has not ended."""
        allowed = [
            fires
            and not self._has_ended(r)
            and budget.allows(self.written[r].n_acted, len(self.written[r].ids))
            for r, fires in zip(self.alive, fires_B.tolist(), strict=True)
        ]
        return torch.tensor(allowed, device=self._device)

    def left(self) -> torch.Tensor | None:
        """The places of the rows to go on with, once half have ended; None before."""
        places = [i for i, r in enumerate(self.alive) if not self._has_ended(r)]
        if len(self.alive) - len(places) < (len(self.alive) + 1) // 2:
            return None
        self.alive = [self.alive[i] for i in places]
        self._samplers = samplers(self._sampling, [self._noise[r] for r in self.alive])
        return torch.tensor(places, dtype=torch.long, device=self._device)
