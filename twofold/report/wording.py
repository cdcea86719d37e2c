"""How are numbers and verdicts written? One wording for the page, `report.md` and the terminal."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from twofold.types import Comparison, Contrast, Estimate, Lineage, Measure, Outcome

_OUTCOMES = {
    Outcome.both_rise: (
        "Both rose",
        "Capability improved, and so did obedience: told minus untold.",
    ),
    Outcome.habit: (
        "A habit: compliance rose, obedience did not",
        "The rules are met more often, but as often without being stated.",
    ),
    Outcome.trade_off: ("A trade-off", "One side improved at the cost of the other."),
    Outcome.one_rises: ("One rose", "The other side shows no significant change."),
    Outcome.none_rises: ("Neither rose", "A relevant improvement is ruled out."),
    Outcome.worse: ("Worse", "At least one side fell and none rose."),
    Outcome.underpowered: (
        "Too few problems to tell",
        "No significant change, but a relevant one could have been missed.",
    ),
    Outcome.unfinished: (
        "Undecided: too many replies never finished thinking",
        "The verdict changes if unclosed thinking is counted as wrong.",
    ),
}


# Per cent of comparisons without any effect that claim a move of capability or compliance, by the number of
# problems, where one training run is compared with its base or with another run: `python -m benchmarks
# coverage "claims without effect"`, table in docs/statistics.md.
_FALSE_MOVES = {50: (11, 15), 100: (15, 28), 200: (29, 48), 500: (58, 72), 1000: (69, 81)}
# Outcomes that claim no move.
_STILL = (Outcome.none_rises, Outcome.underpowered, Outcome.unfinished)


@dataclass(frozen=True)
class Statement:
    """A verdict in words: a title, a sentence with its numbers, and what it means.

    Args:
        one_run: What only one training run is behind, as an addition to the title; "" for several.
        caution: What one training run does not show: how often such a comparison claims a move without an
            effect, or that another run may differ.
    """

    title: str
    numbers: str
    meaning: str
    one_run: str = ""
    caution: str = ""

    @property
    def first_line(self) -> str:
        """The title, and that there is one training run."""
        return f"{self.title}, {self.one_run}" if self.one_run else self.title


def spread(estimate: Estimate | None, *, sign: bool = False) -> str:
    """Value and interval without n, with a sign for differences; a dash for None.

    Example:
        >>> spread(Estimate(value=0.1, low=-0.02, high=0.2, n=9, method="paired"), sign=True)
        '+0.100 [−0.020, +0.200]'
    """
    if estimate is None:
        return "–"
    value, low, high = (number(x, sign=sign) for x in (estimate.value, estimate.low, estimate.high))
    return f"{value} [{low}, {high}]"


def number(value: float, *, sign: bool = False) -> str:
    """Three decimals, with a true minus sign and no negative zero.

    Example:
        >>> number(-0.25), number(-0.0001), number(0.5, sign=True)
        ('−0.250', '0.000', '+0.500')
    """
    text = f"{value:+.3f}" if sign else f"{value:.3f}"
    if text.strip("+-") == "0.000":
        return "0.000"
    return text.replace("-", "−")


def units(estimate: Estimate) -> str:
    """The sample size and how many units are unscored, zero included.

    Example:
        >>> units(Estimate(value=1, low=0.2, high=1, n=3, method="wilson"))
        'n = 3, 0 unscored'
    """
    return f"n = {estimate.n}, {estimate.n_unscored} unscored"


def p_value(p: float | None) -> str:
    """A p-value with three decimals.

    Example:
        >>> p_value(0.0301), p_value(0.00001), p_value(None)
        ('0.030', '< 0.001', '–')
    """
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_of(found: Comparison) -> str:
    """The p-value of a comparison, by Holm's correction where it is one of a family.

    Example:
        >>> from twofold.stats import paired
        >>> found = paired([0.0] * 20, [1.0] * 5 + [0.0] * 15)
        >>> p_of(found), p_of(replace(found, p_adjusted=0.12))
        ('0.062', '0.120 (Holm)')
    """
    return p_value(found.p) if found.p_adjusted is None else f"{p_value(found.p_adjusted)} (Holm)"


def filed_under(record: Measure | Contrast) -> str:
    """What a record measures, in a line.

    Example:
        >>> half = Estimate(value=0.5, low=0.2, high=0.8, n=6, method="wilson")
        >>> filed_under(Measure(role="model", condition="constrained", metric="met", estimate=half))
        'met · constrained · model'
    """
    whose = record.role
    if isinstance(record, Contrast):
        whose += f" − {record.versus}"
    part = " ".join(record.slice) if record.slice.by else ""
    return " · ".join(filter(None, (record.metric, record.condition, whose, part)))


def statement(
    outcome: Outcome,
    comparisons: Mapping[str, Comparison],
    *,
    n_runs: int = 1,
    lineage: Lineage = Lineage.unknown,
) -> Statement:
    """An outcome in words, with the differences in capability, compliance and perhaps joint.

    Args:
        outcome: The verdict.
        comparisons: The differences by side.
        n_runs: Training runs behind the new side.
        lineage: What lies between the old side and the new one.
    """
    title, meaning = _OUTCOMES[outcome]
    shown = ("capability", "obedience", "compliance", "joint")
    moved = {k: comparisons[k] for k in shown if k in comparisons}
    if outcome in (Outcome.one_rises, Outcome.trade_off, Outcome.worse):
        title = _who_moved(moved, outcome)
    if outcome is Outcome.underpowered and n_runs > 1:
        title = "Too few problems or training runs to tell"
    effects = {key: each.minimum_detectable_effect for key, each in moved.items()}
    seen = [f"{key} {number(effect)}" for key, effect in effects.items() if effect is not None]
    if outcome is Outcome.underpowered and seen:
        meaning += f" Smallest detectable differences (about 80 % power): {', '.join(seen)}."
    said = ", ".join(f"{key} {spread(each.difference, sign=True)}" for key, each in moved.items())
    found = Statement(title, f"{said}.".capitalize(), meaning)
    if n_runs > 1 or lineage is Lineage.same_weights:
        return found
    n = max((each.difference.n for each in moved.values()), default=0)
    caution = _UNSEEN if outcome in _STILL else false_moves(n, lineage)
    return replace(found, one_run="one training run", caution=caution)


_UNSEEN = (
    "One training run: the intervals cover other problems, not other runs, which may differ "
    "(docs/statistics.md)."
)


def false_moves(n: int, lineage: Lineage) -> str:
    """How often one training run seems to move something without an effect, for about `n` problems.

    Example:
        >>> false_moves(130, Lineage.trained_from_baseline)[:74]
        'One training run: with 100 problems, 15 % of simulated comparisons without'
    """
    nearest = min(_FALSE_MOVES, key=lambda simulated: abs(math.log(simulated / max(n, 1))))
    with_base, with_run = _FALSE_MOVES[nearest]
    other = f" ({with_run} % if the baseline is a training run, too)"
    return (
        f"One training run: with {nearest} problems, {with_base} % of simulated comparisons without an "
        f"effect show such a move{'' if lineage is Lineage.trained_from_baseline else other}, because runs "
        "that differ only in their seed differ (docs/statistics.md)."
    )


def _who_moved(moved: Mapping[str, Comparison], outcome: Outcome) -> str:
    """The title of an outcome that names the side that rose or fell."""
    sides = ("capability", "obedience" if "obedience" in moved else "compliance")
    significant = {
        key: each.difference
        for key, each in moved.items()
        if key in sides and each.p < 1 - each.difference.level
    }
    up = [key for key, difference in significant.items() if difference.low > 0]
    down = [key for key, difference in significant.items() if difference.high < 0]
    if outcome is Outcome.one_rises and len(up) == 1:
        return f"Only {up[0]} rose"
    if outcome is Outcome.trade_off and len(up) == len(down) == 1:
        return f"A trade-off: {up[0]} rose, {down[0]} fell"
    if outcome is Outcome.worse and down:
        return f"Worse: {' and '.join(down)} fell"
    return _OUTCOMES[outcome][0]
