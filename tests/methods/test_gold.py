"""Is the best checkpoint by the gold measure kept, and a run past it stopped?"""

import json
from pathlib import Path

import pytest

pytest.importorskip("trl")

from twofold.checklist import Checklist, Criterion
from twofold.judges import ExactJudge, MeetsChecklist
from twofold.methods import Grpo, TrainingError
from twofold.methods.best import Best
from twofold.scorers import Correct, Length
from twofold.types import Problem


def checkpoint(folder: Path, step: int) -> Path:
    made = folder / f"checkpoint-{step}"
    made.mkdir()
    (made / "model.safetensors").write_text(f"weights of {step}")
    (made / "optimizer.pt").write_text("large")
    return made


def test_the_best_is_kept_and_put_back(tmp_path: Path) -> None:
    best = Best(tmp_path, patience=2)
    best.saw(0, 0.5, None)
    for step, gold in ((1, 0.6), (2, 0.8), (3, 0.7)):
        best.saw(step, gold, checkpoint(tmp_path, step))
        assert not best.is_past
    best.saw(4, 0.8, checkpoint(tmp_path, 4))  # as good is no rise
    assert best.is_past
    (tmp_path / "model.safetensors").write_text("weights of the last step")
    best.put_back()
    assert (tmp_path / "model.safetensors").read_text() == "weights of 2"
    assert [p.name for p in (tmp_path / "best").glob("step-*")] == ["step-2"]
    assert not (tmp_path / "best" / "step-2" / "optimizer.pt").exists()


def test_a_resumed_run_knows_what_it_has_seen(tmp_path: Path) -> None:
    Best(tmp_path, 1).saw(0, 0.5, None)
    Best(tmp_path, 1).saw(1, 0.9, checkpoint(tmp_path, 1))
    again = Best(tmp_path, 1)
    again.saw(
        1, 0.1, tmp_path / "checkpoint-1"
    )  # asked again after a kill: the first answer stands
    assert again.record() == [{"step": 0, "gold": 0.5}, {"step": 1, "gold": 0.9}]
    assert not again.is_past


def test_an_unscored_gold_is_no_rise_and_no_fall(tmp_path: Path) -> None:
    best = Best(tmp_path, 1)
    assert not best.is_past
    best.saw(0, None, None)
    best.saw(1, None, checkpoint(tmp_path, 1))
    assert not best.is_past and best.record() == []


def test_a_run_that_never_beats_its_base_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    best = Best(tmp_path, 1)
    best.saw(0, 0.9, None)
    best.saw(1, 0.2, checkpoint(tmp_path, 1))
    assert best.is_past
    best.put_back()
    assert "no checkpoint beat the base" in caplog.text


def test_patience_needs_gold_and_gold_needs_problems(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="patience"):
        Grpo(patience=2)
    with pytest.raises(TrainingError, match="--held-out"):
        Grpo(gold=Correct()).train("pocket", [Problem(question="?")], out=tmp_path)


def test_a_run_stops_past_its_gold_and_logs_both(tiny: Path, tmp_path: Path) -> None:
    """A gold that cannot rise: the run ends after `patience` checkpoints, long before its steps."""
    listed = Checklist(criteria=(Criterion(text="right?", rule="answer"),))
    problems = [
        Problem(question=f"{n} + 5 = ?", answer="no such thing", checklist=listed) for n in range(4)
    ]
    method = Grpo(
        reward=Length(MeetsChecklist(ExactJudge(), dropout=0.5, least=1), "short"),
        gold=MeetsChecklist(ExactJudge()),
        patience=2,
        steps=30,
        batch=2,
        num_generations=2,
        max_completion_length=4,
        save_steps=1,
        probe=0,
    )
    done = method.train(str(tiny), problems, out=tmp_path / "run", held_out=problems)
    assert done.n_steps == 2
    log = json.loads((tmp_path / "run" / "trainer_state.json").read_text())["log_history"]
    seen = [row for row in log if "held_out/gold" in row]
    assert [row["held_out/gold"] for row in seen] == [0.0, 0.0, 0.0]
    assert all("held_out/reward" in row for row in seen)
    again = method.train(str(tiny), problems, out=tmp_path / "run", held_out=problems)
    assert again.n_steps == 2
