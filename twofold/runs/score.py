"""Score replies that were made elsewhere, under both profiles.

The chosen profile makes the findings; the other one judges the same replies, so that the reader
sees how much of a number is the checker's own. Nothing is held in memory but numbers, so a hundred
thousand replies need no more of it than a thousand.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from itertools import chain
from pathlib import Path

from twofold import problems as problem_files
from twofold.diagnostics import Programs, ScoredResponse
from twofold.diagnostics.checklist.collect import Checklists
from twofold.diagnostics.joint import profiles, table
from twofold.errors import ProblemError
from twofold.runs.audit import about, with_progress
from twofold.runs.finalize import RunResult, finalize
from twofold.runs.import_responses import ImportedResponses
from twofold.runs.score_responses import ResponseScores, floor_answers
from twofold.storage.jsonl import Row, read_lines
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
) -> RunResult:
    r"""Judge the replies in `path` and write a run directory with tables and page.

    Args:
        path: Replies in one of the forms of `twofold.runs.import_responses`; a file or a directory.
        problems: What they answer.
        out: The run directory; scoring again into it is allowed for the same replies.
        profile: Which checkers, which grader and which split make the findings. `official`
            repeats the published evaluation, the thought of an unfinished reply included.
        seed: Seed of the resampling.
        judge: Who judges the problems' checklists, see `twofold.judges.spec.named`; None = nobody.
        programs: What the judge makes of criteria that have a program; see `Blend`.

    Raises:
        ProblemError: If there is no problem.
        RunError: If replies and problems do not fit together, or `out` holds another run.

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
        raise ProblemError(
            "there is no problem to score against; give a file with at least one row"
        )
    transcript = ImportedResponses(Path(path), problems)
    missing = transcript.unanswered()
    matched = {item.problem for item, _, _ in transcript.texts()} | {p.id for p in missing}
    asked = list({p.id: p for p in problems if p.id in matched}.values())
    identity = {
        "replies": _hash(Path(path)),
        "problems": {
            "n": len(asked),
            "sha256": sha256("".join(p.id for p in asked).encode()).hexdigest(),
        },
        "profile": profile,
        "seed": seed,
    }
    with RunDir.open(Path(out), identity, about({}) | {"models": {"model": str(path)}}) as run:
        problem_files.write(run.path / "problems.jsonl", asked)
        _write_responses(run, transcript, missing, profile)
        for each in ("official", "fixed"):
            name = "verdicts.jsonl" if each == profile else f"verdicts.{each}.jsonl"
            verdicts = ResponseScores({p.id: with_profile(p, each) for p in asked}, each)
            answers = _answers(transcript, missing, each)
            run.write_table(name, with_progress(verdicts.rows(answers)))
        _write_tables(run, [with_profile(p, profile) for p in asked], profile)
        if judge is not None:
            listed = Checklists.by(judge, programs)
            answers = _answers(transcript, missing, profile)
            rows = listed.rows(
                "model",
                asked,
                (ScoredResponse(item=i, response=r, correct=None) for i, r in answers),
            )
            run.write_table(f"{listed.table}.jsonl", with_progress(rows))
    return finalize(Path(out))


def with_profile(problem: Problem, profile: Profile) -> Problem:
    """The same problem, its constraints judged by `profile`."""
    bound: list[Constraint] = [replace(c, profile=profile) for c in problem.constraints]  # type: ignore[type-var]
    return replace(problem, constraints=tuple(bound))


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


def _write_responses(
    run: RunDir, transcript: ImportedResponses, missing: Sequence[Problem], profile: Profile
) -> None:
    answers = _answers(transcript, missing, profile)
    run.write_table("responses.jsonl", (i.to_json() | r.to_json() for i, r in answers))


def _write_tables(run: RunDir, problems: Sequence[Problem], profile: Profile) -> None:
    other = "fixed" if profile == "official" else "official"
    names = {profile: "verdicts.jsonl", other: f"verdicts.{other}.jsonl"}
    verdicts: dict[str, Iterator[Row]] = {p: read_lines(run.path / n) for p, n in names.items()}
    run.write_table("profiles.jsonl", profiles.rows(verdicts["official"], verdicts["fixed"]))
    chosen = read_lines(run.path / "verdicts.jsonl")
    floors = ResponseScores({p.id: p for p in problems}, profile).rows(floor_answers(problems))
    run.write_table("joint.jsonl", table.rows(chain(chosen, floors)))


def _hash(path: Path) -> str:
    """SHA-256 over the file, or over the `.jsonl` files of the directory."""
    digest = sha256()
    for file in sorted(path.rglob("*.jsonl")) if path.is_dir() else [path]:
        with file.open("rb") as content:
            while block := content.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
