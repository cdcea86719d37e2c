"""Which recipe raises both? Several methods trained from one base, audited and compared.

`plan` holds the settings, `plan_file` reads them, `cell` trains and audits one arm with one seed,
`executor` runs the cells, `analysis` and `diagnosed` compute the numbers, `cell_outputs` collects what
else the page shows, `run` does all of it.
"""

from twofold.study.plan import Arm, Plan, StudyError
from twofold.study.plan_file import of_checkpoints, read
from twofold.study.run import PLAN, StudyResult, finalize, study
