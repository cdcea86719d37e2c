"""Which commands show finished runs in other forms? They read, and change nothing in a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from twofold.cli.exits import EXIT_BAD_INPUT, EXIT_LOST, fail
from twofold.cli.terminal import say

Form = Literal["html", "markdown", "json", "csv", "parquet"]
FormOption = Annotated[
    Form,
    typer.Option(
        "--format",
        help="html analyses the saved responses again and writes the page; the others read findings.json: "
        "markdown, json and csv to standard output, parquet to --out.",
    ),
]
FileOption = Annotated[Path | None, typer.Option(help="The file of --format parquet.")]


def show(run_dir: Path, form: Form, *, out: Path | None) -> None:
    """Print a finished run, or write its Parquet file; fail if it lost too much."""
    import json

    from twofold.report import every_number, study_file, table
    from twofold.report.findings import finding_to_json, read_findings

    lost: dict[str, object] = {}
    if not (whole := every_number.is_study(run_dir)):
        findings, lost = read_findings(run_dir / "findings.json")
    if form == "markdown":
        say(every_number.markdown(run_dir))
    elif form == "csv":
        say(table.to_csv(run_dir).rstrip("\n"))
    elif form == "parquet":
        _write_parquet(run_dir, out)
    elif whole:
        say(study_file.to_json(study_file.read(run_dir)))
    else:
        found = {"findings": [finding_to_json(each) for each in findings], "lost": lost}
        say(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False))
    if lost.get("too_many"):
        fail(
            f"{lost.get('n')} of {lost.get('of')} responses were lost: these numbers do not describe the "
            "model. Fix the cause and give the command that made the run again",
            EXIT_LOST,
        )


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Two or more directories of `audit` or `score`; the first is compared with."
        ),
    ],
    form: Annotated[
        Literal["markdown", "json"], typer.Option("--format", help="How the table is printed.")
    ] = "markdown",
) -> None:
    """Put finished runs side by side, with the paired change of each against the first."""
    import json

    from twofold.report.compare import compare as compared

    found = compared(runs)
    if form == "json":
        say(json.dumps(found.to_json(), indent=1, ensure_ascii=False, allow_nan=False))
    else:
        say(found.markdown())
    if found.lossy:
        fail(
            f"{found.lossy[0]} lost more than 5 % of what was asked: its numbers do not describe the model. "
            "Fix the cause and give the command that made it again",
            EXIT_LOST,
        )


def card(
    run_dir: Annotated[Path, typer.Argument(help="What `audit`, `score` or `study` wrote.")],
    arm: Annotated[str | None, typer.Option(help="Of a study: the arm.")] = None,
    name: Annotated[
        str | None,
        typer.Option(help="The model's name [default: as it was given, without its folders]."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="A new file [default: standard output].")] = None,
) -> None:
    """Write what a finished run says on a model's card: Hugging Face's model-index and a table."""
    from twofold.report.card import card as made

    found = made(run_dir, arm=arm, name=name)
    if out is None:
        say(found.text().rstrip("\n"))
    else:
        _write_text(out, found.text())
    if found.is_lossy:
        fail(
            "too many responses were lost: these numbers do not describe the model, so do not publish them. "
            "Fix the cause and give the command that made the run again",
            EXIT_LOST,
        )


def _write_text(out: Path, text: str) -> None:
    """A new file; a card that was edited since is not replaced."""
    from twofold.storage.reading import InputFile
    from twofold.storage.writing import make_folder_of, refuse_others, replaced

    def is_own(there: Path) -> bool:
        with InputFile(there).opened() as file:
            return file.read() == text.encode()

    refuse_others(out, is_own)
    make_folder_of(out)
    with replaced(out) as file:
        file.write(text)
    say(f"card: {out}")


def check_options(form: Form, *, out: Path | None, diagnostics: str) -> None:
    """Refuse what a form has no use for, before anything is read."""
    if form != "html" and diagnostics != "joint":
        fail(
            f"--diagnostics analyses the run again, which --format {form} does not; give `twofold report` "
            "with --diagnostics and without --format first",
            EXIT_BAD_INPUT,
        )
    if form == "parquet" and out is None:
        fail("--format parquet needs --out FILE, since a terminal shows no Parquet", EXIT_BAD_INPUT)
    if form != "parquet" and out is not None:
        where = "the page goes into the run" if form == "html" else "redirect the output: > FILE"
        fail(f"--out is for --format parquet; {where}", EXIT_BAD_INPUT)


def _write_parquet(run_dir: Path, out: Path | None) -> None:
    from twofold.report import table
    from twofold.storage.writing import make_folder_of, refuse_others, replace_bytes

    assert out is not None  # `check_options` has seen to it
    refuse_others(out, table.is_parquet_of_ours)
    content = table.to_parquet(run_dir)
    make_folder_of(out)
    replace_bytes(out, content)
    say(f"{len(table.rows(run_dir))} rows in {out}")
