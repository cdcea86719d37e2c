"""Is the last checkpoint that is above its base on both sides named, kept, and the same after a kill?"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl")

from twofold.constraints import from_spec
from twofold.errors import RunError
from twofold.methods import Grpo, Sft, TrainingError
from twofold.methods.trl import callbacks, evaluation
from twofold.methods.trl.frontier import (
    FrontierCheckpoint,
    frontier_step,
    holds,
    in_words,
    is_compared,
)
from twofold.methods.trl.kept_model import KeptModel
from twofold.scorers import Correct
from twofold.types import Message, Problem, Response

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
TRAINED = [Problem(question=f"what is {n} and two", answer=f"{n + 2}") for n in range(4)]
HELD_OUT = [
    Problem(question=f"{n} + 1?", answer=str(n + 1), constraints=(NO_COMMA,)) for n in range(9)
]
SFT = Sft(
    demonstrations=Path("unset"),
    learning_rate=1e-3,
    epochs=1.0,  # four steps of one row
    batch=1,
    save_steps=1,
    keep_checkpoint="frontier",
)

# Which checkpoints answer, and obey when told; the others do neither.
REPLIES = {"base": "", "1": "right", "2": "right obedient", "3": "right obedient", "4": "obedient"}


def row(step: int, accuracy: float | None, obedience: float | None) -> dict[str, float]:
    """A row of the log with lower bounds of the gains."""
    sides = {"accuracy": accuracy, "obedience": obedience}
    found = {"step": float(step), "eval/tokens": 9.0}
    for name, low in sides.items():
        if low is not None:
            found |= {f"eval/{name}_gain": low + 0.1, f"eval/{name}_gain_low": low}
    return found


def test_a_step_holds_if_both_lower_bounds_are_above_zero() -> None:
    assert holds(row(1, 0.01, 0.01))
    assert not holds(row(1, 0.01, 0.0)) and not holds(row(1, -0.01, 0.2))
    assert not holds(row(1, 0.01, None)) and not is_compared(row(1, 0.01, None))


def test_the_last_step_that_holds_counts_though_one_before_it_did_not() -> None:
    log = [row(0, None, None), row(20, 0.1, 0.1), row(40, -0.1, 0.1), row(60, 0.1, 0.02)]
    assert frontier_step(log) == 60
    assert frontier_step([*log, row(80, 0.4, -0.01)]) == 60
    assert frontier_step(log[:1]) is None


def test_it_is_said_in_words() -> None:
    assert "never compared" in in_words([row(0, None, None)])
    assert "at none of 2 checkpoints" in in_words([row(20, -0.1, 0.1), row(40, 0.1, -0.1)])
    said = in_words([row(20, 0.1, 0.2), row(40, 0.3, -0.2)])
    assert said.startswith("step 20 is the last") and "+0.200 and +0.300" in said


def made_checkpoint(folder: Path, step: int) -> Path:
    made = folder / f"checkpoint-{step}"
    made.mkdir()
    (made / "model.safetensors").write_text(f"weights of {step}")
    (made / "optimizer.pt").write_text("large")
    return made


def test_the_model_of_the_last_step_that_holds_is_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = FrontierCheckpoint(tmp_path)
    log = [row(0, None, None), row(20, 0.1, 0.1), row(40, 0.2, 0.2), row(60, 0.9, -0.1)]
    for each in log:
        step = int(each["step"])
        kept.saw(step, each, made_checkpoint(tmp_path, step) if step else None)
    assert [path.name for path in (tmp_path / "frontier").iterdir()] == ["step-40"]
    assert not (tmp_path / "frontier" / "step-40" / "optimizer.pt").exists()
    (tmp_path / "model.safetensors").write_text("weights of the last step")
    kept.put_back(log)
    assert (tmp_path / "model.safetensors").read_text() == "weights of 40"
    assert "step 40 is the last" in caplog.text and "holds the model of step 40" in caplog.text


def test_what_is_kept_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, done = made_checkpoint(tmp_path, 20), []
    monkeypatch.setattr(os, "fsync", lambda fd: done.append(os.readlink(f"/proc/self/fd/{fd}")))
    KeptModel(tmp_path, "frontier").copy(20, made)
    part = tmp_path / "frontier" / "part"
    assert done == [str(part / "model.safetensors"), str(part)]


def test_the_last_one_stays_where_none_holds(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept, log = FrontierCheckpoint(tmp_path), [row(20, 0.1, -0.1)]
    kept.saw(20, log[0], made_checkpoint(tmp_path, 20))
    (tmp_path / "model.safetensors").write_text("weights of the last step")
    kept.put_back(log)
    assert (tmp_path / "model.safetensors").read_text() == "weights of the last step"
    assert "at none of 1 checkpoints" in caplog.text
    assert "holds the model of the last checkpoint" in caplog.text
    assert not (tmp_path / "frontier").exists()


def test_it_needs_problems_on_which_both_can_be_measured(tmp_path: Path) -> None:
    unanswered = [replace(problem, answer=None) for problem in HELD_OUT]
    stated = [replace(problem, question_states_constraints=True) for problem in HELD_OUT]
    for problems in ([], TRAINED, unanswered, stated):
        with pytest.raises(TrainingError, match="frontier needs held-out problems"):
            Grpo(keep_checkpoint="frontier").train(
                "pocket", TRAINED, out=tmp_path, eval_problems=problems
            )
    Grpo(keep_checkpoint="frontier").check(TRAINED, HELD_OUT)
    for unsaved in ("no", "best"):
        trl = {"save_strategy": unsaved, "metric_for_best_model": "loss"}
        with pytest.raises(
            TrainingError, match=f"save_strategy: {unsaved} makes none; leave out one"
        ):
            Grpo(keep_checkpoint="frontier", trl=trl).train(
                "pocket", TRAINED, out=tmp_path, eval_problems=HELD_OUT
            )
    Grpo(trl={"save_strategy": "no"}).check(TRAINED)
    Grpo(keep_checkpoint="frontier", trl={"save_strategy": "epoch"}).check(TRAINED, HELD_OUT)
    with pytest.raises(TrainingError, match="leave one out"):
        Grpo(keep_checkpoint="frontier", eval_metric=Correct(), early_stopping_patience=1)


class Scripted:
    """A checkpoint that replies as `REPLIES` says; what is trained and saved is real."""

    def __init__(self, spec: str, **_: Any) -> None:
        kind = Path(spec).name.removeprefix("checkpoint-")
        self._can = REPLIES[kind if kind in REPLIES else "base"]

    def sample(self, chats: Sequence[Sequence[Message]], _: object) -> list[list[Response]]:
        return [[self._reply(chat[0]["content"])] for chat in chats]

    def _reply(self, prompt: str) -> Response:
        answer = int(prompt.split()[0]) + ("right" in self._can)
        obeys = "comma" in prompt and "obedient" in self._can
        text = f"{'so' if obeys else 'so,'} \\boxed{{{answer}}}"
        return Response(raw=text, reply=text)


@pytest.fixture(autouse=True)
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "HfModel", Scripted)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def method(data: Path) -> Sft:
    lines = [
        json.dumps({"problem": problem.id, "raw": "it is " + "four " * n})
        for n, problem in enumerate(TRAINED)
    ]
    (data / "demonstrations.jsonl").write_text("\n".join(lines))
    return replace(SFT, demonstrations=data / "demonstrations.jsonl")


@pytest.fixture(scope="module")
def whole(method: Sft, tiny: Path, data: Path) -> Path:
    """A run that was never stopped."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(callbacks, "HfModel", Scripted)
        patch.setenv("TWOFOLD_CACHE", str(data / "cache"))
        return train(method, tiny, data / "whole")


def train(method: Sft, base: Path, out: Path) -> Path:
    return method.train(str(base), TRAINED, out=out, eval_problems=HELD_OUT).folder


def sums(folder: Path) -> dict[str, str]:
    """The content of what a run keeps: its model, what is kept of the frontier, the evaluations."""
    names = ("*.safetensors", "frontier/**/*", "evaluations/*")
    files = {path for name in names for path in folder.glob(name) if path.is_file()}
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(files)
    }


def evaluations(folder: Path) -> list[dict[str, float]]:
    log = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    return [each for each in log if "eval/tokens" in each]


def test_a_run_keeps_its_frontier(
    method: Sft, tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    done = method.train(str(tiny), TRAINED, out=tmp_path / "run", eval_problems=HELD_OUT)
    assert done.n_steps == 4
    log = evaluations(done.folder)
    assert [(each["step"], holds(each)) for each in log] == [
        (0, False),
        (1, False),
        (2, True),
        (3, True),
        (4, False),
    ]
    assert [each["eval/accuracy"] for each in log] == [0.0, 1.0, 1.0, 1.0, 0.0]
    assert [each["eval/obedience"] for each in log] == [0.0, 0.0, 1.0, 1.0, 1.0]
    assert [each["eval/accuracy_gain"] for each in log[1:]] == [1.0, 1.0, 1.0, 0.0]
    assert "step 3 is the last" in caplog.text and "holds the model of step 3" in caplog.text
    found = sums(done.folder)
    assert found["model.safetensors"] == found["frontier/step-3/model.safetensors"]
    checkpoints = [done.folder / f"checkpoint-{step}" / "model.safetensors" for step in (3, 4)]
    weights = [hashlib.sha256(path.read_bytes()).hexdigest() for path in checkpoints]
    assert found["model.safetensors"] == weights[0] != weights[1]
    assert {name for name in found if "evaluations" in name} == {
        f"evaluations/joint.step-{step}.jsonl" for step in range(5)
    }


def test_other_held_out_problems_would_choose_another_model(
    whole: Path, method: Sft, tiny: Path
) -> None:
    with pytest.raises(RunError, match="eval_problems_sha256 was"):
        method.train(str(tiny), TRAINED, out=whole, eval_problems=HELD_OUT[1:])
    again = method.train(str(tiny), TRAINED, out=whole, eval_problems=HELD_OUT[::-1])
    assert again.folder == whole and again.n_steps == 4


def test_by_default_it_is_named_and_the_last_one_is_the_result(
    method: Sft, tiny: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain = replace(method, keep_checkpoint="last")
    done = plain.train(str(tiny), TRAINED, out=tmp_path / "run", eval_problems=HELD_OUT)
    assert "step 3 is the last" in caplog.text and "holds the model" not in caplog.text
    last = (done.folder / "checkpoint-4" / "model.safetensors").read_bytes()
    assert (done.folder / "model.safetensors").read_bytes() == last
    assert not (done.folder / "frontier").exists()
    settings = json.loads((done.folder / "manifest.json").read_text())["identity"]["settings"]
    assert "keep_checkpoint" not in settings  # so that a run that 0.1.0 began goes on
    some = plain.train(str(tiny), TRAINED, out=tmp_path / "run", eval_problems=HELD_OUT[1:])
    assert some == done  # they chose nothing
    with pytest.raises(RunError, match="keep_checkpoint"):
        method.train(str(tiny), TRAINED, out=tmp_path / "run", eval_problems=HELD_OUT)


class Killed(BaseException):
    """What `kill -9` is to the code: nothing handles it."""


# Which call of each belongs to step 3.
CALL = {"write": 4, "copy": 2, "drop_all_but": 2, "save_log": 3, "put_back": 1}


@pytest.mark.parametrize(
    "place",
    [
        (evaluation, "write"),
        (KeptModel, "copy"),
        (KeptModel, "drop_all_but"),
        (callbacks, "save_log"),
        (FrontierCheckpoint, "put_back"),
    ],
    ids=lambda place: place[1],
)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_resumed_run_names_and_keeps_the_same(
    place: tuple[Any, str],
    after: bool,
    whole: Path,
    method: Sft,
    tiny: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Killed right before or after each write that an evaluation makes, at the step that is kept."""
    calls, real = [], getattr(*place)

    def deadly(*args: Any, **kw: Any) -> Any:
        calls.append(args)
        dies = len(calls) == CALL[place[1]]
        if dies and not after:
            raise Killed
        found = real(*args, **kw)
        if dies:
            raise Killed
        return found

    with monkeypatch.context() as patch:
        patch.setattr(*place, deadly)
        with pytest.raises(Killed):
            train(method, tiny, tmp_path / "run")
    caplog.clear()
    train(method, tiny, tmp_path / "run")
    assert "step 3 is the last" in caplog.text
    assert sums(tmp_path / "run") == sums(whole)
    assert evaluations(tmp_path / "run") == evaluations(whole)
