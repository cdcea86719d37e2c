"""Is the best checkpoint by the held-out metric kept, and a run past it stopped?"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("trl")

from transformers import TrainerControl, TrainerState, TrainingArguments

from twofold.errors import RunError
from twofold.judges import ExactJudge, MeetsChecklist
from twofold.methods import Grpo, TrainingError
from twofold.methods.trl.callbacks import EvalCallback
from twofold.methods.trl.early_stopping import EVAL_METRIC, BestCheckpoint
from twofold.methods.trl.evaluation import Replies
from twofold.scorers import Correct, Length
from twofold.types import Problem, Response
from twofold.types.checklist import Checklist, Criterion


def checkpoint(folder: Path, step: int) -> Path:
    made = folder / f"checkpoint-{step}"
    made.mkdir()
    (made / "model.safetensors").write_text(f"weights of {step}")
    (made / "optimizer.pt").write_text("large")
    return made


def test_the_best_is_kept_and_put_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    best = BestCheckpoint(tmp_path, early_stopping_patience=2)
    best.saw(0, 0.5, None)
    for step, eval_metric in ((1, 0.6), (2, 0.8), (3, 0.7)):
        best.saw(step, eval_metric, checkpoint(tmp_path, step))
        assert not best.is_past
    best.saw(4, 0.8 + 2e-16, checkpoint(tmp_path, 4))  # as good is no rise, rounding neither
    assert best.is_past
    (tmp_path / "model.safetensors").write_text("weights of the last step")
    best.put_back()
    assert (tmp_path / "model.safetensors").read_text() == "weights of 2"
    assert "holds the model of step-2" in caplog.text
    assert [p.name for p in (tmp_path / "best").glob("step-*")] == ["step-2"]
    assert not (tmp_path / "best" / "step-2" / "optimizer.pt").exists()


def test_a_resumed_run_knows_what_it_has_seen(tmp_path: Path) -> None:
    BestCheckpoint(tmp_path, 1).saw(0, 0.5, None)
    BestCheckpoint(tmp_path, 1).saw(1, 0.9, checkpoint(tmp_path, 1))
    again = BestCheckpoint(tmp_path, 1)
    again.saw(
        1, 0.1, tmp_path / "checkpoint-1"
    )  # asked again after a kill: the first answer stands
    assert again.record() == [{"step": 0, "eval_metric": 0.5}, {"step": 1, "eval_metric": 0.9}]
    assert not again.is_past


def test_an_unscored_metric_is_ignored(tmp_path: Path) -> None:
    best = BestCheckpoint(tmp_path, 1)
    assert not best.is_past
    best.saw(0, None, None)
    best.saw(1, None, checkpoint(tmp_path, 1))
    assert not best.is_past and best.record() == []


def test_a_run_that_never_beats_its_base_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    best = BestCheckpoint(tmp_path, 1)
    best.saw(0, 0.9, None)
    best.saw(1, 0.2, checkpoint(tmp_path, 1))
    assert best.is_past
    best.put_back()
    assert "no checkpoint beat the base" in caplog.text


def test_a_copy_that_a_kill_cut_short_is_never_put_back(tmp_path: Path) -> None:
    best = BestCheckpoint(tmp_path, 1)
    best.saw(0, 0.1, None)
    best.saw(20, 0.9, checkpoint(tmp_path, 20))
    half = tmp_path / "best" / "step-30"  # killed before it was noted down
    half.mkdir()
    (half / "model.safetensors").write_text("half of 30")
    best.put_back()
    assert (tmp_path / "model.safetensors").read_text() == "weights of 20"
    best.saw(100, 0.95, checkpoint(tmp_path, 100))
    best.put_back()
    assert (tmp_path / "model.safetensors").read_text() == "weights of 100"
    assert [p.name for p in (tmp_path / "best").glob("step-*")] == ["step-100"]


def test_a_metric_that_was_never_measured_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    best = BestCheckpoint(tmp_path, 1)
    best.saw(1, None, checkpoint(tmp_path, 1))
    best.put_back()
    assert (
        "eval_metric was never measured" in caplog.text and "no checkpoint beat" not in caplog.text
    )


def watching(
    best: BestCheckpoint, metrics: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> EvalCallback:
    """A watch whose checkpoints are worth what `metrics` says by the folder's name."""
    monkeypatch.setattr(
        EvalCallback, "_ask", lambda _, spec, *about: {EVAL_METRIC: metrics[Path(spec).name]}
    )
    return EvalCallback(
        [Problem(question="?")], base="base", log=print, max_tokens=1, eval_metric=best
    )


def test_a_checkpoint_that_a_kill_left_unmeasured_is_measured_on_resuming(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    best = BestCheckpoint(tmp_path, 1)
    best.saw(0, 0.1, None)
    checkpoint(tmp_path, 1)
    watch = watching(best, {"checkpoint-1": 0.05}, monkeypatch)
    args = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    control = TrainerControl()
    watch.on_train_begin(args, TrainerState(global_step=1), control)
    assert best.record() == [{"step": 0, "eval_metric": 0.1}, {"step": 1, "eval_metric": 0.05}]
    assert control.should_training_stop  # it is past its best already


def test_the_unscored_share_of_the_metric_is_reported() -> None:
    listed = Checklist(criteria=(Criterion(text="right?", rule="answer"),))
    problems = [
        Problem(question="?", answer="1", checklist=listed),
        Problem(question="!", answer="2"),
    ]
    said = [Response(raw="#### 1", reply="#### 1")] * 2
    found = Replies(problems, said).means({"eval_metric": MeetsChecklist(ExactJudge())})
    assert (found[EVAL_METRIC], found["eval/eval_metric_unscored"]) == (1.0, 0.5)


TWO = """
import sys
from datetime import timedelta
from pathlib import Path
import torch.distributed
from transformers import TrainerControl, TrainerState, TrainingArguments
from twofold.methods.trl.early_stopping import EVAL_METRIC, BestCheckpoint
from twofold.methods.trl.callbacks import EvalCallback
from twofold.types import Problem

rank, out = int(sys.argv[1]), Path(sys.argv[2])
(out / "checkpoint-1").mkdir(exist_ok=True)
torch.distributed.init_process_group(
    "gloo",
    init_method=f"file://{out}/meet",
    rank=rank,
    world_size=2,
    timeout=timedelta(seconds=60),
)
EvalCallback._ask = lambda self, spec, *about: {EVAL_METRIC: 0.5}
watch = EvalCallback([Problem(question="?")], base="b", log=print, max_tokens=1,
eval_metric=BestCheckpoint(out, 1))
args, control = TrainingArguments(output_dir=str(out), use_cpu=True), TrainerControl()
for step in (0, 1):
    state = TrainerState(global_step=step, is_world_process_zero=rank == 0)
    (watch.on_save if step else watch.on_train_begin)(args, state, control)
assert control.should_training_stop
torch.distributed.destroy_process_group()
"""


@pytest.mark.slow
def test_all_processes_stop_together(tmp_path: Path) -> None:
    """One that stopped alone would leave the others waiting for its gradients for ever."""
    started = [
        subprocess.Popen([sys.executable, "-c", TWO, str(rank), str(tmp_path)]) for rank in (0, 1)
    ]
    try:
        assert [each.wait(timeout=100) for each in started] == [0, 0]
    finally:
        for each in started:
            each.kill()


def test_patience_needs_a_metric_and_a_metric_needs_problems(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="early_stopping_patience"):
        Grpo(early_stopping_patience=2)
    with pytest.raises(TrainingError, match="--eval-problems"):
        Grpo(eval_metric=Correct()).train("pocket", [Problem(question="?")], out=tmp_path)


def test_a_run_stops_past_its_best_and_logs_both(tiny: Path, tmp_path: Path) -> None:
    """An eval_metric that cannot rise: the run ends after `early_stopping_patience` checkpoints,
    long before its steps."""
    listed = Checklist(criteria=(Criterion(text="right?", rule="answer"),))
    problems = [
        Problem(question=f"{n} + 5 = ?", answer="no such thing", checklist=listed) for n in range(4)
    ]
    method = Grpo(
        reward=Length(MeetsChecklist(ExactJudge(), dropout=0.5, least=1), "short"),
        eval_metric=MeetsChecklist(ExactJudge()),
        early_stopping_patience=2,
        steps=30,
        batch=2,
        num_generations=2,
        max_completion_length=4,
        save_steps=1,
        precheck_problems=0,
    )
    done = method.train(str(tiny), problems, out=tmp_path / "run", eval_problems=problems)
    assert done.n_steps == 2
    log = json.loads((tmp_path / "run" / "trainer_state.json").read_text())["log_history"]
    seen = [row for row in log if "eval/eval_metric" in row]
    assert [row["eval/eval_metric"] for row in seen] == [0.0, 0.0, 0.0]
    assert all("eval/reward" in row for row in seen)
    again = method.train(str(tiny), problems, out=tmp_path / "run", eval_problems=problems)
    assert again.n_steps == 2
    with pytest.raises(RunError, match="eval_problems_sha256 was"):  # they choose the model
        method.train(str(tiny), problems, out=tmp_path / "run", eval_problems=problems[1:])
