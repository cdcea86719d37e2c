"""How much of a gain has an arm, and how often is a model right? What has no score is counted apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twofold.errors import StatsError
from twofold.report.wording import spread
from twofold.scorers import Correct
from twofold.stats import mean, recovery
from twofold.types import Estimate, Problem, Response

Scores = NDArray[np.float64]


def share(base: Scores, tuned: Scores, arm: Scores) -> str:
    """The arm's share of the gain from base to tuned, paired by problem; scores in [0, 1], NaN = unscored."""
    rows = np.stack([base, tuned, arm])
    there = ~np.isnan(rows).any(axis=0)
    try:
        return spread(recovery(*rows[:, there], n_unscored=int((~there).sum())))
    except StatsError:
        return "not defined"


def right(problems: Sequence[Problem], replies: Sequence[Response]) -> Estimate:
    """The share of the scored replies that are right; replies to one problem stand together."""
    scores = [verdict.score for verdict in Correct()(problems, replies)]
    scored = [(score, p.id) for score, p in zip(scores, problems, strict=True) if score is not None]
    places = {name: i for i, name in enumerate(dict.fromkeys(name for _, name in scored))}
    clusters = [places[name] for _, name in scored]
    return mean([score for score, _ in scored], clusters, n_unscored=len(scores) - len(scored))
