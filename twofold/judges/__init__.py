"""Judging what no rule checks as it stands: criterion by criterion.

| question | file |
|---|---|
| what is a judge, and what is it asked? | `judge` |
| who judges? rules, programs, models | `exact`, `program`, `logodds`, `sampled` |
| how are judges combined, rounded, cached? | `blend`, `cache` |
| how do many verdicts become one measure, or one rating? | `scorer`, `sampled` |
| how are checklists written, checked, converted? | `writing`, `lint`, `forms` |
| where does a program run that a model wrote? | `sandbox` |
| which judge does a text name? | `spec` |
| how is FollowBench scored? | `followbench` |
"""

from twofold.judges.blend import Blend, Quantised
from twofold.judges.cache import CachedJudge
from twofold.judges.exact import ExactJudge
from twofold.judges.judge import Asked, Judge
from twofold.judges.logodds import LogOddsJudge
from twofold.judges.program import ProgramJudge
from twofold.judges.sampled import Holistic, SampledJudge
from twofold.judges.scorer import MeetsChecklist
