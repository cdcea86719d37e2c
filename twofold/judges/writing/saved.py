"""How are checklists saved while they are written? One problem per line, as soon as finished."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

from twofold.errors import ProblemError, ScoringError
from twofold.judges.program import Admission, admitted
from twofold.judges.sandbox.sandbox import Sandbox
from twofold.judges.writing.examples import Examples, examples_for
from twofold.judges.writing.implied import implied
from twofold.judges.writing.model import Written
from twofold.judges.writing.program import CALL_FAILED, ProgramWriter
from twofold.problems import io
from twofold.storage.jsonl import cut_torn_line, dumps, named_disk_errors
from twofold.types import Problem
from twofold.types.checklist import Checklist, Criterion


@final
class WriterDownError(ScoringError):
    """The model that writes programs could not be asked."""


def missing(path: Path, problems: Sequence[Problem]) -> list[Problem]:
    """The problems that are not in the file yet.

    Raises:
        ProblemError: If the file contains something else, or other problems.
    """
    if not path.exists():
        return list(problems)
    cut_torn_line(path)
    there = {problem.id for problem in io.read(path, profile="fixed")}
    if others := len(there - {problem.id for problem in problems}):
        raise ProblemError(f"{path} contains {others} other problems; choose another --out")
    return [problem for problem in problems if problem.id not in there]


def append(
    path: Path,
    written: Iterable[Written],
    *,
    programs: ProgramWriter | None,
    say: Callable[[str], None],
) -> list[str]:
    """Append every problem that got a checklist to a file in our own format.

    Args:
        path: The file; created if it does not exist.
        written: What a writer yields.
        programs: Who writes verifiers, which are saved once they are admitted; None = nobody.
        say: Called with a line for every loss.

    Returns:
        Why the other problems have no checklist.
    """
    failed = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with named_disk_errors(path), path.open("ab", buffering=0) as file, Sandbox() as sandbox:
        for problem, checklist, reason in written:
            if checklist is None:
                failed.append(f"{problem.id}: {reason}")
                continue
            losses = [reason] if reason else []
            if programs is not None:
                try:
                    checklist, refused = with_programs(checklist, programs, sandbox)
                except WriterDownError as error:
                    failed.append(f"{problem.id}: {error}")
                    continue
                losses += refused
            for loss in losses:
                say(f"{problem.id}: {loss}")
            row = io.to_row(replace(problem, checklist=checklist))
            file.write((dumps(row) + "\n").encode())
    return failed


def with_programs(
    checklist: Checklist, writer: ProgramWriter, sandbox: Sandbox
) -> tuple[Checklist, list[str]]:
    """The checklist with every program that passes its examples, and why others are refused.

    Raises:
        WriterDownError: If a call failed. A checklist that is saved without its programs never gets
            them, so it should not be saved before the writer answers.
    """
    kept: list[Criterion] = []
    refused: list[str] = []
    written = writer.write(checklist.criteria)
    for criterion, (made, why) in zip(checklist.criteria, written, strict=True):
        if why.startswith(CALL_FAILED):
            raise WriterDownError(f"a program could not be asked for ({why})")
        if not made.program or made.program == criterion.program:
            kept.append(criterion)
            continue
        known = _examples(criterion)
        tried = (
            admitted(made.program, known.positive, known.negative, sandbox)
            if known
            else Admission(False, "no reply has a known truth that it could be tried on")
        )
        if not tried.admitted:
            refused.append(f"a program for {criterion.text[:60]!r} is refused: {tried.reason}")
        kept.append(made if tried.admitted else criterion)
    return replace(checklist, criteria=tuple(kept)), refused


def _examples(criterion: Criterion) -> Examples | None:
    """Replies that do what the criterion says and that do not; None if no rule decides."""
    rules = implied(replace(criterion, pitfall=False))
    if len(rules) != 1:
        return None
    stand_in = Problem(question=criterion.text, constraints=rules)
    try:
        return examples_for(replace(criterion, rule=rules[0].name), stand_in)
    except ProblemError:  # too few texts of either kind
        return None
