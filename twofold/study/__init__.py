"""Which recipe raises both? Several methods from one base, each trained, audited and compared.

`plan` reads what is compared, `cell` trains and audits one arm with one seed, `executor` runs the
cells, `scores`, `analysis` and `diagnosed` make the numbers, `records` collects what else the page
shows, `run` does all of it. What `study.json` holds is in `twofold.report.study_file`.
"""

from twofold.study.plan import Plan, StudyError, read
from twofold.study.run import PLAN, StudyResult, finalize, study

__all__ = ["PLAN", "Plan", "StudyError", "StudyResult", "finalize", "read", "study"]
