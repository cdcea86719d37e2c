"""A whole study on the pocket model, small: trained, audited, stopped, resumed, failed, on Ray."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from twofold import problems as problem_files
from twofold.errors import TwofoldError
from twofold.methods import rft
from twofold.methods.method import TrainingError
from twofold.report.study import summary
from twofold.report.study_file import read as read_study
from twofold.report.study_file import schema
from twofold.study import Plan, finalize, read, study
from twofold.study.cell import Cell
from twofold.types import Problem

RFT = {
    "method": "rft",
    "num_generations": 2,
    "max_completion_length": 64,
    "learning_rate": 3e-3,  # enough that some answers change
    "epochs": 1,
    "save_steps": 2,
}
PLAN = {
    "base": "pocket",
    "train": "pocket:24:train",
    "splits": {"test": "pocket:13"},
    "by": ["competes"],
    "max_tokens": 64,
    "eval_problems": "pocket:4:ood",
    "arms": {"answer": RFT | {"reward": "correct"}},
}


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))


def plan(folder: Path, **changed: object) -> Plan:
    (folder / "study.yaml").write_text(yaml.safe_dump(PLAN | changed, sort_keys=False))
    return read(folder / "study.yaml")


def quiet(_: str) -> None:
    pass


def by_hand(arms: Path, key: str, condition: str) -> list[tuple[float, float]]:
    """Each problem's score of the base and of the arm, where both have one."""
    scores: dict[str, dict[str, float | None]] = {}
    for arm in ("base", "answer"):
        file = arms / arm / "seed-0" / "test" / "verdicts.jsonl"
        for row in map(json.loads, file.read_text().splitlines()):
            if row["condition"] == condition:
                scores.setdefault(row["problem"], {})[arm] = row[key]["score"]
    return [
        (each["base"], each["answer"])
        for each in scores.values()
        if each["base"] is not None and each["answer"] is not None
    ]


def test_a_study_is_made_resumed_extended_and_remade(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = study(plan(tmp_path), out=out, say=quiet)
    assert not first.failed
    found = read_study(out)
    assert found == first.found
    jsonschema.validate(json.loads((out / "study.json").read_text()), schema())
    assert list(found.arms) == ["base", "answer"]
    for key, condition, metric in (
        ("correct", "unconstrained", "accuracy"),
        ("compliant", "constrained", "hacc"),
    ):
        pairs = by_hand(out / "arms", key, condition)
        n_improved, n_regressed = pairs.count((0.0, 1.0)), pairs.count((1.0, 0.0))
        contrast = found.finding("test").comparison(
            metric, role="answer", versus="base", condition=condition
        )
        assert contrast is not None and contrast.difference.n == len(pairs) > 6
        assert (contrast.n_improved, contrast.n_regressed) == (n_improved, n_regressed)
        change = (n_improved - n_regressed) / len(pairs)
        assert contrast.difference.value == pytest.approx(change)
        assert n_improved + n_regressed in range(1, 6)  # too few changed for a test to say so
    (verdict,) = (v for v in found.verdicts if not v.slice_by)
    assert (verdict.arm, verdict.outcome) == ("answer", "underpowered")
    steps = [row["step"] for row in found.curves if row["arm"] == "answer"]
    assert steps[0] == 0
    assert steps == sorted(steps)
    assert len(steps) > 1
    assert [(each.arm, each.step) for each in found.curve_means] == [("answer", s) for s in steps]
    for row, each in zip(found.curves, found.curve_means, strict=True):
        assert each.accuracy is not None and each.obedience is not None
        assert row["accuracy"] == pytest.approx(each.accuracy.value)
        assert (row["accuracy_n"], "accuracy_gain" in row) == (4, row["step"] > 0)
    assert ("constant_reply", "hacc") in {(floor.role, floor.metric) for floor in found.floors}
    assert found.samples["base"]["raw"]
    page = (out / "report.html").read_text()
    assert "answer" in page
    assert (out / "plane.svg").read_text().startswith("<svg xmlns=")

    touched = {p: p.stat().st_mtime_ns for p in (out / "arms").rglob("*.safetensors")}
    more = plan(
        tmp_path, arms=PLAN["arms"] | {"both": RFT | {"reward": "product", "at_least": 0.5}}
    )
    again = study(more, out=out, say=quiet)
    assert again.found is not None
    assert list(again.found.arms) == ["base", "answer", "both"]
    assert again.found.arms["answer"].minutes == found.arms["answer"].minutes
    assert all(p.stat().st_mtime_ns == at for p, at in touched.items())

    (out / "report.html").unlink()
    finalize(read(out / "study.yaml"), out)
    assert read_study(out) == again.found
    assert (out / "report.html").exists()

    other = plan(tmp_path, arms={"answer": RFT | {"reward": "correct", "epochs": 2}})
    with pytest.raises(TwofoldError, match="with other settings"):
        study(other, out=out, say=quiet)
    with pytest.raises(TwofoldError, match="holds a different run"):
        study(plan(tmp_path, max_tokens=63), out=out, say=quiet)


def test_an_arm_that_fails_leaves_the_others_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = plan(tmp_path, arms={"bad": RFT | {"reward": "joint"}, "answer": PLAN["arms"]["answer"]})
    whole = rft.Rft.train

    def broken(self: rft.Rft, *args: object, **kw: object) -> object:
        if self.reward.name != "correct":
            raise TrainingError("no reply was kept; draw more")
        return whole(self, *args, **kw)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(rft.Rft, "train", broken)
        result = study(two, out=tmp_path / "out", say=quiet)
    assert result.failed == {"bad/0": "no reply was kept; draw more"}
    assert result.found is not None and result.found.arms["bad"].seeds == []
    roles = {measure.role for measure in result.found.finding("test").measures}
    assert roles == {"base", "answer"}  # no zero for what was not measured
    assert any("bad, seed 0 is missing from these numbers" in c for c in result.found.caveats)
    assert Cell("answer", 0).is_finished(two, tmp_path / "out")
    (tmp_path / "out" / "arms" / "bad" / "seed-0").mkdir(parents=True, exist_ok=True)
    assert not study(two, out=tmp_path / "out", say=quiet).failed


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory"),
        OSError("full"),
        KeyError("x"),
        AssertionError(),
        MemoryError(),
    ],
)
def test_whatever_is_raised_fails_the_cell_and_not_the_study(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def broken(self: rft.Rft, *args: object, **kw: object) -> object:
        raise error

    small = plan(tmp_path, train="pocket:2:train", splits={"test": "pocket:2"}, by=[])
    monkeypatch.setattr(rft.Rft, "train", broken)
    result = study(small, out=tmp_path / "out", say=quiet)
    told = f"{type(error).__name__}: {error}"
    assert result.failed == {"answer/0": told}
    assert result.found is not None and not result.found.finding("test").contrasts
    assert finalize(small, tmp_path / "out").failed == result.failed  # also when only reported
    assert "| answer | not scored" not in summary(tmp_path / "out")
    assert "| failed" in summary(tmp_path / "out") and told in summary(tmp_path / "out")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"trl": {"learning_rat": 1}}, "arm late: trl: SFTConfig .* did you mean 'learning_rate'"),
        (
            {"trl": {"max_grad_norm": "much"}},
            "arm late: 'trl.max_grad_norm' should be a valid number",
        ),
        ({"trl": {"weight_decay": -1}}, "arm late: 'trl.weight_decay' should not be negative"),
        ({"trl": {"lr_scheduler_type": "lineal"}}, "arm late: SFTConfig .* refuses these settings"),
        ({"batch": 3, "accumulation": 2}, "arm late: accumulation does not divide"),
        (
            {"method": "sft", "demonstrations": "none.jsonl"},
            "arm late: there is no file none.jsonl",
        ),
        ({"method": "dpo", "pairs": "none.jsonl"}, "arm late: there is no file none.jsonl"),
        ({"method": "cft", "critiques": "none.jsonl"}, "arm late: there is no file none.jsonl"),
        ({"method": "grpo", "reward": {"judge": "exact"}}, "arm late: .* can score none of the"),
    ],
)
def test_an_arm_that_cannot_work_is_refused_before_the_first_is_trained(
    tmp_path: Path, settings: dict[str, object], told: str
) -> None:
    late = {"method": "rft"} | settings
    arms = PLAN["arms"] | {"late": late}  # type: ignore[operator]
    with pytest.raises(TwofoldError, match=told):
        study(plan(tmp_path, arms=arms), out=tmp_path / "out", say=quiet)
    assert not (tmp_path / "out").exists()


def test_a_base_without_chat_template_is_told_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    with pytest.raises(TwofoldError):
        study(plan(tmp_path, base=str(tmp_path / "model")), out=tmp_path / "out", say=quiet)
    assert not (tmp_path / "out" / "arms").exists()


def test_cells_fan_out_over_a_ray_cluster(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    small = plan(tmp_path, seeds=[0, 1], eval_problems=None)
    result = study(small, out=tmp_path / "out", ray="local", say=quiet)
    assert not result.failed
    assert result.found is not None and result.found.arms["answer"].seeds == [0, 1]


def test_a_wrong_ray_address_is_an_error_with_its_remedy(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    with pytest.raises(TwofoldError, match="ray start --head"):
        study(plan(tmp_path), out=tmp_path / "out", ray="127.0.0.1:1", say=quiet)


def test_each_run_trains_on_its_own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train, asked = rft.Rft.train, {}

    def seen(self: rft.Rft, base: str, problems: Sequence[Problem], **rest: Any) -> object:
        asked[self.seed] = {problem.id for problem in problems}
        return train(self, base, problems, **rest)

    wanted = {}
    for seed, split in ((0, "train"), (1, "ood")):
        problems = problem_files.load(f"pocket:24:{split}", profile="fixed")
        wanted[seed] = {problem.id for problem in problems}
        problem_files.write(tmp_path / f"{seed}.jsonl", problems)
    own = RFT | {"reward": "correct", "train": str(tmp_path / "{seed}.jsonl")}
    made = plan(tmp_path, arms={"own": own}, seeds=[0, 1], train=None, eval_problems=None)
    monkeypatch.setattr(rft.Rft, "train", seen)
    done = study(made, out=tmp_path / "out", say=quiet)
    assert not done.failed
    assert asked == wanted
