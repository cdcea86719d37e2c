"""The commands that measure, train and compare."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twofold.cli.checklists import JUDGES, ProgramsOption
from twofold.cli.exits import EXIT_BAD_INPUT, EXIT_FAULTS, EXIT_LOST, EXIT_STOPPED
from twofold.errors import TwofoldError
from twofold.types import Profile

if TYPE_CHECKING:
    from twofold.runs.finalize import RunResult

app = typer.Typer(
    help="Did training raise both what a model can do and how well it does what it is told?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ProblemsOption = Annotated[
    str,
    typer.Option(
        "--problems",
        help="A suite (synthetic or pocket, synthetic:200, synthetic:200:train), a file or directory "
        "(MathIF, IFEval, GSM8K, MATH-500, own JSONL), hub:org/name[:split], or package.module:function.",
    ),
]

CheckPackedOption = Annotated[
    int,
    typer.Option(
        min=0, help="Score the first so many chains the plain way too, and stop if they differ."
    ),
]


MaxTokensOption = Annotated[
    int, typer.Option(min=1, help="Token budget for thinking and reply together.")
]
ParaphraserOption = Annotated[
    str | None,
    typer.Option(help="A MODEL that puts chains in other words, besides rules (`faithfulness`)."),
]
JudgedOption = Annotated[
    str | None, typer.Option("--judge", help=f"Judge the problems' checklists. {JUDGES}")
]


DiagnosticsOption = Annotated[
    str,
    typer.Option(
        help="Which to run, with commas between; all = every one there is; yours as package.module:Name."
    ),
]


@app.callback()
def named_before(
    constraints: Annotated[
        str | None,
        typer.Option(
            help="Constraints of yours that problem files may name: package.module:Name, with commas "
            "between. A file alone never imports one."
        ),
    ] = None,
) -> None:
    """What holds for every command."""
    from twofold.constraints import register

    for each in constraints.split(",") if constraints else ():
        register(each.strip())


@app.command()
def audit(
    model: Annotated[
        str,
        typer.Argument(
            help="smollm2, pocket, a Hugging Face directory or id, a PEFT adapter directory, or "
            "http://host:port/v1#model."
        ),
    ],
    baseline: Annotated[
        str | None, typer.Option(help="The base to compare with, on the same problems.")
    ] = None,
    problems: ProblemsOption = "synthetic",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask only the first so many problems.")
    ] = None,
    diagnostics: DiagnosticsOption = "joint",
    samples: Annotated[int, typer.Option(min=1, help="Samples a problem and condition.")] = 1,
    max_tokens: MaxTokensOption = 512,
    temperature: Annotated[float, typer.Option(min=0.0, max=100.0, help="0 is greedy.")] = 0.0,
    top_p: Annotated[float, typer.Option(min=1e-6, max=1.0, help="Nucleus; 1 keeps all.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Base of all randomness.")] = 0,
    check_packed: CheckPackedOption = 0,
    judge: JudgedOption = None,
    programs: ProgramsOption = None,
    paraphraser: ParaphraserOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Run directory [default: runs/MODEL[-vs-BASE]].")
    ] = None,
) -> None:
    """Measure a model, or its change against a base.

    The same command again resumes where it was stopped.
    """
    from twofold import problems as problem_files
    from twofold.diagnostics import diagnostics_named
    from twofold.models import resolve
    from twofold.runs.audit import audit as run
    from twofold.types import Sampling

    asked = problem_files.load(problems, profile="fixed", limit=limit)
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=top_p)
    place = out or _named(model, baseline)
    try:
        result = run(
            resolve(model),
            asked,
            baseline=resolve(baseline) if baseline else None,
            sampling=sampling,
            n=samples,
            seed=seed,
            diagnostics=diagnostics_named(
                diagnostics,
                n_checked=check_packed,
                judge=judge,
                programs=programs,
                paraphraser=resolve(paraphraser) if paraphraser else None,
            ),
            out=place,
        )
    except KeyboardInterrupt as stop:
        typer.echo(f"stopped; what was finished is in {place}, the same command goes on", err=True)
        raise typer.Exit(EXIT_STOPPED) from stop
    if result is not None:
        _finish(result, remedy="give the same command again: it asks only for what was lost")


@app.command()
def score(
    responses: Annotated[
        Path,
        typer.Argument(
            help='MathIF {"output": [...]}, IFEval {"prompt", "response"}, lm-eval samples_*.jsonl, '
            "or a responses.jsonl of ours; a file or a directory."
        ),
    ],
    problems: Annotated[str, typer.Option(help="The problems they answer, as in `audit`.")],
    profile: Annotated[
        Profile, typer.Option(help="official (bit-exact with the published checkers) or fixed.")
    ] = "fixed",
    limit: Annotated[
        int | None, typer.Option(min=1, help="The replies answer only the first so many problems.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resampling.")] = 0,
    judge: JudgedOption = None,
    programs: ProgramsOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Run directory [default: runs/score-NAME-PROFILE].")
    ] = None,
) -> None:
    """Score replies that were made elsewhere, and show what the checkers' own choices change."""
    from twofold import problems as problem_files
    from twofold.runs.score import score as run

    asked = problem_files.load(problems, profile=profile, limit=limit)
    name = f"score-{responses.stem}-{profile}"
    place = out or Path("runs") / name
    result = run(
        responses, asked, profile=profile, seed=seed, judge=judge, programs=programs, out=place
    )
    _finish(result, remedy="complete the file of replies and score it into another --out")


@app.command()
def check(
    problems: Annotated[str, typer.Argument(help="What to lint, as `--problems` of `audit`.")],
    train_set: Annotated[
        str | None, typer.Option(help="Another file or suite (training data) to find overlap with.")
    ] = None,
) -> None:
    """Lint problems without a model: gold answers pass, constraints can be met, nothing overlaps."""
    from twofold import problems as problem_files
    from twofold.problems.lint import lint, summary
    from twofold.scorers import Correct

    asked = problem_files.load(problems, profile="fixed")
    other = problem_files.load(train_set, profile="fixed") if train_set else ()
    faults = lint(asked, correct=Correct(), train_set=other)
    typer.echo(f"{len(asked)} problems")
    typer.echo(summary(faults))
    if any(fault.severity == "error" for fault in faults):
        raise typer.Exit(EXIT_FAULTS)


@app.command()
def train(
    method: Annotated[
        str, typer.Argument(help="sft, cft, rft, grpo, dpo, or package.module:Name.")
    ],
    base: Annotated[str, typer.Option(help="A MODEL with local weights, as in `audit`.")],
    problems: Annotated[str, typer.Option(help="What is trained on, as in `audit`.")],
    out: Annotated[Path, typer.Option(help="Where model and checkpoints go.")],
    config: Annotated[
        Path | None,
        typer.Option(help="YAML with the method's settings; TRL's own go under `trl:`."),
    ] = None,
    eval_problems: Annotated[
        str | None, typer.Option(help="Problems that every checkpoint is asked, as in `audit`.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show the data set and stop; needs no model.")
    ] = False,
) -> None:
    """Train a model. The same command again goes on where it was stopped.

    On several processes: `accelerate launch -m twofold train ...`.
    """
    import json

    from twofold import methods
    from twofold import problems as problem_files

    chosen = methods.configured(methods.method_named(method), config)
    asked = problem_files.load(problems, profile="fixed")
    followed = problem_files.load(eval_problems, profile="fixed") if eval_problems else ()
    if dry_run:
        rows = chosen.rows(asked)
        for row in rows:
            typer.echo(json.dumps(row, ensure_ascii=False))
        typer.echo(f"{len(rows)} rows for {chosen}", err=True)
        return
    done = chosen.train(base, asked, out=out, eval_problems=followed)
    if os.environ.get("RANK", "0") == "0":
        typer.echo(f"{done.n_steps} steps; now `twofold audit {done.folder} --baseline {base}`")


@app.command()
def study(
    plan: Annotated[
        Path | None,
        typer.Argument(
            help="YAML with base, problems, seeds and arms [default: the pocket study]."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Its folder [default: runs/study-NAME].")] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            help="Spread arms and seeds over Ray: local (a core or GPU each), auto, or HOST:PORT."
        ),
    ] = None,
) -> None:
    """Train several recipes from one base, audit them all, and say for each: did both rise?

    The same command again goes on where it was stopped; arms and seeds may be added to the file.
    """
    from twofold import study as studies

    chosen = studies.read(plan) if plan else studies.read()
    place = out or Path("runs") / f"study-{plan.stem if plan else 'pocket'}"
    try:
        result = studies.study(chosen, out=place, ray=ray, say=typer.echo)
    except KeyboardInterrupt as stop:
        typer.echo(f"stopped; what was finished is in {place}, the same command goes on", err=True)
        raise typer.Exit(EXIT_STOPPED) from stop
    if os.environ.get("RANK", "0") == "0":
        _answer(result.path, failed=len(result.failed))


@app.command()
def report(
    run_dir: Annotated[Path, typer.Argument(help="What `audit`, `score` or `study` wrote.")],
    diagnostics: Annotated[
        str, typer.Option(help="Those of yours that the run has tables of: package.module:Name.")
    ] = "joint",
) -> None:
    """Remake findings and page from what is saved, without a model."""
    from twofold import study as studies
    from twofold.diagnostics import diagnostics_named
    from twofold.extension import nothing_imported
    from twofold.runs.finalize import finalize

    asked = diagnostics_named(diagnostics)
    if (run_dir / studies.PLAN).exists():
        with nothing_imported():
            plan = studies.read(run_dir / studies.PLAN)
        studies.finalize(plan, run_dir)
        _answer(run_dir, failed=0)
        return
    _finish(finalize(run_dir, asked), remedy="give the command that made the run again")


def _answer(path: Path, *, failed: int) -> None:
    """Print what a study found; exit with a status if an arm is missing."""
    from twofold.report.study import summary

    typer.echo(summary(path))
    typer.echo(f"\npage: {path / 'report.html'}")
    if failed:
        typer.echo(
            f"error: {failed} trainings or audits failed, see above; mend the cause and give the same "
            "command again: the others are kept",
            err=True,
        )
        raise typer.Exit(EXIT_LOST)


def _named(model: str, baseline: str | None) -> Path:
    """The default run directory: one a pair of models."""
    parts = [model] + ([f"vs-{baseline}"] if baseline else [])
    kept = "-".join("".join(ch if ch.isalnum() else "-" for ch in part) for part in parts)
    return Path("runs") / "-".join(filter(None, kept.split("-")))


def _finish(result: RunResult, *, remedy: str) -> None:
    """Print the findings and where the page is; exit with a status if too much was lost."""
    from twofold.report.markdown import summary
    from twofold.report.page import model_names
    from twofold.storage.run_dir import RunDir

    names = model_names(RunDir(result.path).manifest())
    typer.echo(summary(result.findings, names))
    typer.echo(f"\npage: {result.path / 'report.html'}")
    if result.lost.is_too_many:
        where, share = result.lost.worst
        often = max(result.lost.reasons, key=result.lost.reasons.__getitem__)
        typer.echo(
            f"error: {result.lost.n} of {result.lost.of} responses were lost ({where}: {share:.0%}, more "
            f"than 5 %): these numbers do not describe the model. Most often: {often}. Mend the cause, "
            f"then {remedy}.",
            err=True,
        )
        raise typer.Exit(EXIT_LOST)


def main() -> None:
    """Run the command line; an error of ours ends with its message and status 2, not a trace."""
    try:
        app()
    except TwofoldError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)
