"""What was found: numbers with their doubt, filed as records that a table can hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple, final


@final
@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its doubt.

    Args:
        value: The point estimate.
        low: Lower end of the interval.
        high: Upper end of the interval.
        n: Independent units it rests on (problems, not samples).
        n_unscored: Units left out because they could not be judged.
        level: Coverage of the interval.
        method: How the interval was made, e.g. "wilson", "bca bootstrap, 2000 resamples".

    Example:
        >>> str(Estimate(value=.62, low=.55, high=.69, n=200, n_unscored=3, method="wilson"))
        '0.620 [0.550, 0.690] (n=200, 3 unscored)'
    """

    value: float
    low: float
    high: float
    n: int
    n_unscored: int = 0
    level: float = 0.95
    method: str

    def __str__(self) -> str:
        lost = f", {self.n_unscored} unscored" if self.n_unscored else ""
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] (n={self.n}{lost})"


@final
@dataclass(frozen=True, kw_only=True)
class Comparison:
    """A paired before/after difference on the same problems.

    Args:
        difference: after − before.
        before: The estimate on the paired problems, before.
        after: The same, after.
        n_improved: Problems that went from failed to passed (discordant upward).
        n_regressed: Problems that went from passed to failed (discordant downward).
        p: Two-sided p-value of no difference.
        p_adjusted: The same after Holm's correction over its family; None outside a family.
        minimum_detectable_effect: The smallest true difference that this comparison would have seen with 80 %
            power; None where it cannot be said.
        test: Which test gave p, e.g. "exact McNemar".
    """

    difference: Estimate
    before: Estimate
    after: Estimate
    n_improved: int
    n_regressed: int
    p: float
    p_adjusted: float | None = None
    minimum_detectable_effect: float | None = None
    test: str


class Outcome(StrEnum):
    """The verdict over capability and compliance, both as paired differences to the base."""

    both_rise = "both_rise"  # both lower bounds above zero
    trade_off = "trade_off"  # one rises, the other falls
    one_rises = "one_rises"  # one rises, the other shows no change
    none_rises = "none_rises"  # no change, and a rise worth having is ruled out
    worse = "worse"  # at least one falls, none rises
    underpowered = (
        "underpowered"  # no change seen, and a change worth having could have been missed
    )
    unfinished = "unfinished"  # it depends on how thoughts that never ended are counted


class Slice(NamedTuple):
    """A part of the data: those rows whose `by` is `value`, e.g. `Slice("type", "keywords:existence")`."""

    by: str
    value: str


ALL = Slice("", "")
"""Everything, not a part."""


@final
@dataclass(frozen=True, kw_only=True)
class Measure:
    """One estimate and what it is of.

    Args:
        role: Who answered: `model`, `baseline`, an arm of a study, a floor such as `bare_answer`.
        condition: How it was asked or read, e.g. `constrained`; "" where there is only one way.
        metric: What was measured, e.g. `accuracy`.
        slice: The part of the data.
        estimate: The number.
    """

    role: str
    condition: str = ""
    metric: str
    slice: Slice = ALL
    estimate: Estimate


@final
@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One paired difference and what it is between.

    Args:
        role: Whose value is `after`: `model`, or an arm of a study.
        versus: What it is compared with: `baseline`, another condition, or a control.
        condition: How `after` was asked or read; "" where there is only one way.
        metric: What was measured.
        slice: The part of the data.
        comparison: The paired difference.
    """

    role: str
    versus: str
    condition: str = ""
    metric: str
    slice: Slice = ALL
    comparison: Comparison


@final
@dataclass(frozen=True, kw_only=True)
class Count:
    """A plain count, e.g. how many replies of a role in a condition ended in one way."""

    role: str
    condition: str = ""
    metric: str
    n: int


@final
@dataclass(frozen=True, kw_only=True)
class Finding:
    """What one diagnostic found, as records.

    Args:
        diagnostic: Its name.
        question: The question it answers, in a sentence.
        measures: Every estimate.
        contrasts: Every paired difference.
        counts: Plain counts.
        outcome: The verdict, for a before/after pair.
        caveats: What a reader must know before believing a number.

    Example:
        >>> half = Estimate(value=0.5, low=0.2, high=0.8, n=6, method="wilson")
        >>> right = Measure(role="model", condition="constrained", metric="accuracy", estimate=half)
        >>> found = Finding(diagnostic="joint", question="Both?", measures=(right,))
        >>> print(found.estimate("accuracy", condition="constrained"))
        0.500 [0.200, 0.800] (n=6)
    """

    diagnostic: str
    question: str
    measures: Sequence[Measure] = ()
    contrasts: Sequence[Contrast] = ()
    counts: Sequence[Count] = ()
    outcome: Outcome | None = None
    caveats: tuple[str, ...] = ()

    def estimate(
        self, metric: str, *, role: str = "model", condition: str = "", slice: Slice = ALL
    ) -> Estimate | None:
        """The estimate filed under these names; None if it was not made."""
        return self._estimates.get((role, condition, metric, slice))

    def comparison(
        self,
        metric: str,
        *,
        role: str = "model",
        versus: str = "baseline",
        condition: str = "",
        slice: Slice = ALL,
    ) -> Comparison | None:
        """The comparison filed under these names; None if it was not made."""
        return self._comparisons.get((role, versus, condition, metric, slice))

    @cached_property
    def _estimates(self) -> Mapping[tuple[str, str, str, Slice], Estimate]:
        return {(m.role, m.condition, m.metric, m.slice): m.estimate for m in self.measures}

    @cached_property
    def _comparisons(self) -> Mapping[tuple[str, str, str, str, Slice], Comparison]:
        return {
            (c.role, c.versus, c.condition, c.metric, c.slice): c.comparison for c in self.contrasts
        }

    def rows(self) -> Iterator[dict[str, Any]]:
        """Every measure as a flat row: `pandas.DataFrame(finding.rows())`."""
        for each in self.measures:
            yield {
                "diagnostic": self.diagnostic,
                "role": each.role,
                "condition": each.condition,
                "metric": each.metric,
                "slice_by": each.slice.by,
                "slice": each.slice.value,
                **asdict(each.estimate),
            }

    def contrast_rows(self) -> Iterator[dict[str, Any]]:
        """Every contrast as a flat row; `value`, `low`, `high` and `n` are the difference's."""
        for each in self.contrasts:
            found = each.comparison
            yield {
                "diagnostic": self.diagnostic,
                "role": each.role,
                "versus": each.versus,
                "condition": each.condition,
                "metric": each.metric,
                "slice_by": each.slice.by,
                "slice": each.slice.value,
                **asdict(found.difference),
                "before": found.before.value,
                "after": found.after.value,
                "n_improved": found.n_improved,
                "n_regressed": found.n_regressed,
                "p": found.p,
                "p_adjusted": found.p_adjusted,
                "minimum_detectable_effect": found.minimum_detectable_effect,
                "test": found.test,
            }
