"""How do the scores of a group of replies become advantages?

Normalising each part of a reward before adding them gives every part the same weight in each group
(GDPO); normalising the sum favours the part that varies most. Both amplify small differences, such
as a judge's noise of 0.02, to the size of right and wrong; `min_std` prevents that.
"""

from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from twofold.errors import ScoringError

Floats = NDArray[np.float64]

Aggregation = Literal["sum_then_normalize", "normalize_then_sum", "lexicographic"]

TINY = 1e-4  # added to each standard deviation, as in TRL
ROUNDING = 6  # decimals in which two scores are the same


@final
@dataclass(frozen=True, kw_only=True)
class AdvantageNormalizer:
    """Turns the scores of a batch into one number per reply, compared within its group.

    Args:
        order: `sum_then_normalize`: the reward is one number, normalised within the group (GRPO).
            `normalize_then_sum`: each part is normalised within the group, then they are added
            (GDPO). `lexicographic`: the first of two parts decides, the second only between replies
            that tie in it. Its mean over the tied ones is taken off and half the smallest gap of
            the first is its weight, so that it never changes which ties are better or by how much.
        min_std: Lower bound of the standard deviation that scores are divided by, in score units;
            0 = none. About 0.1 keeps a judge's noise from counting as much as the answer.
        saturation: Exponent g of the weights (1 - mean of the part)^g, which down-weight a part
            that is nearly always earned; 0 = equal weights. Only with `normalize_then_sum`.

    Raises:
        ScoringError: If a number is out of range or would have no effect.

    Source:
        GDPO: arXiv 2601.05242, section 3. Saturation: SA-MRPO, arXiv 2608.16072 (0.5 is its best).
        `min_std` is ours; arXiv 2606.06058 describes the problem. Lexicographic: see
        `scorers.Lexicographic`. Departs: the means in the weights are those of the process's own
        batch.

    Example:
        First column: right or wrong; second: a noisy judge. Without `min_std` the judge's 0.03
        makes the wrong second reply better than the right third one.

        >>> scores = np.array([[1, 0.70], [0, 0.72], [1, 0.69], [0, 0.71]])
        >>> gdpo = AdvantageNormalizer(order="normalize_then_sum")
        >>> gdpo(scores, size=4).round(1).tolist()
        [0.5, 0.3, -0.3, -0.5]
        >>> AdvantageNormalizer(order="normalize_then_sum", min_std=0.1)(scores, size=4).round(1).tolist()
        [0.8, -0.7, 0.7, -0.8]
    """

    order: Aggregation = "sum_then_normalize"
    min_std: float = 0.0
    saturation: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_std < 1:
            raise ScoringError(f"min_std is {self.min_std}; give at least 0 (none) and less than 1")
        if self.saturation < 0:
            raise ScoringError(f"saturation is {self.saturation}; give 0 (equal weights) or more")
        if self.saturation and self.order != "normalize_then_sum":
            raise ScoringError(
                "saturation needs normalize_then_sum; leave it out or change the aggregation"
            )

    @property
    def by_part(self) -> bool:
        """Whether it takes the parts of a reward instead of their sum."""
        return self.order != "sum_then_normalize"

    @property
    def is_trl_own(self) -> bool:
        """Whether it is the same as TRL's own normalisation."""
        return not self.by_part and self.min_std == 0

    def __call__(self, scores_NK: Floats, *, size: int) -> Floats:
        """One advantage per reply, shape `(replies,)`; the mean of each group is 0.

        `scores_NK` are in [0, 1], shape `(replies, parts)`; a reply with an unscored part (NaN) gets NaN.
        The `size` replies of a group are adjacent. Raises a `ScoringError` if a group is incomplete.
        """
        n, n_parts = scores_NK.shape
        if n % size:
            raise ScoringError(
                f"{n} replies are not a whole number of groups of {size}: a group is split over "
                "processes; choose batch and accumulation so that a process has whole groups"
            )
        lost = np.asarray(np.isnan(scores_NK).any(axis=1))
        grouped = np.where(lost[:, None], np.nan, scores_NK).reshape(-1, size, n_parts)
        if self.order == "lexicographic" and n_parts == 2:
            grouped = np.stack(
                [_in_order(first, then) for first, then in grouped.transpose(0, 2, 1)]
            )
            grouped, n_parts = grouped[:, :, None], 1
        n_scored = (~np.isnan(grouped)).sum(axis=1, keepdims=True)
        center = np.nansum(grouped, axis=1, keepdims=True) / np.maximum(n_scored, 1)
        squares = np.nansum((grouped - center) ** 2, axis=1, keepdims=True)
        spread = np.sqrt(squares / np.maximum(n_scored - 1, 1))
        normal = (grouped - center) / (np.maximum(spread, self.min_std) + TINY)
        return np.asarray(
            (normal.reshape(n, n_parts) * self._weights(scores_NK[~lost])).sum(axis=1)
        )

    def _weights(self, scored: Floats) -> Floats:
        if not self.saturation or not scored.size:
            return np.ones(1)
        return np.asarray((1.0 - scored.mean(axis=0)) ** self.saturation)


def _in_order(first: Floats, then: Floats) -> Floats:
    """The scores of one group by two parts as one: `then` counts between equals in `first` only."""
    level = np.round(first, ROUNDING)
    levels = np.unique(level[~np.isnan(level)])
    if levels.size < 2:
        return then
    ahead = np.full_like(then, np.nan)
    for each in levels:
        tied = level == each
        ahead[tied] = then[tied] - then[tied].mean()  # below 1 in size, so half a gap never closes
    return np.asarray(first + ahead * np.diff(levels).min() / 2)
