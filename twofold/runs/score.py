"""How are replies scored that were sampled elsewhere? Under both profiles, streaming.

The chosen profile makes the findings; the other one scores the same replies, to show how much of a
number depends on the checkers. With the replies of a baseline the same findings are an audit's of a pair:
differences are paired by problem.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import final

from twofold import problems as problem_files
from twofold.diagnostics import ScoredResponse
from twofold.diagnostics.checklist.collect import Checklists
from twofold.diagnostics.joint import profiles, table
from twofold.errors import ProblemError, RunError
from twofold.models.thinking import ThinkingPolicy
from twofold.runs.audit import about, digest, with_progress
from twofold.runs.finalize import RunResult, finalize
from twofold.runs.import_responses import ImportedResponses
from twofold.runs.reply_rows import ROLES
from twofold.runs.score_responses import ResponseScores, floor_answers, require_scorable
from twofold.storage.jsonl import read_lines
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.storage.run_dir import RunDir
from twofold.types import Constraint, Item, Problem, Profile, Response


def score(
    path: Path | str,
    problems: Sequence[Problem],
    *,
    out: Path | str,
    baseline: Path | str | None = None,
    profile: Profile = "fixed",
    seed: int = 0,
    judge: str | Checklists | None = None,
    thinking_marks: tuple[str, str] | None = None,
) -> RunResult:
    r"""Score the replies in `path` and write a run directory with tables and page.

    Args:
        path: A file or directory of replies, in a format of `twofold.runs.import_responses`.
        problems: The problems that they answer.
        out: The run directory; only the same replies may be scored into it again.
        baseline: Replies of the model before, to the same problems; of a run of a pair, those of its model.
            Problems that only one side was asked count for that side alone.
        profile: The checkers, the answer grader and the parser of the findings. `official` reproduces
            the published evaluation, which also scores unclosed thinking.
        seed: Seed of the resampling.
        judge: The judge of the problems' checklists, see `twofold.judges.spec.named`; with programs beside
            it, a `Checklists`; None = none.
        thinking_marks: What opens and closes a thought in the replies, if the known marks do not.

    Raises:
        ProblemError: If there is no problem.
        RunError: If replies and problems do not match, or `out` holds another run.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "replies.jsonl").write_text('{"output": ["It is \\boxed{4}."]}')
        >>> asked = [Problem(question="What is 2 + 2?", answer="4")]
        >>> result = score(folder / "replies.jsonl", asked, out=folder / "run")
        >>> result.findings[0].estimate("accuracy", condition="unconstrained").value
        1.0
    """
    if not problems:
        raise ProblemError("there is no problem to score; give a file with at least one row")
    require_scorable(problems)
    thinking = ThinkingPolicy() if thinking_marks is None else ThinkingPolicy(*thinking_marks)
    sides = {"model": ImportedResponses(Path(path), problems, thinking)}
    if baseline is not None:
        sides["baseline"] = ImportedResponses(Path(baseline), problems, thinking)
    for side in sides.values():
        _refuse_within(Path(out), side.path)
    replies = _Sides(sides)
    asked = list({p.id: p for p in problems if p.id in replies.answered_by_any}.values())
    identity = replies.hashes() | {"problems": digest(asked), "profile": profile, "seed": seed}
    if thinking_marks:
        identity["thinking_marks"] = list(thinking_marks)
    record = about({}) | {
        "models": replies.names(),
        "unmatched": sum(side.unmatched() for side in sides.values()),
        "not_asked": replies.not_asked(),
    }
    with RunDir.open(Path(out), identity, record) as run:
        problem_files.write(run.path / "problems.jsonl", asked)
        answers = replies.answers(profile)
        run.write_table("responses.jsonl", (i.to_json() | r.to_json() for i, r in answers))
        _judge(run, replies, asked, profile)
        if judge is not None:
            listed = judge if isinstance(judge, Checklists) else Checklists.by(judge)
            scored = (
                ScoredResponse(item=item, response=response, correct=None)
                for item, response in replies.answers(profile)
            )
            rows = listed.rows("model", asked, scored)
            run.write_table(f"{listed.table}.jsonl", with_progress(rows))
    return finalize(Path(out))


def _judge(run: RunDir, replies: "_Sides", asked: Sequence[Problem], profile: Profile) -> None:
    """Write the verdicts of both profiles, where they differ, and the table of the chosen one."""
    tables: dict[str, str] = {}
    for each in ("official", "fixed"):
        tables[each] = "verdicts.jsonl" if each == profile else f"verdicts.{each}.jsonl"
        scores = ResponseScores({p.id: with_profile(p, each) for p in asked}, each)
        rows = scores.rows(replies.answers(each))
        run.write_table(tables[each], with_progress(rows))
        if each == profile:
            floors = scores.rows(floor_answers(list(scores.problems.values())))
    verdicts = {each: read_lines(run.path / name) for each, name in tables.items()}
    run.write_table("profiles.jsonl", profiles.rows(verdicts["official"], verdicts["fixed"]))
    chosen = read_lines(run.path / "verdicts.jsonl")
    run.write_table("joint.jsonl", table.rows(chain(chosen, floors)))


def with_profile(problem: Problem, profile: Profile) -> Problem:
    """The same problem with the constraints of `profile`.

    The published checker cannot use every keyword (it reads `$5` as a regular expression). A type with
    one that it cannot use is left out, as a whole, so that keys stay what they are.
    """
    made: list[Constraint | None] = []
    for constraint in problem.constraints:
        try:
            made.append(replace(constraint, profile=profile))  # type: ignore[type-var]
        except ProblemError:
            made.append(None)
    there = zip(problem.constraints, made, strict=True)
    unusable = {constraint.name for constraint, usable in there if usable is None}
    kept = [i for i, each in enumerate(made) if each is not None and each.name not in unusable]
    wordings = problem.wordings and tuple(problem.wordings[i] for i in kept)
    bound = tuple(each for i in kept if (each := made[i]) is not None)
    return replace(problem, constraints=bound, wordings=wordings)


@final
@dataclass(frozen=True)
class _Sides:
    """The replies of the model, and of a baseline if there is a file of them, by role."""

    sides: Mapping[str, ImportedResponses]

    def answers(self, profile: Profile) -> Iterator[tuple[Item, Response]]:
        """All replies; of a file that holds a pair only its model's count beside another file."""
        for role, side in self.sides.items():
            for item, response in side.answers(profile):
                if self._counts(item):
                    yield (item if len(self.sides) == 1 else replace(item, role=role)), response

    def _counts(self, item: Item) -> bool:
        return len(self.sides) == 1 or item.role == "model"

    @cached_property
    def answered(self) -> dict[str, set[str]]:
        """The problems that have a row, by role."""
        return {
            role: {item.problem for item, _, _ in side.texts() if self._counts(item)}
            for role, side in self.sides.items()
        }

    @property
    def answered_by_any(self) -> set[str]:
        """The problems that have a row in one of the files."""
        return set().union(*self.answered.values())

    def hashes(self) -> dict[str, object]:
        """SHA-256 of the files, by what they are to the run."""
        names = {"model": "replies", "baseline": "baseline"}
        return {names[role]: _hash(side.paths()) for role, side in self.sides.items()}

    def not_asked(self) -> dict[str, list[int]]:
        """How many of how many problems have no row, by role; only where there are some."""
        found = {}
        for role, side in self.sides.items():
            n = len(side.unanswered())
            if n:
                found[role] = [n, n + len(self.answered[role])]
        return found

    def names(self) -> dict[str, str]:
        """A name for each role with replies, as the page shows it: that of its run, else the path."""
        if len(self.sides) > 1:
            return {role: str(side.path) for role, side in self.sides.items()}
        (side,) = self.sides.values()
        roles = {item.role for item, _, _ in side.texts()} | {"model"}
        folder = side.path if kind_of(side.path) is Kind.folder else side.path.parent
        given: Mapping[str, str] = {}
        if len(roles) > 1 and kind_of(folder / "manifest.json") is Kind.file:
            given = RunDir(folder).manifest().get("models", {})
        return {
            role: given.get(role) or str(side.path) + ("" if role == "model" else f" ({role})")
            for role in ROLES
            if role in roles
        }


def _refuse_within(out: Path, replies: Path) -> None:
    """Refuse an output among the replies, where the run's own tables would be read as replies."""
    place = Path(os.path.realpath(replies))
    if kind_of(replies) is Kind.folder and place in (
        there := [Path(os.path.realpath(out)), *Path(os.path.realpath(out)).parents]
    ):
        where = "is" if place == there[0] else "lies in"
        raise RunError(f"--out {out} {where} the folder of replies {replies}; choose another --out")


def _hash(paths: Sequence[Path]) -> str:
    """SHA-256 of the files of replies."""
    digest = sha256()
    for path in paths:
        InputFile(path).sha256(digest)
    return digest.hexdigest()
