"""How do others store checklists? Their files read and written: RLCF, RaR, HealthBench, autorubric.

| question | file |
|---|---|
| what is a form, and how is a file of one read? | `form` |
| weighted questions in lines, and preference rows | `rlcf` |
| categories before a sentence, and ambiguous signs | `rar` |
| signed points | `signed` |

Our own form (`twofold.problems.write`) keeps everything; each class here says what its form loses.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from twofold.errors import ProblemError, nearest
from twofold.judges.forms.form import Form, FormRead, rows_of
from twofold.judges.forms.rar import Denied, Rar
from twofold.judges.forms.rlcf import Rlcf
from twofold.judges.forms.signed import Autorubric, HealthBench
from twofold.storage.jsonl import Row, dumps, replaced
from twofold.types import Problem

# The forms by name: `rlcf`, `rar`, `healthbench`, `autorubric`.
FORMS: dict[str, Form] = {form.name: form for form in (Rlcf(), Rar(), HealthBench(), Autorubric())}


def read_form(
    source: Path | Sequence[Mapping[str, object]], form: str, *, denied: Denied = "drop"
) -> FormRead:
    """Problems with their checklists from rows of another form.

    Args:
        source: A file, JSON lines or one JSON array, or the rows themselves.
        form: One of `FORMS`.
        denied: For `rar`: what a pitfall means that begins with "does not"; see `Rar`.

    Returns:
        One problem per row, and a line for each criterion that was dropped. A problem without any
        criterion has no checklist.

    Raises:
        ProblemError: If the form is unknown, or a row lacks a key or has a value of the wrong type.

    Example:
        >>> rows = [{"instruction": "A river?", "requirements": "1) Is a river named? (100)"}]
        >>> read_form(rows, "rlcf").problems[0].checklist.criteria[0].weight
        100.0
    """
    made = _form(form)
    if form == Rar.name:
        made = Rar(denied)
    elif denied != "drop":
        raise ProblemError(f"`denied` applies only to rar; leave it out for {form}")
    return made.read(rows_of(source))


def to_rows(problems: Iterable[Problem], form: str) -> list[Row]:
    """The problems with their checklists as rows of another form.

    Raises:
        ProblemError: If the form is unknown, or a problem has no checklist.
    """
    made = _form(form)
    return [made.row(problem) for problem in problems]


def write_form(path: Path, problems: Iterable[Problem], form: str) -> None:
    """Write problems with their checklists in another form, one row per line, all or nothing.

    Raises:
        ProblemError: If the form is unknown, or a problem has no checklist.
        RunError: If the file cannot be written; an old file stays as it was.
    """
    rows = to_rows(problems, form)
    with replaced(path) as file:
        file.writelines(dumps(row) + "\n" for row in rows)


def _form(name: str) -> Form:
    if name not in FORMS:
        raise ProblemError(f"no form {name!r}; {nearest(name, FORMS)}")
    return FORMS[name]
