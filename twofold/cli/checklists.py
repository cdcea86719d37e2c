"""Which commands write, check and convert checklists, and pair replies by them?"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from twofold.cli.exits import EXIT_FAULTS, fail, fail_if_lost, finite
from twofold.cli.servers import asks_servers
from twofold.cli.terminal import say
from twofold.errors import ProblemError, RunError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from twofold.judges.writing.model import Written
    from twofold.problems.lint.fault import Fault
    from twofold.types import Problem, Profile, Response

app = typer.Typer(
    help="Write, check and convert checklists: what an instruction requires, item by item.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

How = Literal["direct", "candidates", "rubric"]
Form = Literal["own", "rlcf", "rar", "healthbench", "autorubric"]

ProblemsArgument = Annotated[
    str, typer.Argument(help="A suite, a file or directory, as `--problems` of `audit`.")
]
JUDGES = (
    "exact (rules decide), a MODEL (odds of yes and no with local weights, several sampled scores "
    "from a server), or package.module:Name."
)
JudgeOption = Annotated[str, typer.Option(help=JUDGES)]
ProgramsOption = Annotated[
    Literal["average", "override"] | None,
    typer.Option(help="How a criterion's program combines with the judge's verdict."),
]


def loaded(spec: str, *, profile: Profile = "fixed", limit: int | None = None) -> list[Problem]:
    """The problems of a suite, file or directory."""
    from twofold.problems import load

    return load(spec, profile=profile, limit=limit)


@app.command()
@asks_servers
def write(
    problems: ProblemsArgument,
    out: Annotated[Path, typer.Option(help="File for the problems with checklists (JSONL).")],
    writer: Annotated[
        str, typer.Option(help="rules (exact, no model), or a MODEL that writes.")
    ] = "rules",
    how: Annotated[
        How,
        typer.Option(
            help="What the writer sees: direct, the instruction; candidates, also replies to it; rubric, "
            "also the reference answer."
        ),
    ] = "direct",
    candidates: Annotated[
        Path | None, typer.Option(help="Replies of varied quality, for `--how candidates`.")
    ] = None,
    programs: Annotated[
        bool,
        typer.Option(
            "--programs",
            help="Let the model write a verifier for criteria that a program can check; kept only if it "
            "passes examples in the sandbox.",
        ),
    ] = False,
    max_tokens: Annotated[int, typer.Option(min=16, help="Token budget per checklist.")] = 1024,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N problems.")] = None,
) -> None:
    """Write a checklist for every problem.

    Each is saved when finished; the same command again writes the missing ones.
    """
    from twofold.judges.writing import ProgramWriter, saved
    from twofold.models import resolve
    from twofold.problems.lint import summary
    from twofold.storage.writing import refuse_inputs

    if writer == "rules" and (how != "direct" or programs):
        option = "--programs" if programs else f"--how {how}"
        raise ProblemError(f"{option} needs a model; name a MODEL as --writer")
    if (how == "candidates") != (candidates is not None):
        raise ProblemError("--how candidates and --candidates REPLIES go together; give both")
    asked = loaded(problems, limit=limit)
    refuse_inputs(out, (problems, candidates))
    shown = _candidates(candidates, asked) if candidates else {}
    verifiers = ProgramWriter(model=resolve(writer)) if programs else None
    with saved.ChecklistFile(out, asked) as file:
        if len(file.missing) < len(asked):
            say(f"{len(asked) - len(file.missing)} exist already and are kept")
        written = _written(file.missing, writer, how, shown, max_tokens)
        failed = file.append(written, programs=verifiers, say=say)
    n = len(asked) - len(failed)
    say(f"{n} of {len(asked)} problems have a checklist: {out}")
    if n:
        say(summary(_faults(loaded(str(out)))))
    if failed:
        told = (
            f"{len(failed)} have none and are not in the file (first: {failed[0]}); give the same command "
            "again, a larger --max-tokens or another --writer"
        )
        fail_if_lost(len(failed), len(asked), told)
        say(told, err=True)


def _written(
    problems: Sequence[Problem],
    writer: str,
    how: How,
    candidates: Mapping[str, Sequence[str]],
    max_tokens: int,
) -> Iterator[Written]:
    from twofold.judges.writing import ModelWriter
    from twofold.models import resolve
    from twofold.types import Sampling

    if writer == "rules":
        return map(_by_rules, problems)
    asks = ModelWriter(model=resolve(writer), how=how, sampling=Sampling(max_tokens=max_tokens))
    return asks.write(problems, candidates)


def _by_rules(problem: Problem) -> Written:
    from twofold.judges.writing import written_by_rules

    try:
        return problem, written_by_rules(problem), ""
    except ProblemError as error:
        return problem, None, str(error)


@app.command("check")
def check_(problems: ProblemsArgument) -> None:
    """Lint checklists without a model: unknown rules, duplicates, leaked answers, impossible criteria."""
    from twofold.problems.lint import summary

    asked = loaded(problems)
    listed = [problem for problem in asked if problem.checklist is not None]
    found = _faults(listed)
    say(f"{len(listed)} of {len(asked)} problems have a checklist")
    say(summary(found))
    if not listed or any(fault.severity == "error" for fault in found):
        raise typer.Exit(EXIT_FAULTS)


def _faults(problems: Sequence[Problem]) -> list[Fault]:
    from twofold.judges.lint import faults

    return [
        f for problem in problems if problem.checklist for f in faults(problem.checklist, problem)
    ]


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="File of checklists.")],
    out: Annotated[Path, typer.Option(help="File for the converted checklists.")],
    read_as: Annotated[Form, typer.Option("--from", help="Format to read.")] = "own",
    write_as: Annotated[Form, typer.Option("--to", help="Format to write.")] = "own",
    denied: Annotated[
        Literal["drop", "omission", "virtue"],
        typer.Option(
            help="How to read a RaR pitfall that says 'does not': drop it as ambiguous (counted), a bad "
            "omission, or a virtue."
        ),
    ] = "drop",
) -> None:
    """Convert checklists between twofold problems, RLCF, RaR, HealthBench and autorubric."""
    from twofold.judges import forms
    from twofold.storage.writing import (
        dumps,
        make_folder_of,
        refuse_inputs,
        refuse_others,
        replaced,
    )

    dropped: Sequence[str] = ()
    if read_as == "own":
        read = loaded(str(source))
    else:
        found = forms.read_form(source, read_as, denied=denied)
        read, dropped = list(found.problems), found.dropped
    rows = _rows(read, write_as)
    refuse_inputs(out, (source,))
    refuse_others(out, lambda there: _holds(there, rows))
    make_folder_of(out)
    with replaced(out) as file:
        file.writelines(dumps(row) + "\n" for row in rows)
    n = sum(problem.checklist is not None for problem in read)
    say(f"{n} checklists: {out}")
    for line in dropped:
        say(f"dropped: {line}", err=True)
    if not n:
        raise typer.Exit(EXIT_FAULTS)


def _rows(problems: Sequence[Problem], form: Form) -> list[dict[str, object]]:
    """The problems as rows of a form."""
    from twofold.judges import forms
    from twofold.problems import io

    return io.rows_of(problems) if form == "own" else forms.to_rows(problems, form)


def _holds(path: Path, rows: Sequence[Mapping[str, object]]) -> bool:
    """Whether a file holds these rows already."""
    from twofold.storage.reading import InputFile

    try:
        return [row for _, row in InputFile(path).lines()] == list(rows)
    except RunError:
        return False


def _are_pairs(path: Path) -> bool:
    """Whether a file holds what `pairs` writes."""
    from twofold.methods.preferences import WRITTEN
    from twofold.storage.reading import InputFile

    try:
        keys = [set(row) for _, row in InputFile(path).lines()]
        return bool(keys) and all(each == set(WRITTEN) for each in keys)
    except RunError:
        return False


@asks_servers
def pairs(
    responses: Annotated[
        Path, typer.Argument(help="Replies, as for `score`: two or more per problem.")
    ],
    problems: Annotated[str, typer.Option(help="The problems they answer, with checklists.")],
    out: Annotated[Path, typer.Option(help="File for the pairs (JSONL), for `train dpo`.")],
    judge: JudgeOption = "exact",
    programs: ProgramsOption = None,
    keep: Annotated[
        float,
        typer.Option(
            min=0.01,
            max=1.0,
            callback=finite,
            help="Share of pairs kept, largest difference in one criterion first.",
        ),
    ] = 0.4,
) -> None:
    """Pair the best with the worst reply to each problem, by its checklist (RLCF)."""
    from twofold.methods.preferences import pairs as paired
    from twofold.methods.rewards import JudgedReward
    from twofold.runs.losses import is_too_many
    from twofold.storage.writing import make_folder_of, refuse_inputs, refuse_others

    refuse_inputs(out, (responses, problems))
    refuse_others(out, _are_pairs)
    asked = loaded(problems)
    scorer = JudgedReward(judge=judge, programs=programs).scorer()
    if not any(scorer.applies(problem) for problem in asked):
        raise ProblemError(
            f"no problem in {problems} has a checklist; write them with `twofold checklist write`"
        )
    groups = _replies(responses, asked)
    make_folder_of(out)  # an error here should precede the judge
    lost: Counter[str] = Counter()
    listed = [problem for problem in asked if scorer.applies(problem)]
    groups_P = [groups.get(problem.id, []) for problem in listed]
    rows = paired(listed, groups_P, by=scorer, keep=keep, lost=lost)
    n = sum(map(len, groups_P))
    place = _saved(out, rows, keeps_old=is_too_many(lost.total(), n))
    several = sum(len(group) > 1 for group in groups_P)
    say(f"{len(rows)} pairs of {several} problems with two replies or more: {place}")
    _tell_losses(lost, n)
    if not rows:
        fail(
            "the judge scores no two replies to a problem differently; sample more (--samples), at a "
            "higher temperature",
            EXIT_FAULTS,
        )


def _saved(out: Path, rows: Sequence[Mapping[str, object]], *, keeps_old: bool) -> str:
    """Write the pairs and say where they are; old pairs are only replaced by some of no great loss."""
    from twofold.storage.reading import Kind, kind_of
    from twofold.storage.writing import dumps, replaced

    if kind_of(out) is Kind.file and out.stat().st_size and (keeps_old or not rows):
        return f"{out} keeps its earlier pairs"
    if not rows:
        return "nothing was written"
    with replaced(out) as file:
        file.writelines(dumps(row) + "\n" for row in rows)
    return f"{out}\nnow `twofold train dpo --config FILE` with `pairs: {out}` in the file"


def _tell_losses(lost: Counter[str], n: int) -> None:
    """Say how many of the `n` replies are unscored, and why; fail if it is too much."""
    if not lost:
        return
    why = lost.most_common(1)[0][0]
    say(f"{lost.total()} of {n} replies are unscored and not paired; most often: {why}", err=True)
    fail_if_lost(
        lost.total(),
        n,
        "more than 5 % were lost, so these pairs do not represent the model; use a judge that can "
        "decide these criteria, or give the same command again if it was down",
    )


def _replies(path: Path, problems: Sequence[Problem]) -> dict[str, list[Response]]:
    """The replies to each problem, asked with its constraints stated."""
    from twofold.runs.import_responses import ImportedResponses

    stated = {p.id for p in problems if p.is_bound}
    found: dict[str, list[Response]] = {}
    for item, response in ImportedResponses(path, problems).answers("fixed"):
        if item.condition == ("constrained" if item.problem in stated else "unconstrained"):
            found.setdefault(item.problem, []).append(response)
    return found


def _candidates(path: Path, problems: Sequence[Problem]) -> dict[str, list[str]]:
    """Up to four different replies to each problem."""
    found = _replies(path, problems)
    return {
        p: list(dict.fromkeys(r.reply for r in of if r.has_reply))[:4] for p, of in found.items()
    }
