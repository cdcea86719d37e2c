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

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.joint.table import Block, scored_difference, scored_paired
from twofold.types import Comparison, Estimate

Reals = NDArray[np.float64]
Places = NDArray[np.int64]

# More constraints than a problem can have, so that problem and slot make one number.
_MOST_SLOTS = 1000


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

    def difference(self) -> Estimate | None:
        """Told minus untold, paired by unit and clustered by problem; None if nothing was scored."""
        return scored_difference(self.untold, self.told, self.problem)


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
    n = 1 + int(max(told.problem.max(initial=-1), untold.problem.max(initial=-1)))
    met = untold.hacc() == 1
    met &= np.bincount(told.problem, minlength=n)[untold.problem] > 0
    problem, own = untold.problem[met], untold.correct[met].astype(np.float64)
    right, scored = _sums(untold, n)
    others = right[problem] - np.nan_to_num(own)
    n_others = scored[problem] - (~np.isnan(own)).astype(np.float64)
    alone = np.bincount(untold.problem, minlength=n)[problem] == 1
    control = np.where(alone, own, _share(others, n_others))
    told_rate = _share(*_sums(told, n))[problem]
    return Effects(problem, np.full(len(problem), -1), told_rate, control)


def changed(before: Effects, after: Effects, *, seed: int) -> Comparison | None:
    """How an effect differs between two models, on the units that both have.

    Effects lie in [-1, 1]; they are compared as shares of that range, as scores are.

    Args:
        before: The effects of one model.
        after: Those of the other, on the same problems.
        seed: Of the test.
    """
    (places, old), (other, new) = (_by_place(each) for each in (before, after))
    shared, at, other_at = np.intersect1d(places, other, return_indices=True)
    if not shared.size:
        return None
    old, new, problem = old[at], new[other_at], shared // _MOST_SLOTS
    found = scored_paired((1 + old) / 2, (1 + new) / 2, problem, seed=seed)
    if found is None:
        return None
    effect = found.minimum_detectable_effect
    return replace(
        found,
        difference=_stretched(found.difference, 0.0),
        before=_stretched(found.before, 1.0),
        after=_stretched(found.after, 1.0),
        minimum_detectable_effect=None if effect is None else 2 * effect,
    )


def _by_place(effects: Effects) -> tuple[Places, Reals]:
    """The places (problem and slot in one number), each once, and the mean effect of each."""
    code: Places = effects.problem.astype(np.int64) * _MOST_SLOTS + effects.slot + 1
    places, inverse, count = np.unique(code, return_inverse=True, return_counts=True)
    means: Reals = np.bincount(inverse, weights=effects.effect) / count.astype(np.float64)
    return places.astype(np.int64), means


def _stretched(share: Estimate, offset: float) -> Estimate:
    """An estimate on [0, 1] as one on [-1, 1]; with offset 0 a difference of two."""
    value, low, high = (2 * x - offset for x in (share.value, share.low, share.high))
    return replace(share, value=value, low=low, high=high)


def _sums(block: Block, n: int) -> tuple[Reals, Reals]:
    """How many replies to each problem are right, and how many are scored."""
    scored = ~np.isnan(block.correct)
    right = np.bincount(block.problem[scored], weights=block.correct[scored], minlength=n)
    count = np.bincount(block.problem[scored], minlength=n)
    return right.astype(np.float64), count.astype(np.float64)


def _share(part: Reals, whole: Reals) -> Reals:
    """`part / whole`; NaN where the whole is 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share: Reals = np.where(whole > 0, part / whole, np.nan)
    return share


def _rates(block: Block, n: int, slots: int) -> Reals:
    """The share of replies that met each constraint, `(problems, slots)`; NaN where none was scored."""
    rows, places = np.nonzero((block.parts != -1) & ~np.isnan(block.parts))
    at = block.problem[rows] * slots + places
    total = np.bincount(at, minlength=n * slots).astype(np.float64)
    met = np.bincount(at, weights=block.parts[rows, places], minlength=n * slots).astype(np.float64)
    return _share(met, total).reshape(n, slots)
