"""Which commands measure, train and compare models?"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twofold.cli.checklists import ProgramsOption, loaded
from twofold.cli.exits import EXIT_BAD_INPUT, EXIT_FAULTS, EXIT_LOST, fail, require, resumable, run
from twofold.cli.options import (
    BaselineOption,
    CheckPackedOption,
    DiagnosticsOption,
    JudgedOption,
    LimitOption,
    MarksOption,
    MaxTokensOption,
    ModelsArgument,
    ParaphraserOption,
    ProblemsOption,
    RunOption,
    SamplesOption,
    SeedOption,
    TemperatureOption,
    TopPOption,
)
from twofold.cli.results import FileOption, FormOption, check_options, show
from twofold.cli.servers import asks_servers
from twofold.cli.several import TakesSeveral, compare_runs
from twofold.cli.terminal import say
from twofold.types import Profile, Share

if TYPE_CHECKING:
    from twofold.runs.finalize import RunResult

app = typer.Typer(
    help="Did training improve both the accuracy of a model and its compliance with instructions?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def main_options(
    constraints: Annotated[
        str | None,
        typer.Option(
            help="Your own constraints that problem files may name: package.module:Name, separated by "
            "commas. A file alone never imports one."
        ),
    ] = None,
) -> None:
    """Options of every command."""
    from twofold.constraints import register

    for each in constraints.split(",") if constraints else ():
        register(each.strip())


@app.command(cls=TakesSeveral)
@asks_servers
def audit(
    model: ModelsArgument,
    baseline: BaselineOption = None,
    problems: ProblemsOption = "synthetic",
    limit: LimitOption = None,
    diagnostics: DiagnosticsOption = "joint",
    samples: SamplesOption = 1,
    max_tokens: MaxTokensOption = 512,
    temperature: TemperatureOption = 0.0,
    top_p: TopPOption = 1.0,
    seed: SeedOption = 0,
    check_packed: CheckPackedOption = 0,
    judge: JudgedOption = None,
    programs: ProgramsOption = None,
    paraphraser: ParaphraserOption = None,
    thinking_marks: MarksOption = None,
    out: RunOption = None,
) -> None:
    """Measure a model, or its change against a base.

    With several checkpoints a side (`audit A1 A2 A3 --baseline B1 B2 B3`) the intervals cover new training
    runs, too. The same command again resumes a stopped run.
    """
    if len(model) > 1 or len(baseline or ()) > 1:
        place = out or _default_out(_in_short(model), _in_short(baseline or ()))
        settings: dict[str, object] = {"splits": {"problems": problems}, "limit": limit}
        settings |= {"diagnostics": diagnostics, "samples": samples, "max_tokens": max_tokens}
        settings |= {"temperature": temperature, "top_p": top_p, "judge": judge}
        settings["thinking_marks"] = thinking_marks
        other = {"check-packed": check_packed, "paraphraser": paraphraser, "programs": programs}
        with resumable(place):
            made = compare_runs(
                model, baseline or (), out=place, seed=seed, settings=settings, refused=other
            )
        return _show_study(made)
    from twofold.diagnostics import diagnostics_named
    from twofold.models import resolve
    from twofold.runs.audit import audit as measured
    from twofold.types import Sampling

    asked = loaded(problems, limit=limit)
    sampling = Sampling(max_tokens=max_tokens, temperature=temperature, top_p=top_p)
    new, old = model[0], baseline[0] if baseline else None
    place = out or _default_out(new, old)
    with resumable(place):
        result = measured(
            resolve(new, thinking_marks=thinking_marks),
            asked,
            baseline=resolve(old, thinking_marks=thinking_marks) if old else None,
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
    if result is not None:
        say(f"{len(asked)} problems of {problems}\n")
        _finish(result, remedy="give the same command again: it asks only for what was lost")


@app.command()
@asks_servers
def score(
    responses: Annotated[
        Path,
        typer.Argument(
            help='MathIF {"output": [...]}, IFEval {"prompt", "response"}, lm-eval samples_*.jsonl, '
            "or a twofold responses.jsonl; a file or a directory."
        ),
    ],
    problems: Annotated[str, typer.Option(help="The problems they answer, as in `audit`.")],
    baseline: Annotated[
        Path | None,
        typer.Option(
            help="Replies of the model before, in any of these forms: gives the paired change."
        ),
    ] = None,
    profile: Annotated[
        Profile, typer.Option(help="official (bit-exact with the published checkers) or fixed.")
    ] = "fixed",
    limit: LimitOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the resampling.")] = 0,
    judge: JudgedOption = None,
    programs: ProgramsOption = None,
    thinking_marks: MarksOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Run directory [default: runs/score-NAME-PROFILE].")
    ] = None,
) -> None:
    """Score replies sampled elsewhere, under both checkers; two files give the paired change."""
    from twofold.diagnostics.checklist.collect import Checklists
    from twofold.runs.score import score as scored

    asked = loaded(problems, profile=profile, limit=limit)
    pair = f"{responses.stem}-vs-{baseline.stem}" if baseline else responses.stem
    place = out or Path("runs") / f"score-{pair}-{profile}"
    result = scored(
        responses,
        asked,
        baseline=baseline,
        profile=profile,
        seed=seed,
        judge=Checklists.by(judge, programs) if judge else None,
        thinking_marks=thinking_marks,
        out=place,
    )
    _finish(result, remedy="complete the file of replies and score it with another --out")


@app.command()
def check(
    problems: Annotated[str, typer.Argument(help="What to lint, as `--problems` of `audit`.")],
    train_set: Annotated[
        str | None, typer.Option(help="Training data (file or suite) that must not overlap.")
    ] = None,
) -> None:
    """Lint problems without a model: reference answers, satisfiable constraints, overlap."""
    from twofold.problems.lint import lint, summary
    from twofold.scorers import Correct

    asked = loaded(problems)
    other = loaded(train_set) if train_set else ()
    faults = lint(asked, correct=Correct(), train_set=other)
    say(f"{len(asked)} problems")
    say(summary(faults))
    if any(fault.severity == "error" for fault in faults):
        raise typer.Exit(EXIT_FAULTS)


@app.command()
def train(
    method: Annotated[
        str, typer.Argument(help="sft, cft, rft, grpo, dpo, softcot, rlag, or package.module:Name.")
    ],
    base: Annotated[str, typer.Option(help="A MODEL with local weights, as in `audit`.")],
    problems: Annotated[str, typer.Option(help="Training problems, as in `audit`.")],
    out: Annotated[Path, typer.Option(help="Directory of the model and its checkpoints.")],
    config: Annotated[
        Path | None,
        typer.Option(help="YAML with the method's settings; those of TRL under `trl:`."),
    ] = None,
    eval_problems: Annotated[
        str | None, typer.Option(help="Problems to evaluate every checkpoint on, as in `audit`.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the data set and exit; needs no model.")
    ] = False,
) -> None:
    """Train a model. The same command again resumes a stopped run.

    On several processes: `accelerate launch -m twofold train ...`.
    """
    import json

    from twofold import methods
    from twofold.extension import is_reference

    chosen = methods.configured(methods.method_named(method), config)
    asked = loaded(problems)
    followed = loaded(eval_problems) if eval_problems else ()
    if dry_run:
        rows = chosen.rows(asked)
        if not rows:
            fail(
                f"{chosen.name} would learn from none of the {len(asked)} problems; give the problems "
                "that its file was made of",
                EXIT_BAD_INPUT,
            )
        for row in rows:
            say(json.dumps(row, ensure_ascii=False))
        say(f"{len(rows)} rows for {chosen}", err=True)
        return
    if not is_reference(method):
        require("torch", "trl")
    done = chosen.train(base, asked, out=out, eval_problems=followed)
    if Share.here().rank == 0:
        held_out = eval_problems or _held_out(problems)
        say(
            f"{done.n_steps} steps; now `twofold audit {done.folder} --baseline {base} --problems {held_out}`"
        )


@app.command()
def study(
    plan: Annotated[
        Path | None,
        typer.Argument(
            help="YAML with base, problems, seeds and arms [default: the pocket study]."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Study directory [default: runs/study-NAME].")
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            help="Distribute arms and seeds with Ray: local (a core or GPU each), auto, or HOST:PORT."
        ),
    ] = None,
) -> None:
    """Train several recipes from one base, audit all of them, and report for each: did both rise?

    The same command again resumes a stopped study; arms and seeds may be added to the file.
    """
    from twofold import study as studies

    chosen = studies.read(plan) if plan else studies.read()
    require(*(("torch", "trl") if chosen.trained_here else ()), *(("ray",) if ray else ()))
    place = out or Path("runs") / f"study-{plan.stem if plan else 'pocket'}"
    with resumable(place):
        result = studies.study(chosen, out=place, ray=ray, say=say)
    if Share.here().rank == 0:
        _show_study(result.path)


@app.command()
def report(
    run_dir: Annotated[Path, typer.Argument(help="What `audit`, `score` or `study` wrote.")],
    diagnostics: Annotated[
        str, typer.Option(help="Your own diagnostics in the run: package.module:Name.")
    ] = "joint",
    form: FormOption = "html",
    out: FileOption = None,
) -> None:
    """Write findings and page again from the saved responses, without a model; or print a finished run."""
    check_options(form, out=out, diagnostics=diagnostics)
    if form != "html":
        return show(run_dir, form, out=out)
    from twofold import study as studies
    from twofold.diagnostics import diagnostics_named
    from twofold.extension import nothing_imported
    from twofold.runs.finalize import finalize
    from twofold.storage.reading import Kind, kind_of

    asked = diagnostics_named(diagnostics)
    if kind_of(run_dir / studies.PLAN) is not Kind.missing:
        with nothing_imported():
            plan = studies.read(run_dir / studies.PLAN)
        studies.finalize(plan, run_dir)
        return _show_study(run_dir)
    _finish(finalize(run_dir, asked), remedy="give the command that made the run again")


def _show_study(path: Path) -> None:
    """Print the result of a study; fail if an arm is missing, or an audit lost too much."""
    from twofold.report import study_file
    from twofold.report.findings import read_findings
    from twofold.report.markdown import on_terminal
    from twofold.report.study import summary
    from twofold.storage.reading import files

    say(on_terminal(summary(path)))
    say(f"\npage: {path / 'report.html'}")
    if failed := len(study_file.read(path).failed):
        fail(
            f"{failed} trainings or audits failed, see above; fix the cause and give the same command "
            "again: the others are kept",
            EXIT_LOST,
        )
    audits = files(path, "arms/*/seed-*/*/findings.json")
    lossy = [file.parent for file in audits if read_findings(file)[1].get("too_many")]
    if lossy:
        fail(
            f"{len(lossy)} audits lost more than 5 % of what was asked (first: {lossy[0]}): these numbers "
            "do not describe the models. Fix the cause and give the same command again",
            EXIT_LOST,
        )


def _held_out(problems: str) -> str:
    """Where to audit what was trained on `problems`: the test split of a suite, else a file to be named."""
    from twofold.problems import SUITES

    name = problems.partition(":")[0]
    return name if name in SUITES else "HELD_OUT_PROBLEMS"


def _in_short(models: list[str] | tuple[str, ...]) -> str:
    """The name of several training runs in a folder's name."""
    return " and ".join([*models[:1], *([f"{len(models) - 1} more"] if len(models) > 1 else [])])


def _default_out(model: str, baseline: str | None) -> Path:
    """The default run directory of a model or a pair."""
    name = f"{model}-vs-{baseline}" if baseline else model
    return Path("runs") / "-".join(filter(None, re.split(r"[\W_]", name)))


def _finish(result: RunResult, *, remedy: str) -> None:
    """Print the findings and the path of the page; fail if too much was lost."""
    from twofold.report.markdown import on_terminal, summary
    from twofold.report.page import model_names
    from twofold.storage.run_dir import RunDir

    names = model_names(RunDir(result.path).manifest(), result.findings)
    say(on_terminal(summary(result.findings, names)))
    say(f"\npage: {result.path / 'report.html'}")
    lost = result.lost
    if lost.is_too_many:
        often = max(lost.reasons, key=lost.reasons.__getitem__, default="")
        fail(
            f"{lost.in_words()}: these numbers do not describe the model. "
            f"{f'Most often: {often}. ' if often else ''}Fix the cause, then {remedy}.",
            EXIT_LOST,
        )


def main() -> None:
    """Run the command line."""
    run(app)
