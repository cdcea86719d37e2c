"""A run as a data frame, CSV and Parquet: the same rows, and what is not there is missing, not 0."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas
import pyarrow.parquet as pq
import pytest

from twofold.cli import main
from twofold.errors import RunError
from twofold.report import every_number, table
from twofold.report.findings import finding_to_json
from twofold.runs.finalize import finalize
from twofold.types import Comparison, Contrast, Estimate, Finding, Measure, Slice

SHARE = Estimate(value=0.5, low=0.25, high=0.75, n=8, n_unscored=1, method="wilson")
FULL = Finding(
    diagnostic="joint",
    question="Both?",
    measures=(Measure(role="model", condition="constrained", metric="hacc", estimate=SHARE),),
    contrasts=(
        Contrast(
            role="model",
            versus="baseline",
            condition="constrained",
            metric="hacc",
            slice=Slice("type", "punctuation:no_comma"),
            comparison=Comparison(
                difference=replace(SHARE, value=-0.125, low=-0.25, high=0.0),
                before=SHARE,
                after=replace(SHARE, value=0.375),
                n_improved=1,
                n_regressed=2,
                p=0.625,
                test="exact",
            ),
        ),
    ),
    caveats=("few problems",),
)


class Result:
    findings = (FULL,)


def test_a_row_for_each_record_by_hand() -> None:
    found = table.frame(Result())
    assert list(found.columns) == list(table.COLUMNS)
    measure, comparison = found.to_dict("records")
    assert (measure["record"], comparison["record"]) == ("measure", "comparison")
    assert (measure["role"], measure["condition"], measure["metric"]) == (
        "model",
        "constrained",
        "hacc",
    )
    numbers = [measure[key] for key in ("value", "low", "high", "n", "n_unscored", "method")]
    assert numbers == [0.5, 0.25, 0.75, 8, 1, "wilson"]
    assert (comparison["value"], comparison["before"], comparison["after"]) == (-0.125, 0.5, 0.375)
    assert (comparison["versus"], comparison["slice"]) == ("baseline", "punctuation:no_comma")
    assert (comparison["p"], comparison["n_regressed"]) == (0.625, 2)
    missing = (measure["p"], measure["n_improved"], comparison["p_adjusted"], measure["versus"])
    assert all(pandas.isna(each) for each in missing)
    assert str(found["n"].dtype) == "Int64" and found["p"].sum() == 0.625


def test_the_rows_are_those_of_the_csv_files(small_run: Path) -> None:
    finalize(small_run)
    found = list(csv.DictReader(io.StringIO(table.to_csv(small_run))))
    for record, name in (("measure", "measures"), ("comparison", "contrasts")):
        with (small_run / f"{name}.csv").open() as file:
            saved = list(csv.DictReader(file))
        mine = [row for row in found if row["record"] == record]
        assert [{key: row[key] for key in saved[0]} for row in mine] == saved


def test_parquet_holds_the_same_with_null_for_missing(small_run: Path) -> None:
    read = pq.read_table(io.BytesIO(table.to_parquet(small_run)))
    assert read.to_pylist() == table.rows(small_run)
    assert None in read.column("p").to_pylist()


def test_a_study_has_a_row_for_each_arm_and_split(
    made: Callable[..., Path], tmp_path: Path
) -> None:
    found = table.frame(made(tmp_path / "study"))
    assert set(found["role"]) == {"base", "rose", "paid", "bare_answer"}
    assert set(found["split"]) == {"test"}
    (right,) = found.query("role == 'rose' and metric == 'hacc' and record == 'measure'").to_dict(
        "records"
    )
    assert (right["value"], right["n"]) == (0.9, 100)


def test_without_pandas_or_pyarrow_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(RunError, match=r"pip install 'twofold\[hub\]', or read measures.csv"):
        table.frame(Result())
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(RunError, match=r"pip install 'twofold\[hub\]', or take --format csv"):
        table.to_parquet(Result())
    assert len(table.rows(Result())) == 2


def call(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["twofold", *map(str, arguments)])
    try:
        main()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def written(path: Path, run: Path, **lost: object) -> Path:
    path.mkdir()
    saved = {"findings": [finding_to_json(FULL)], "lost": lost}
    (path / "findings.json").write_text(json.dumps(saved))
    (path / "manifest.json").write_text((run / "manifest.json").read_text())
    return path


def test_markdown_has_no_bare_number(small_run: Path, tmp_path: Path) -> None:
    run = written(tmp_path / "hand", small_run)
    lines = every_number.markdown(run).splitlines()
    (measure,) = [line for line in lines if line.startswith("| hacc · constrained · model |")]
    assert [cell.strip() for cell in measure.split("|")[2:-1]] == [
        "0.500",
        "[0.250, 0.750]",
        "8",
        "1",
    ]
    (change,) = [
        line for line in lines if line.startswith("| hacc · constrained · model − baseline")
    ]
    cells = [cell.strip() for cell in change.split("|")[2:-1]]
    assert cells == ["−0.125", "[−0.250, 0.000]", "8", "1", "0.625", "–", "–"]
    assert "- few problems" in lines
    assert any("95% interval" in line for line in lines)


def test_markdown_of_a_pair_and_of_a_study(
    small_run: Path, made: Callable[..., Path], tmp_path: Path
) -> None:
    text = every_number.markdown(small_run)
    assert "one training run" in text and "<script>" not in text
    told = every_number.markdown(made(tmp_path / "study"))
    assert "- rose: **Both rose, one training run**." in told and "bare_answer" in told


def test_the_command_prints_every_form(
    small_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {path.name: path.read_bytes() for path in small_run.iterdir()}
    assert call(monkeypatch, "report", small_run, "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == json.loads(before["findings.json"])
    assert call(monkeypatch, "report", small_run, "--format", "csv") == 0
    assert capsys.readouterr().out.startswith("split,record,diagnostic,role,versus,")
    assert call(monkeypatch, "report", small_run, "--format", "markdown") == 0
    assert capsys.readouterr().out.startswith("# tuned")
    out = tmp_path / "new" / "found.parquet"
    for _ in range(2):  # its own file is replaced
        assert call(monkeypatch, "report", small_run, "--format", "parquet", "--out", out) == 0
    assert len(pandas.read_parquet(out)) == len(table.rows(small_run))
    assert {path.name: path.read_bytes() for path in small_run.iterdir()} == before


@pytest.mark.parametrize("foreign", [b"years of work\n", b"PAR1", b"\x89PNG\r\n"])
def test_a_file_of_another_is_left_as_it_is(
    foreign: bytes, small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mine"
    out.write_bytes(foreign)
    assert call(monkeypatch, "report", small_run, "--format", "parquet", "--out", out) == 2
    assert out.read_bytes() == foreign


def test_another_parquet_file_is_left_as_it_is(
    small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "mine.parquet"
    pandas.DataFrame({"a": [1]}).to_parquet(out)
    before = out.read_bytes()
    assert call(monkeypatch, "report", small_run, "--format", "parquet", "--out", out) == 2
    assert out.read_bytes() == before


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        (("--format", "parquet"), "needs --out FILE"),
        (("--format", "csv", "--out", "x"), "redirect the output"),
        (("--out", "x"), "the page goes into the run"),
        (("--format", "csv", "--diagnostics", "a:B"), "without --format first"),
    ],
)
def test_options_that_do_nothing_are_refused(
    options: tuple[str, ...],
    remedy: str,
    small_run: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert call(monkeypatch, "report", small_run, *options) == 2
    assert remedy in capsys.readouterr().err


def test_a_run_that_lost_too_much_says_so_in_every_form(
    small_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = written(tmp_path / "lossy", small_run, n=3, of=9, too_many=True)
    assert call(monkeypatch, "report", run, "--format", "csv") == 3
    assert "3 of 9 responses were lost" in capsys.readouterr().err
