"""How are replies scored that were sampled elsewhere? Under both profiles, streaming.

The chosen profile makes the findings; the other one scores the same replies, to show how much of a
number depends on the checkers.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import chain
from pathlib import Path

from twofold import problems as problem_files
from twofold.diagnostics import Programs, ScoredResponse
from twofold.diagnostics.checklist.collect import Checklists
from twofold.diagnostics.joint import profiles, table
from twofold.errors import ProblemError, RunError
from twofold.models.thinking import ThinkingPolicy
from twofold.runs.audit import about, digest, with_progress
from twofold.runs.finalize import RunResult, finalize
from twofold.runs.import_responses import ImportedResponses
from twofold.runs.reply_rows import ROLES
from twofold.runs.score_responses import ResponseScores, floor_answers
from twofold.storage.jsonl import read_lines
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.storage.run_dir import RunDir
from twofold.types import Constraint, FinishReason, Item, Problem, Profile, Response


def score(
    path: Path | str,
    problems: Sequence[Problem],
    *,
    out: Path | str,
    profile: Profile = "fixed",
    seed: int = 0,
    judge: str | None = None,
    programs: Programs | None = None,
    thinking_marks: tuple[str, str] | None = None,
) -> RunResult:
    r"""Score the replies in `path` and write a run directory with tables and page.

    Args:
        path: A file or directory of replies, in a format of `twofold.runs.import_responses`.
        problems: The problems that they answer.
        out: The run directory; only the same replies may be scored into it again.
        profile: The checkers, the answer grader and the parser of the findings. `official` reproduces
            the published evaluation, which also scores unclosed thinking.
        seed: Seed of the resampling.
        judge: The judge of the problems' checklists, see `twofold.judges.spec.named`; None = none.
        programs: How a criterion's program combines with the judge; see `Blend`.
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
    thinking = ThinkingPolicy() if thinking_marks is None else ThinkingPolicy(*thinking_marks)
    transcript = ImportedResponses(Path(path), problems, thinking)
    _refuse_within(Path(out), Path(path))
    missing = transcript.unanswered()
    matched = {item.problem for item, _, _ in transcript.texts()} | {p.id for p in missing}
    asked = list({p.id: p for p in problems if p.id in matched}.values())
    identity = {
        "replies": _hash(transcript.paths()),
        "problems": digest(asked),
        "profile": profile,
        "seed": seed,
    } | ({"thinking_marks": list(thinking_marks)} if thinking_marks else {})
    record = about({}) | {"models": _names(transcript), "unmatched": transcript.unmatched()}
    with RunDir.open(Path(out), identity, record) as run:
        problem_files.write(run.path / "problems.jsonl", asked)
        answers = _answers(transcript, missing, profile)
        run.write_table("responses.jsonl", (i.to_json() | r.to_json() for i, r in answers))
        tables: dict[str, str] = {}
        for each in ("official", "fixed"):
            tables[each] = "verdicts.jsonl" if each == profile else f"verdicts.{each}.jsonl"
            scores = ResponseScores({p.id: with_profile(p, each) for p in asked}, each)
            rows = scores.rows(_answers(transcript, missing, each))
            run.write_table(tables[each], with_progress(rows))
            if each == profile:
                floors = scores.rows(floor_answers(list(scores.problems.values())))
        verdicts = {each: read_lines(run.path / name) for each, name in tables.items()}
        run.write_table("profiles.jsonl", profiles.rows(verdicts["official"], verdicts["fixed"]))
        chosen = read_lines(run.path / "verdicts.jsonl")
        run.write_table("joint.jsonl", table.rows(chain(chosen, floors)))
        if judge is not None:
            listed = Checklists.by(judge, programs)
            scored = (
                ScoredResponse(item=item, response=response, correct=None)
                for item, response in _answers(transcript, missing, profile)
            )
            rows = listed.rows("model", asked, scored)
            run.write_table(f"{listed.table}.jsonl", with_progress(rows))
    return finalize(Path(out))


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


def _answers(
    transcript: ImportedResponses, missing: Sequence[Problem], profile: Profile
) -> Iterator[tuple[Item, Response]]:
    """The replies, then a failed response for each problem that has none."""
    yield from transcript.answers(profile)
    for problem in missing:
        condition = "constrained" if problem.is_bound else "unconstrained"
        absent = Response(
            raw="", reply="", finish_reason=FinishReason.failed, error="no reply in the file"
        )
        yield Item("model", condition, problem.id, 0), absent


def _names(transcript: ImportedResponses) -> dict[str, str]:
    """A name for each role with replies, as the page shows it: that of its run, else the path."""
    roles = {item.role for item, _, _ in transcript.texts()} | {"model"}
    folder = transcript.path if kind_of(transcript.path) is Kind.folder else transcript.path.parent
    given: Mapping[str, str] = {}
    if len(roles) > 1 and kind_of(folder / "manifest.json") is Kind.file:
        given = RunDir(folder).manifest().get("models", {})
    return {
        role: given.get(role) or str(transcript.path) + ("" if role == "model" else f" ({role})")
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
