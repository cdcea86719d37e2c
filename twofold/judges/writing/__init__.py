"""How is a checklist written? From the problem's own rules, or by a model.

| question | file |
|---|---|
| which checklist follows from the problem alone? | `rules` |
| which does a model write from the task, replies to it, or the reference answer? | `model` |
| how is the text parsed that a model wrote? | `parse_checklist` |
| can a program decide a criterion? | `program` |
| which replies meet a criterion, and which do not? | `examples` |
| is a criterion put positively or negatively? | `polarity` |
| which rules does a criterion's text imply? | `implied` |
| how are checklists saved while they are written? | `saved` |
"""

from twofold.judges.writing.examples import examples_for
from twofold.judges.writing.model import UNIVERSAL, ModelWriter
from twofold.judges.writing.program import ProgramWriter
from twofold.judges.writing.rules import written_by_rules
