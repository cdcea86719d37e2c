"""Which recipe raises both? Several methods trained from one base, audited and compared.

`plan` reads the settings, `cell` trains and audits one arm with one seed, `executor` runs the cells,
`analysis` and `diagnosed` compute the numbers, `records` collects what else the page shows, `run` does
all of it.
"""

from twofold.study.plan import Plan, StudyError, read
from twofold.study.run import PLAN, StudyResult, finalize, study
