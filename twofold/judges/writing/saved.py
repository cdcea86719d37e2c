"""How are checklists saved while they are written? One problem per line, as soon as finished."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self, final

from twofold.errors import ProblemError
from twofold.judges.program import Admission, admitted
from twofold.judges.sandbox.sandbox import Sandbox
from twofold.judges.writing.examples import Examples, examples_for
from twofold.judges.writing.implied import implied
from twofold.judges.writing.model import Written
from twofold.judges.writing.program import ProgramWriter, WriterDownError
from twofold.problems import io
from twofold.storage.reading import Kind, is_torn, kind_of
from twofold.storage.writing import LONE, Appender, dumps, make_folder_of, torn_line
from twofold.types import Problem
from twofold.types.checklist import Checklist, Criterion


@final
class ChecklistFile:
    """A file of problems with checklists that grows; a context manager that locks it.

    An existing file is recognised before anything is written or locked: every line is one of the
    problems with its checklist, and a torn last line begins as one of them.

    Args:
        path: The file; created if it does not exist, and removed again if nothing was written.
        problems: The problems that are to have a checklist.

    Raises:
        ProblemError: If the file contains something else, or other problems.
        RunError: If another process writes it.
    """

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.path = path
        self.problems = problems
        self._file: Appender | None = None

    def __enter__(self) -> Self:
        self._there()
        make_folder_of(self.path)
        self._file = Appender(self.path, locked=True)
        try:
            self.missing = self._missing()  # another process may have been here before the lock
            self._file.mend()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def append(
        self,
        written: Iterable[Written],
        *,
        programs: ProgramWriter | None,
        say: Callable[[str], None],
    ) -> list[str]:
        """Append every problem that got a checklist.

        Args:
            written: What a writer yields.
            programs: Who writes verifiers, which are saved once they are admitted; None = nobody.
            say: Called with a line for every loss.

        Returns:
            Why the other problems have no checklist.
        """
        failed = []
        with Sandbox() as sandbox:
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
                if self._file is not None:
                    self._file.add(io.to_row(replace(problem, checklist=checklist)))
        return failed

    def _missing(self) -> list[Problem]:
        there = self._there()
        return [problem for problem in self.problems if problem.id not in there]

    def _there(self) -> set[str]:
        """The ids of the problems in the file, which is recognised and not changed."""
        if kind_of(self.path, ProblemError) is Kind.missing:
            return set()
        refusal = f"{self.path} is not a file that this command began"
        remedy = "Nothing was changed; choose another --out"
        try:
            found = io.read(self.path, profile="fixed", growing=True)
        except ProblemError as error:
            raise ProblemError(f"{refusal} ({error}). {remedy}") from error
        ids = {problem.id for problem in found}
        if others := len(ids - {problem.id for problem in self.problems}):
            raise ProblemError(f"{self.path} contains {others} other problems. {remedy}")
        if any(problem.checklist is None for problem in found):
            raise ProblemError(f"{refusal} (it has problems without a checklist). {remedy}")
        _, tail = torn_line(self.path)
        if not found and not is_torn(tail) and self.path.stat().st_size:
            raise ProblemError(f"{refusal} (it has blank lines alone). {remedy}")
        if is_torn(tail) and not any(_may_begin(tail, problem) for problem in self.problems):
            raise ProblemError(f"{refusal} (its last line is none of the problems). {remedy}")
        return ids


def _may_begin(tail: bytes, problem: Problem) -> bool:
    """Whether a torn line may be that of a problem."""
    begin = dumps({"question": problem.question})[:-1].encode("utf-8", LONE)
    return tail.startswith(begin) or begin.startswith(tail)


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
    for criterion, (made, _) in zip(checklist.criteria, written, strict=True):
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
