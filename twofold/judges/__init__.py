"""Rules that a program cannot check as it stands: judged criterion by criterion.

| question | file |
|---|---|
| what is a judge, and what is it asked? | `judge` |
| who judges? rules, programs, a model's odds, its samples | `exact`, `program`, `logodds`, `sampled` |
| judges of judges: two, in few levels, remembered | `blend`, `quantised`, `cache` |
| how do many verdicts become one measure? | `scorer`, `holistic` |
| who writes checklists, what is wrong with one, which forms do others use? | `writing`, `lint`, `forms` |
| where does a model's program run, and who watches it? | `sandbox`, `warden` |
| which judge does a text name? | `spec` |
| how are FollowBench and HealthBench scored? | `followbench`, `followbench_rules`, `healthbench` |

Importing this package brings in no torch and starts nothing.
"""

from twofold.judges.blend import Blend
from twofold.judges.cache import CachedJudge
from twofold.judges.exact import ExactJudge
from twofold.judges.holistic import Holistic
from twofold.judges.judge import Asked, Judge
from twofold.judges.logodds import LogOddsJudge
from twofold.judges.program import ProgramJudge
from twofold.judges.quantised import Quantised
from twofold.judges.sampled import SampledJudge
from twofold.judges.scorer import MeetsChecklist

__all__ = [
    "Asked",
    "Blend",
    "CachedJudge",
    "ExactJudge",
    "Holistic",
    "Judge",
    "LogOddsJudge",
    "MeetsChecklist",
    "ProgramJudge",
    "Quantised",
    "SampledJudge",
]
