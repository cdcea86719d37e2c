"""Estimates with intervals, in numpy and scipy: every result is an `Estimate` or a `Comparison`.

| question | function |
|---|---|
| which share passed? | `proportion` |
| what is the mean score, with several samples a problem? | `mean` |
| did scores rise on the same problems? | `paired` |
| what did stating a constraint add over not stating it? | `chance_corrected` |
| which of many differences are significant? | `holm`, `corrected` |
| what is the mean of an arm trained from several seeds? | `crossed_mean` |
| does it beat its base over problems and seeds? | `crossed_paired` |
| does one recipe beat another, each trained several times? | `crossed_independent` |
| which share of another arm's gain does it keep? | `retained` |
| which share of a gain does another way of asking reach? | `recovery` |
| how certain is a median, or a share of a total? | `resampled` |
| what is the best of k tries, and where do two such curves cross? | `best_at_k`, `crossover` |
| which problems are kept, lost or found? | `solves`, `support`, `covers`, `highest_rate` |
| did both capability and obedience rise? | `outcome`, `with_habit` |
| what is the mean of an unbounded number (nats)? | `average` |
| how did such a number change on the same problems? | `change` |
| how well does a score separate two classes? | `auroc` |
| how often does a judge err, and what is the true share? | `agreement` |
| which difference could have been detected? | `Comparison.minimum_detectable_effect` |

The unit is the problem: `n` counts problems, and intervals and tests are clustered by problem.
Intervals have a coverage of 95 %. Seeds are passed in. What cannot be computed raises `StatsError`.
"""

from twofold.stats.auroc import auroc
from twofold.stats.chance_corrected import chance_corrected
from twofold.stats.coverage import best_at_k, covers, crossover, highest_rate, solves, support
from twofold.stats.crossed import crossed_independent, crossed_mean, crossed_paired, retained
from twofold.stats.means import mean
from twofold.stats.multiple_tests import corrected, holm
from twofold.stats.outcome import outcome, with_habit
from twofold.stats.paired_difference import paired
from twofold.stats.proportions import proportion
from twofold.stats.recovery import recovery
from twofold.stats.resampled import resampled
from twofold.stats.unbounded import average, change
