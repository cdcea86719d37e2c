"""Which recipe raises both? Several methods from one base, each trained, audited and compared.

`plan` reads what is compared, `cell` trains and audits one arm with one seed, `fan` spreads the
cells, `scores` and `analysis` make the numbers, `records` what else the page shows, `run` is the
whole of it.
"""

from twofold.study.plan import Plan, StudyError, read
from twofold.study.run import PLAN, StudyResult, finalize, study

__all__ = ["PLAN", "Plan", "StudyError", "StudyResult", "finalize", "read", "study"]
