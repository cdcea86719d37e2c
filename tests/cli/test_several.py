"""`audit` with several checkpoints a side: what the words mean, and the numbers of a whole comparison."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import load_file, save_file
from typer.main import get_command

from twofold.cli import app, main
from twofold.cli.several import TakesSeveral
from twofold.models import pocket
from twofold.report import study_file
from twofold.report.study_file import ACCURACY, OBEDIENCE
from twofold.types import Outcome

AUDIT = get_command(app).commands["audit"]  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))


def words(line: str) -> tuple[list[str], list[str]]:
    """The models and the baselines of a command line."""
    assert isinstance(AUDIT, TakesSeveral)
    found = AUDIT.make_context("audit", line.split()).params
    return found["model"], [*found["baseline"]]


@pytest.mark.parametrize(
    ("line", "models", "baselines"),
    [
        ("a", ["a"], []),
        ("a --baseline b", ["a"], ["b"]),
        ("--baseline b a", ["a"], ["b"]),
        ("--seed 3 --baseline b a --limit 2", ["a"], ["b"]),
        ("a --baseline=b", ["a"], ["b"]),
        ("a1 a2 a3 --baseline b1 b2", ["a1", "a2", "a3"], ["b1", "b2"]),
        ("a1 --baseline b1 b2 --seed 3 a2", ["a1", "a2"], ["b1", "b2"]),
        ("--thinking-marks < > a1 --baseline b1 b2", ["a1"], ["b1", "b2"]),
        ("--limit 2 a --baseline b1 b2 b3", ["a"], ["b1", "b2", "b3"]),
    ],
)
def test_baseline_takes_the_words_up_to_the_next_option(
    line: str, models: list[str], baselines: list[str]
) -> None:
    assert words(line) == (models, baselines)


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str) -> str:
    monkeypatch.setattr("sys.argv", ["twofold", "audit", *line.split()])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("--baseline a b c", "write it before --baseline"),
        ("a b", "to be compared with --baseline"),
        ("a a --baseline b", "model has the same checkpoint twice"),
        ("a --baseline b b", "base has the same checkpoint twice"),
        ("a b --baseline c --check-packed 2", "--check-packed is for one MODEL"),
        ("a b --baseline c --problems nowhere", "nowhere"),
        ("a b --baseline c --problems pocket:3 --out .", "choose another --out"),
    ],
)
def test_what_cannot_be_compared_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    line: str,
    told: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.txt").write_text("mine")
    for name in "abc":
        run_of(tmp_path / name, seed=0)
    assert told in refused(monkeypatch, capsys, line)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def run_of(folder: Path, *, seed: int, noise: float = 0.0) -> Path:
    """A training run: the pocket model with weights that differ by its seed."""
    shutil.copytree(Path(pocket.__file__).parent / "checkpoint", folder)
    weights = load_file(folder / "model.safetensors")
    rng = np.random.default_rng(seed)
    for name, tensor in weights.items():
        shift = noise * tensor.float().std().item() * rng.normal(size=tuple(tensor.shape))
        weights[name] = (tensor.float() + tensor.new_tensor(shift).float()).to(tensor.dtype)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def rates(out: Path, arm: str, n: int, condition: str) -> np.ndarray:
    """Whether each problem was right, a row per run."""
    rows = []
    for seed in range(n):
        file = out / "arms" / arm / f"seed-{seed}" / "problems" / "verdicts.jsonl"
        found = [json.loads(line) for line in file.read_text().splitlines()]
        rows.append([r["correct"]["score"] for r in found if r["condition"] == condition])
    return np.array(rows, dtype=float)


def test_three_runs_against_two_cover_new_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new = [run_of(tmp_path / f"a{i}", seed=i, noise=0.02) for i in range(3)]
    old = [run_of(tmp_path / f"b{i}", seed=9 + i, noise=0.3) for i in range(2)]
    out = tmp_path / "out"
    line = [*new, "--problems", "pocket:39", "--max-tokens", "64", "--out", out, "--baseline", *old]
    monkeypatch.setattr("sys.argv", ["twofold", "audit", *map(str, line)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    assert "| model |" in capsys.readouterr().out
    study = study_file.read(out)
    assert (study.arms["model"].seeds, study.arms["base"].seeds) == ([0, 1, 2], [0, 1])
    found = study.finding("problems")
    right = found.comparison(ACCURACY[0], role="model", versus="base", condition=ACCURACY[1])
    assert right is not None
    before, after = (rates(out, arm, n, "unconstrained") for arm, n in (("base", 2), ("model", 3)))
    assert right.difference.value == pytest.approx(after.mean() - before.mean())
    assert right.difference.method.endswith("two-way by problem and by 2 and 3 runs")
    run_error = (before.mean(1).var(ddof=1) / 2 + after.mean(1).var(ddof=1) / 3) ** 0.5
    assert right.difference.high - right.difference.low > 2 * 1.96 * run_error
    told = found.comparison(OBEDIENCE[0], role="model", versus="base", condition=OBEDIENCE[1])
    assert told is not None and "2 and 3 runs" in told.difference.method
    (verdict,) = (v for v in study.verdicts if not v.slice_by)
    assert isinstance(verdict.outcome, Outcome)
    assert "3 training runs" not in (out / "report.html").read_text()
    assert "2 training runs" in (out / "report.html").read_text()

    replies = sorted(out.glob("arms/*/*/problems/responses.jsonl"))
    times = [file.stat().st_mtime_ns for file in replies]
    with pytest.raises(SystemExit):  # again: nothing is asked again
        main()
    assert [file.stat().st_mtime_ns for file in replies] == times
    assert len(replies) == 5
    monkeypatch.setattr("sys.argv", ["twofold", "report", str(out)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    assert study_file.read(out) == study


def test_one_base_is_taken_for_the_base_of_all_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    new = [run_of(tmp_path / f"a{i}", seed=i, noise=0.05) for i in range(2)]
    out = tmp_path / "out"
    line = [*new, "--baseline", "pocket", "--problems", "pocket", "--limit", "13", "--out", out]
    monkeypatch.setattr("sys.argv", ["twofold", "audit", "--max-tokens", "64", *map(str, line)])
    with pytest.raises(SystemExit) as stop:
        main()
    assert stop.value.code == 0
    assert "another run of it is not covered" in capsys.readouterr().out
    study = study_file.read(out)
    assert study.arms["base"].seeds == [0]  # greedy: other seeds would say the same
    right = study.finding("problems").comparison(
        ACCURACY[0], role="model", versus="base", condition=ACCURACY[1]
    )
    assert right is not None and right.difference.n == 13
    assert "two-way by problem and 2 seeds" in right.difference.method
