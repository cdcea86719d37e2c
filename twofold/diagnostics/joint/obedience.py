"""What does stating a rule cause? Obedience, habit and interference, from replies told and untold.

A rule can be met because it was stated or because the model writes that way anyway:

- *habit*: the rule is met although it was not stated;
- *obedience*: met when stated minus met when not, on the same problem and constraint: the effect of
  stating it;
- *interference*: accuracy with the rules stated minus accuracy without, over the replies that met every
  rule unasked. There nothing needs to change, so a loss is the price of being told. The control is another
  reply to the same problem without the rules; a problem with one such reply has no other, so it is then
  the control itself.

All three are means over problems' means, so a problem with more samples weighs no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.joint.table import Block

Reals = NDArray[np.float64]
Places = NDArray[np.int64]


@final
@dataclass(frozen=True)
class Effects:
    """Told and untold means of the same units, all of shape `(units,)`.

    Args:
        problem: The problem of each unit (its index in the table).
        slot: Which of the problem's constraints; -1 where a unit is a whole problem.
        told: The mean with the rules in the prompt, in [0, 1]; NaN where nothing was scored.
        untold: The same without them.
    """

    problem: Places
    slot: Places
    told: Reals
    untold: Reals

    @property
    def effect(self) -> Reals:
        """Told minus untold, in [-1, 1]; NaN where either was not scored."""
        return self.told - self.untold

    def where(self, keep: NDArray[np.bool_]) -> "Effects":
        """The units that `keep` selects."""
        return Effects(self.problem[keep], self.slot[keep], self.told[keep], self.untold[keep])


def obedience(told: Block, untold: Block) -> Effects:
    """The rate at which each constraint of each problem is met, told and untold.

    Args:
        told: Replies to prompts with the constraints.
        untold: Replies of the same role to the same problems without them.

    Returns:
        A unit for each constraint that was asked in either condition.
    """
    slots = told.parts.shape[1]
    n = 1 + int(max(told.problem.max(initial=-1), untold.problem.max(initial=-1)))
    rates = [_rates(block, n, slots) for block in (told, untold)]
    asked = np.zeros((n, slots), dtype=np.bool_)
    for block in (told, untold):
        rows, places = np.nonzero(block.parts != -1)
        asked[block.problem[rows], places] = True
    problem, slot = np.nonzero(asked)
    return Effects(problem, slot, rates[0][problem, slot], rates[1][problem, slot])


def interference(told: Block, untold: Block) -> Effects:
    """Accuracy told and untold of the problems whose rules are met unasked, one unit for each such reply.

    Args:
        told: Replies to prompts with the constraints.
        untold: Replies of the same role to the same problems without them.

    Returns:
        A unit for each untold reply that meets all constraints and whose problem was asked told. `untold`
        is the accuracy of the problem's other untold replies, or its own if there is no other.
    """
    units = list(_met_unasked(told, untold))
    columns = [np.array(column) for column in zip(*units, strict=True)] if units else []
    if not columns:
        empty = np.zeros(0)
        return Effects(empty.astype(np.int64), empty.astype(np.int64), empty, empty)
    problem, told_rate, control = columns
    return Effects(problem, np.full(len(problem), -1), told_rate, control)


def _met_unasked(told: Block, untold: Block) -> Iterator[tuple[int, float, float]]:
    """Problem, told accuracy and control of each untold reply that meets all constraints."""
    met = untold.hacc() == 1
    for problem in np.unique(untold.problem[met]):
        mine = untold.problem == problem
        answers = told.correct[told.problem == problem]
        if not answers.size:
            continue
        right = untold.correct[mine]
        for place in np.flatnonzero(met[mine]):
            others = np.delete(right, place) if len(right) > 1 else right
            yield int(problem), _mean(answers), _mean(others)


def _mean(values: NDArray[np.float32]) -> float:
    """The mean of what is scored; NaN if nothing is."""
    scored = values[~np.isnan(values)]
    return float(scored.mean()) if scored.size else float("nan")


def _rates(block: Block, n: int, slots: int) -> Reals:
    """The share of replies that met each constraint, `(problems, slots)`; NaN where none was scored."""
    rows, places = np.nonzero((block.parts != -1) & ~np.isnan(block.parts))
    at = block.problem[rows] * slots + places
    total = np.bincount(at, minlength=n * slots).astype(np.float64)
    met = np.bincount(at, weights=block.parts[rows, places], minlength=n * slots)
    with np.errstate(invalid="ignore"):
        rates: Reals = np.where(total > 0, met / total, np.nan)
    return rates.reshape(n, slots)
