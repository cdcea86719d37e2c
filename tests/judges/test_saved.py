"""Are checklists kept as they are written, with the programs that pass their examples and no others?"""

from pathlib import Path

import pytest

from twofold.errors import ProblemError
from twofold.judges.sandbox.sandbox import Sandbox
from twofold.judges.writing import ProgramWriter
from twofold.judges.writing.saved import ChecklistFile, with_programs
from twofold.models.scripted import ScriptedModel
from twofold.problems import io
from twofold.types import Problem
from twofold.types.checklist import Checklist, Criterion

RIGHT = "```python\ndef verify(text):\n    return ',' not in text\n```"
WRONG = "```python\ndef verify(text):\n    return True\n```"
COMMAS = Criterion(text="Is the reply written without commas?")
WORDS = Criterion(text="Does the reply have at most 5 words?")
KIND = Criterion(text="Is the reply kind?")
RULED = Criterion(text="Is there no comma?", rule="punctuation:no_comma")


def writes(text: str, sample: int) -> str:
    return RIGHT if "commas" in text else WRONG


@pytest.fixture
def writer() -> ProgramWriter:
    return ProgramWriter(model=ScriptedModel(writes))


def test_only_what_passes_its_examples_is_admitted(writer: ProgramWriter) -> None:
    checklist = Checklist(criteria=(COMMAS, WORDS, KIND, RULED), writer="w")
    with Sandbox() as sandbox:
        made, refused = with_programs(checklist, writer, sandbox)
    programs = [criterion.program for criterion in made.criteria]
    assert "not in text" in programs[0] and programs[1:] == ["", "", ""]
    assert [c.text for c in made.criteria] == [c.text for c in checklist.criteria]
    assert len(refused) == 2
    assert "at most 5 words" in refused[0] and "negative example 1" in refused[0]
    assert "kind" in refused[1] and "no reply has a known truth" in refused[1]


def test_a_pitfalls_program_says_what_the_reply_does(writer: ProgramWriter) -> None:
    """`verify` is True where the pitfall is stepped into: its positive examples are the bad replies."""
    doing = Criterion(text="Does the reply have commas?", pitfall=True)
    does = "```python\ndef verify(text):\n    return ',' in text\n```"
    other = ProgramWriter(model=ScriptedModel(lambda text, sample: does))
    with Sandbox() as sandbox:
        (kept,) = with_programs(Checklist(criteria=(doing,)), other, sandbox)[0].criteria
        (refused,) = with_programs(Checklist(criteria=(doing,)), writer, sandbox)[0].criteria
    assert kept.program and not refused.program


def test_each_is_saved_as_it_comes_and_what_failed_is_told(
    tmp_path: Path, writer: ProgramWriter
) -> None:
    problems = [Problem(question=f"{i}?") for i in range(3)]
    path, said = tmp_path / "deep" / "listed.jsonl", []
    listed = Checklist(criteria=(COMMAS,))
    written = [
        (problems[0], listed, ""),
        (problems[1], None, "HTTP 500"),
        (problems[2], listed, "1 dropped"),
    ]
    with ChecklistFile(path, problems) as file:
        assert file.missing == problems
        failed = file.append(written, programs=writer, say=said.append)
    assert failed == [f"{problems[1].id}: HTTP 500"] and said == [f"{problems[2].id}: 1 dropped"]
    with ChecklistFile(path, problems) as file:
        assert file.missing == [problems[1]]
    there = io.read(path, profile="fixed")
    assert [p.id for p in there] == [problems[0].id, problems[2].id]
    assert all(p.checklist is not None and p.checklist.criteria[0].program for p in there)
    with pytest.raises(ProblemError, match="choose another --out"):
        ChecklistFile(path, problems[:1]).__enter__()
