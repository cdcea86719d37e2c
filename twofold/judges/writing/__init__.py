"""How does a checklist come into being? From the problem's own rules, or from a model.

| question | file |
|---|---|
| which checklist follows from the problem alone? | `rules` |
| which does a model write: from the task, from replies to it, from the model answer? | `model` |
| what does a model mean by what it wrote? | `reading` |
| can a program answer a criterion? | `program` |
| on which replies must a criterion say yes, on which no? | `examples` |
| which way round is a criterion put? | `phrasing` |
| which rules does a criterion's text amount to? | `implied` |
"""

from twofold.judges.writing.examples import Examples, examples_for
from twofold.judges.writing.model import UNIVERSAL, ModelWriter
from twofold.judges.writing.parse_checklist import Read, read_criteria
from twofold.judges.writing.program import ProgramWriter
from twofold.judges.writing.rules import written_by_rules

__all__ = [
    "UNIVERSAL",
    "Examples",
    "ModelWriter",
    "ProgramWriter",
    "Read",
    "examples_for",
    "read_criteria",
    "written_by_rules",
]
