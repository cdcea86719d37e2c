"""Which latents are more active in one kind of reply than in another? Paired, and corrected for many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

import numpy as np
from numpy.typing import NDArray

from twofold.diagnostics.elicitation.sae.activations import Activations
from twofold.diagnostics.elicitation.sae.dictionary import Dictionary
from twofold.errors import StatsError
from twofold.stats import corrected, paired
from twofold.types import Comparison

Rates = NDArray[np.float64]

MOST_LATENTS = 100  # the smallest p of 2,000 sign flips, times so many, is just below .05


@final
class FeatureScore(NamedTuple):
    """How much more often a latent is active, with Holm's correction over all latents."""

    latent: int
    comparison: Comparison

    @property
    def is_significant(self) -> bool:
        """Whether the difference is there after the correction."""
        return self.comparison.with_adjusted_p().p < 1 - self.comparison.difference.level


def rates(dictionary: Dictionary, activations: Activations, n_replies: int) -> Rates:
    """The share of each reply's states in which each latent is active.

    Args:
        dictionary: The latents.
        activations: States of the replies, all read by the model that the dictionary is of: two models'
            own states differ by more than what they say.
        n_replies: How many replies were read.

    Returns:
        Shape (replies, latents), in [0, 1]; a row of NaN for a reply without a state.
    """
    active = dictionary.active(activations.hidden_BD).cpu().double().numpy()
    total = np.zeros((n_replies, dictionary.n))
    reply = activations.reply_B.numpy()
    np.add.at(total, reply, active)
    n = np.bincount(reply, minlength=n_replies)[:, None]
    with np.errstate(invalid="ignore"):
        return np.where(n > 0, total / np.maximum(n, 1), np.nan)


def differences(
    before: Mapping[Any, Rates], after: Mapping[Any, Rates], *, n_unscored: int = 0, seed: int = 0
) -> list[FeatureScore]:
    """Each latent's rate after minus before, paired by problem, the surest one first.

    Args:
        before: The rate of every latent by problem, shape (latents,); of the base's replies, for instance.
        after: The same of the tuned model's. Problems that are not in both are left out.
        n_unscored: Problems left out because a side could not be read, for the estimates.
        seed: Of the sign flips.

    Raises:
        StatsError: If no problem is on both sides, or the latents are more than the test can correct for.

    Example:
        >>> never, always = np.array([0.0, 0.5]), np.array([1.0, 0.5])
        >>> found = differences({i: never for i in range(12)}, {i: always for i in range(12)})
        >>> [(each.latent, each.comparison.difference.value, each.is_significant) for each in found]
        [(0, 1.0, True), (1, 0.0, False)]
    """
    shared = sorted(before.keys() & after.keys(), key=str)
    if not shared:
        raise StatsError("no problem has replies on both sides; take more replies a problem")
    old, new = (np.stack([side[p] for p in shared]) for side in (before, after))
    if old.shape[1] > MOST_LATENTS:
        raise StatsError(
            f"{old.shape[1]} latents, and with more than {MOST_LATENTS} no difference can be significant "
            "after the correction; choose some on other problems first, and give their columns"
        )
    found = corrected(
        {
            latent: paired(old[:, latent], new[:, latent], n_unscored=n_unscored, seed=seed)
            for latent in range(old.shape[1])
        }
    )
    scores = [FeatureScore(latent, each) for latent, each in found.items()]
    return sorted(scores, key=lambda s: (s.comparison.p, -abs(s.comparison.difference.value)))


@final
class RightVersusWrong(NamedTuple):
    """The scores, and the problems that say nothing: all of their replies are right, or all wrong."""

    scores: list[FeatureScore]
    n_one_kind: int


def right_versus_wrong(
    rates_RN: Rates, problems: Sequence[Any], correct: Sequence[float | None], *, seed: int = 0
) -> RightVersusWrong:
    """Each latent's rate in right replies minus wrong ones to the same problem.

    Within a problem, so that a latent of easy questions is not taken for one of right answers.

    Args:
        rates_RN: The rates of each reply, see `rates`.
        problems: The problem of each reply.
        correct: Whether it is right; None = unscored, which is left out and counted.
        seed: Of the sign flips.

    Raises:
        StatsError: If no problem has replies of both kinds.
    """
    by_kind: dict[bool, dict[Any, list[Rates]]] = {
        False: defaultdict(list),
        True: defaultdict(list),
    }
    for row, problem, score in zip(rates_RN, problems, correct, strict=True):
        if score is not None and not np.isnan(row).any():
            by_kind[score == 1][problem].append(row)
    right, wrong = (
        {problem: np.mean(of, axis=0) for problem, of in by_kind[kind].items()}
        for kind in (True, False)
    )
    known = right.keys() | wrong.keys()
    n_unscored = len(set(problems) - known)
    scores = differences(wrong, right, n_unscored=n_unscored, seed=seed)
    return RightVersusWrong(scores, len(known) - len(right.keys() & wrong.keys()))
