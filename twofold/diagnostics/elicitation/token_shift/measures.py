"""The rows of the token-level panel as measures: shifted tokens, divergence, sparsity, likelihood.

The role is whose replies were read by the other model: `model` (the tuned model's, by its base),
`baseline` (the mirror) and `null` (the base's, by the base itself: no divergence, rank 1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.elicitation.token_shift.collect import NAME, NULL, TEXTS
from twofold.diagnostics.row_table import filed
from twofold.errors import StatsError
from twofold.stats import average, mean, resampled
from twofold.stats.resampled import LEAST_PROBLEMS, Drawn
from twofold.storage.jsonl import Row
from twofold.types import ALL, Estimate, Finding, Measure, Slice

Floats = NDArray[np.float64]

ROLES = (*TEXTS, NULL)
MARGINAL = 3  # the last rank that is no shift
RANKS = {"unshifted": (1, 1), "marginal": (2, MARGINAL), "shifted": (MARGINAL + 1, np.inf)}
SPARSE = "kl_in_top_5_percent"
PERPLEXITY = "perplexity"
RATIO = "perplexity_ratio"
TOP = 0.05  # the share of tokens whose part of the divergence is the sparsity
N_PARTS = 10  # of a reply, by position


@final
@dataclass(frozen=True)
class _Tokens:
    """The tokens of all texts of one role, in order, and the texts that were asked for."""

    texts: Sequence[Row]
    n_lost: int

    @cached_property
    def problem(self) -> NDArray[np.int64]:
        """The place of each token's problem."""
        return np.repeat(np.arange(len(self.texts)), [len(each["rank"]) for each in self.texts])

    @cached_property
    def part(self) -> NDArray[np.int64]:
        """Which tenth of its reply each token is in, from 0."""
        sizes = [len(each["rank"]) for each in self.texts]
        return np.concatenate([np.arange(n) * N_PARTS // n for n in sizes])

    def column(self, name: str) -> Floats:
        """A field of every token."""
        return np.concatenate([np.asarray(each[name], dtype=float) for each in self.texts])

    def perplexity(self, by: str) -> Floats:
        """The perplexity of each text for its `author` or its `reader`."""
        return np.exp([-np.mean(each[by]) for each in self.texts])


@final
@dataclass(frozen=True)
class ShiftMeasures:
    """The measures of the saved rows; rows of other arms are ignored.

    Args:
        rows: The rows of the run's table.
        seed: Of the bootstrap.
    """

    rows: Sequence[Row]
    seed: int

    @cached_property
    def _texts(self) -> dict[str, dict[str, Row]]:
        """The texts that were read, by role and problem."""
        found: dict[str, dict[str, Row]] = {role: {} for role in ROLES}
        for row in self._asked:
            for role, text in row["texts"].items():
                found[role][row["problem"]] = text
        return found

    @cached_property
    def _asked(self) -> list[Row]:
        return [row for row in self.rows if "texts" in row]

    def caveats(self) -> Iterator[str]:
        """Why nothing was measured, or which numbers lack the problems for an interval."""
        if why := next((row["left_out"] for row in self.rows if "left_out" in row), ""):
            yield f"The shift by token was not measured: {why}."
        read = {
            f"{name} of {role}": len(self._texts[role])
            for role in ROLES
            for name in (PERPLEXITY, SPARSE)
        }
        read[RATIO] = len(self._shared)
        few = [f"{name} (of {n})" for name, n in read.items() if n < LEAST_PROBLEMS]
        if self._asked and few:
            yield (
                f"Token shift: an interval needs {LEAST_PROBLEMS} problems, so no number could be computed "
                f"for {', '.join(few)}; these are left out, not zero."
            )

    def measures(self) -> Iterator[Measure]:
        """By role: rates of ranks, `kl` and `js`, whole and by tenth of the reply; sparsity; perplexity."""
        for role in ROLES:
            texts = list(self._texts[role].values())
            if texts:
                yield from self._of_role(role, _Tokens(texts, len(self._asked) - len(texts)))
        yield from self._ratio()

    def _of_role(self, role: str, tokens: _Tokens) -> Iterator[Measure]:
        rank = tokens.column("rank")
        parts = {ALL: np.ones(len(rank), dtype=bool)}
        parts |= {Slice("tenth", str(i + 1)): tokens.part == i for i in range(N_PARTS)}
        rates = {n: ((low <= rank) & (rank <= high)) for n, (low, high) in RANKS.items()}
        nats = {name: tokens.column(name) for name in ("kl", "js")}
        for part, chosen in parts.items():
            whose = tokens.problem[chosen]
            lost = len(self._asked) - len(np.unique(whose))
            for estimator, columns in ((mean, rates), (average, nats)):
                for name, column in columns.items():
                    yield from _measured(
                        role, name, part, estimator, column[chosen], whose, n_unscored=lost
                    )
        yield from _measured(role, SPARSE, ALL, self._sparsity, tokens)
        ppl = tokens.perplexity("reader")
        yield from _measured(
            role,
            PERPLEXITY,
            ALL,
            resampled,
            lambda at: float(np.median(ppl[at])),
            len(ppl),
            seed=self.seed,
            n_unscored=tokens.n_lost,
        )

    def _sparsity(self, tokens: _Tokens) -> Estimate:
        """The share of the whole divergence that is at the tokens with the most of it."""
        kl = tokens.column("kl")
        order = np.argsort(-kl, kind="stable")
        ordered, problem = kl[order], tokens.problem[order]

        def share(drawn: Drawn) -> float:
            weight = np.bincount(drawn, minlength=len(tokens.texts))[problem]
            return top_share(ordered, weight)

        n = len(tokens.texts)
        return resampled(share, n, seed=self.seed, n_unscored=tokens.n_lost)

    @cached_property
    def _shared(self) -> list[str]:
        """The problems of which both models' replies were read."""
        return sorted(self._texts["model"].keys() & self._texts["baseline"].keys())

    def _ratio(self) -> Iterator[Measure]:
        """How much less likely for the base the tuned model's replies are than its own."""
        if not (shared := self._shared):
            return
        sides = ((self._texts["model"], "reader"), (self._texts["baseline"], "author"))
        theirs, ours = (_Tokens([side[p] for p in shared], 0).perplexity(by) for side, by in sides)
        yield from _measured(
            "model",
            RATIO,
            ALL,
            resampled,
            lambda at: float(np.median(theirs[at]) / np.median(ours[at])),
            len(shared),
            seed=self.seed,
            n_unscored=len(self._asked) - len(shared),
        )


def top_share(ordered: Floats, weight: NDArray[np.int64]) -> float:
    """The share of a weighted total that is in its first 5 %; NaN of a total of 0.

    Args:
        ordered: The values, the largest first.
        weight: How often each is counted. The value at the edge counts in part.

    Example:
        >>> top_share(np.array([6.0, 1.0] + [0.5] * 18), np.ones(20, dtype=int))
        0.375
    """
    total = float((ordered * weight).sum())
    room = TOP * float(weight.sum())
    before = np.cumsum(weight) - weight
    counted = np.clip(room - before, 0, weight)
    return float((ordered * counted).sum()) / total if total > 0 else float("nan")


def _measured(
    role: str, metric: str, part: Slice, estimator: Any, *args: Any, **options: Any
) -> Iterator[Measure]:
    """The measure, or nothing where it cannot be computed."""
    try:
        estimate = estimator(*args, **options)
    except StatsError:
        return
    yield from filed(role, metric, estimate, condition=NAME, slice=part)


def likelihood_in_words(found: Finding) -> Iterator[str]:
    """The two numbers that a reader of the conditions wants beside them, where they were measured."""
    for metric, words in ((RATIO, "perplexity ratio"), (SPARSE, "KL in the top 5 % of the tokens")):
        each = found.estimate(metric, condition=NAME)
        if each is not None:
            yield f"{words} {each.value:.2f} [{each.low:.2f}, {each.high:.2f}]"
