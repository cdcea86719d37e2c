"""Numbers in a tracker: TensorBoard's own reader finds them; the others are called as they are written."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from twofold.errors import RunError
from twofold.report.trackers import log, numbers
from twofold.types import Comparison, Contrast, Estimate, Finding, Measure, Slice

SHARE = Estimate(value=0.5, low=0.25, high=0.75, n=8, n_unscored=1, method="wilson")


class Result:
    findings = (
        Finding(
            diagnostic="joint",
            question="?",
            measures=(
                Measure(
                    role="model",
                    condition="constrained",
                    metric="met",
                    slice=Slice("type", "a/b"),
                    estimate=SHARE,
                ),
            ),
            contrasts=(
                Contrast(
                    role="model",
                    versus="baseline",
                    metric="obedience",
                    comparison=Comparison(
                        difference=SHARE,
                        before=SHARE,
                        after=SHARE,
                        n_improved=1,
                        n_regressed=0,
                        p=0.5,
                        test="exact",
                    ),
                ),
            ),
        ),
    )


EXPECTED = {
    "joint/model/constrained/met/type/a_b/value": 0.5,
    "joint/model/constrained/met/type/a_b/low": 0.25,
    "joint/model/constrained/met/type/a_b/high": 0.75,
    "joint/model/constrained/met/type/a_b/n": 8,
    "joint/model/constrained/met/type/a_b/n_unscored": 1,
    "joint/model/minus baseline/obedience/value": 0.5,
    "joint/model/minus baseline/obedience/low": 0.25,
    "joint/model/minus baseline/obedience/high": 0.75,
    "joint/model/minus baseline/obedience/n": 8,
    "joint/model/minus baseline/obedience/n_unscored": 1,
    "joint/model/minus baseline/obedience/p": 0.5,
}


def test_the_numbers_by_hand() -> None:
    assert numbers(Result()) == EXPECTED


def test_tensorboard_s_own_reader_finds_them(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader

    assert log(Result(), "tensorboard", place=tmp_path, name="new") == len(EXPECTED)
    (file,) = (tmp_path / "new").iterdir()
    found = {}
    for event in EventFileLoader(str(file)).Load():
        for value in event.summary.value:
            (found[value.tag],) = value.tensor.float_val
    assert found == EXPECTED


@pytest.mark.parametrize("tracker", ["trackio", "wandb"])
def test_the_others_are_called_at_their_seam(tracker: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, Any]] = []
    fake = SimpleNamespace(
        init=lambda *, project, name: calls.append(("init", (project, name))),
        log=lambda values: calls.append(("log", values)),
        finish=lambda: calls.append(("finish", None)),
    )
    monkeypatch.setitem(sys.modules, tracker, fake)
    log(Result(), tracker, place="mine", name="new")
    assert calls == [("init", ("mine", "new")), ("log", EXPECTED), ("finish", None)]


def test_what_is_missing_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(RunError, match="wandb is not installed; pip install wandb"):
        log(Result(), "wandb", place="mine", name="new")
    with pytest.raises(RunError, match="name one of trackio, wandb, tensorboard"):
        log(Result(), "sheets", place="mine", name="new")  # type: ignore[arg-type]
    with pytest.raises(RunError, match="nothing to report"):
        log(tmp_path, "tensorboard", place=tmp_path / "logs", name="new")
    assert not (tmp_path / "logs").exists()
