"""Numbers with their doubt: pure numpy and scipy, every result an `Estimate` or a `Comparison`.

| question | function |
|---|---|
| which share passed? | `proportion` |
| what is the mean score, several samples a problem? | `mean` |
| did the same problems do better after than before? | `paired` |
| what did stating a constraint add over not stating it? | `lift` |
| which of many differences are real? | `holm`, `corrected` |
| how good is an arm that was trained from several seeds? | `crossed_mean` |
| did it beat its base, on other problems and with another seed? | `crossed_paired` |
| which share of another arm's gain does it have? | `retained` |
| did both capability and compliance rise? | `outcome` |
| what is the mean of a number without bounds (nats)? | `average` |
| how did such a number change on the same problems? | `change` |
| how well does a number tell two kinds apart? | `auroc` |
| how often does a judge err, and what is its share without that? | `agreement` |
| what could a comparison have seen at all? | `Comparison.minimum_detectable_effect`, made in `power` |

The unit is the problem: `n` counts problems, and intervals and tests are clustered by them. Seeds
are passed in. What cannot be computed raises `StatsError`; no NaN and no bare number leaves here.
"""

from twofold.stats.auroc import auroc
from twofold.stats.chance_corrected import chance_corrected
from twofold.stats.crossed import crossed_mean, crossed_paired, retained
from twofold.stats.means import mean
from twofold.stats.multiple_tests import corrected, holm
from twofold.stats.outcome import outcome
from twofold.stats.paired_difference import paired
from twofold.stats.proportions import proportion
from twofold.stats.unbounded import average, change

__all__ = [
    "auroc",
    "average",
    "chance_corrected",
    "change",
    "corrected",
    "crossed_mean",
    "crossed_paired",
    "holm",
    "mean",
    "outcome",
    "paired",
    "proportion",
    "retained",
]
