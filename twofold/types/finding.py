"""What did a diagnostic find? Estimates and paired differences as flat records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple, final


@final
@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A point estimate with its confidence interval `[low, high]`.

    Args:
        n: Independent units behind it (problems, not samples).
        n_unscored: Units left out because they could not be scored.
        level: Coverage of the interval.
        method: How the interval was computed, e.g. "wilson".

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
    """A paired difference on the same problems.

    Args:
        difference: after − before; `before` and `after` cover the same paired problems.
        n_improved: Problems that went from failed to passed.
        n_regressed: Problems that went from passed to failed.
        p: Two-sided p-value of the null hypothesis of no difference.
        p_adjusted: `p` after Holm's correction over its family; None outside a family.
        minimum_detectable_effect: Smallest true difference detectable with about 80 % power (see
            docs/statistics.md); None if unknown.
        test: The test that gave `p`, e.g. "exact McNemar".
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

    def with_adjusted_p(self) -> Comparison:
        """The comparison with its adjusted p-value, where it has one, as `p`."""
        return self if self.p_adjusted is None else replace(self, p=self.p_adjusted)


class Outcome(StrEnum):
    """The verdict on the paired differences in capability and obedience to the base."""

    both_rise = "both_rise"  # both lower bounds above zero
    trade_off = "trade_off"  # one rises, the other falls
    one_rises = "one_rises"  # one rises, the other shows no change
    none_rises = "none_rises"  # no change, and a relevant rise is ruled out
    habit = "habit"  # compliance rises, obedience does not: rules are met unasked as well
    worse = "worse"  # at least one falls, none rises
    underpowered = "underpowered"  # no change seen, but a relevant one could have been missed
    unfinished = "unfinished"  # it depends on how unclosed thinking is counted


class Lineage(StrEnum):
    """How the model came from the baseline, as far as that is known."""

    unknown = "unknown"
    trained_from_baseline = "trained_from_baseline"  # by one run of training
    same_weights = "same_weights"  # the baseline itself, asked or decoded in another way


class Slice(NamedTuple):
    """The rows whose `by` is `value`, e.g. `Slice("type", "keywords:existence")`."""

    by: str
    value: str


# The slice that holds all rows.
ALL = Slice("", "")


@final
@dataclass(frozen=True, kw_only=True)
class Measure:
    """One estimate and what was measured.

    Args:
        role: Who answered: `model`, `baseline`, an arm of a study, a floor such as `bare_answer`.
        condition: How the model was prompted, e.g. `constrained`; "" where there is only one way.
        metric: What was measured, e.g. `accuracy`.
    """

    role: str
    condition: str = ""
    metric: str
    slice: Slice = ALL
    estimate: Estimate


@final
@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One paired difference: `role` is its `after`, `versus` (e.g. `baseline`) its `before`."""

    role: str
    versus: str
    condition: str = ""
    metric: str
    slice: Slice = ALL
    comparison: Comparison


def names(record: Measure | Contrast) -> dict[str, str]:
    """What a record measures, as flat fields."""
    versus = {"versus": record.versus} if isinstance(record, Contrast) else {}
    return {
        "role": record.role,
        **versus,
        "condition": record.condition,
        "metric": record.metric,
        "slice_by": record.slice.by,
        "slice": record.slice.value,
    }


@final
@dataclass(frozen=True, kw_only=True)
class Count:
    """A plain count, e.g. of the truncated replies of a role in a condition."""

    role: str
    condition: str = ""
    metric: str
    n: int


@final
@dataclass(frozen=True, kw_only=True)
class Finding:
    """The result of one diagnostic, as records.

    Args:
        diagnostic: The name of the diagnostic.
        question: The question it answers, in a sentence.
        outcome: The verdict; None unless a model was compared with its base.
        caveats: Limits of the numbers that a reader must know.
        lineage: What lies between baseline and model; how far one training run speaks for others
            depends on it.

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
    lineage: Lineage = Lineage.unknown

    def estimate(
        self, metric: str, *, role: str = "model", condition: str = "", slice: Slice = ALL
    ) -> Estimate | None:
        """The estimate with these names; None if there is none."""
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
        """The comparison with these names; None if there is none."""
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
            yield {"diagnostic": self.diagnostic, **names(each), **asdict(each.estimate)}

    def contrast_rows(self) -> Iterator[dict[str, Any]]:
        """Every contrast as a flat row; `value`, `low`, `high` and `n` belong to the difference."""
        for each in self.contrasts:
            found = each.comparison
            ends = {"before": found.before.value, "after": found.after.value}
            numbers = asdict(found) | ends
            difference = numbers.pop("difference")
            yield {"diagnostic": self.diagnostic, **names(each), **difference, **numbers}
