"""How do others write checklists down? Their files read and written: RLCF, RaR, HealthBench, autorubric.

| question | file |
|---|---|
| what is a form, and how is a file of one read? | `form` |
| how are weighted questions in lines written, and preference rows? | `rlcf` |
| how are categories before a sentence written, and signs that mean two things? | `rar` |
| how are signed points written? | `signed` |

Our own form holds everything (`twofold.problems.write`); what each of these loses, its class says.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from twofold.errors import ProblemError, nearest
from twofold.judges.forms.form import Form, FormRead, rows_of
from twofold.judges.forms.rar import Denied, Rar
from twofold.judges.forms.rlcf import Rlcf
from twofold.judges.forms.signed import Autorubric, HealthBench
from twofold.storage.jsonl import Row, dumps, replaced
from twofold.types import Problem

__all__ = [
    "FORMS",
    "Denied",
    "Form",
    "FormRead",
    "read_form",
    "to_rows",
    "write_form",
]

FORMS: dict[str, Form] = {form.name: form for form in (Rlcf(), Rar(), HealthBench(), Autorubric())}
"""The forms by name: `rlcf`, `rar`, `healthbench`, `autorubric`."""


def read_form(
    source: Path | Sequence[Mapping[str, object]], form: str, *, denied: Denied = "drop"
) -> FormRead:
    """Problems with their checklists from rows of another form.

    Args:
        source: A file, JSON lines or one JSON array, or the rows themselves.
        form: One of `FORMS`.
        denied: For `rar`: what a pitfall means that begins with "does not"; see `Rar`.

    Returns:
        A problem a row, and a line for each criterion that was dropped. A problem none of whose criteria
        could be taken has no checklist.

    Raises:
        ProblemError: If the form is unknown, or a row lacks a key or has a value of the wrong type; names
            the place and what would be right.

    Example:
        >>> rows = [{"instruction": "A river?", "requirements": "1) Is a river named? (100)"}]
        >>> read_form(rows, "rlcf").problems[0].checklist.criteria[0].weight
        100.0
    """
    made = _form(form)
    if form == Rar.name:
        made = Rar(denied)
    elif denied != "drop":
        raise ProblemError(f"`denied` is a question of rar alone; leave it out for {form}")
    return made.read(rows_of(source))


def to_rows(problems: Iterable[Problem], form: str) -> list[Row]:
    """The problems with their checklists as rows of another form.

    Raises:
        ProblemError: If the form is unknown, or a problem has no checklist.
    """
    made = _form(form)
    return [made.row(problem) for problem in problems]


def write_form(path: Path, problems: Iterable[Problem], form: str) -> None:
    """Write problems with their checklists in another form, a row a line.

    The file appears whole or not at all. What the form cannot hold is lost: see its class.

    Args:
        path: Where to; replaced if it is there.
        problems: In this order, each with a checklist.
        form: One of `FORMS`.

    Raises:
        ProblemError: If the form is unknown, or a problem has no checklist.
        RunError: If the place cannot be written; what was there is intact.
    """
    rows = to_rows(problems, form)
    with replaced(path) as file:
        file.writelines(dumps(row) + "\n" for row in rows)


def _form(name: str) -> Form:
    if name not in FORMS:
        raise ProblemError(f"no form {name!r}; {nearest(name, FORMS)}")
    return FORMS[name]
