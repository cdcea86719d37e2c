"""The SmolLM2 study: are its sets what they claim, its slices slices, its adapters sums?"""

import importlib
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from twofold.models.hf import HfModel
from twofold.problems import synthetic
from twofold.report import study_file
from twofold.scorers import Compliant, Correct
from twofold.types import Problem, Response, Sampling

study = importlib.import_module("recipes.10_smollm2_study")
sets = importlib.import_module("recipes.10_smollm2_study.problems")
command = importlib.import_module("recipes.10_smollm2_study.__main__")
adapters = importlib.import_module("recipes.10_smollm2_study.adapters")
base = importlib.import_module("recipes.10_smollm2_study.base")
untold = importlib.import_module("recipes.10_smollm2_study.untold")
remedies = importlib.import_module("recipes.10_smollm2_study.remedies")

CPU = study.SCALES["cpu"]


@pytest.fixture(autouse=True)
def no_published_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_SHARED", str(tmp_path / "nothing"))


def types(problems: list[Problem]) -> set[str]:
    return {c.name for problem in problems for c in problem.constraints}


def test_nothing_that_is_trained_on_is_asked_in_the_end() -> None:
    learned = [*sets.warm_up(CPU), *sets.train(CPU, (1, 2))]
    asked = sets.splits(CPU, (1, 2))
    assert set(asked) == {"test", "held_out", "ood"}
    steps = {p.tags["steps"] for p in learned if "steps" in p.tags}
    for problems in asked.values():
        assert steps.isdisjoint(p.tags["steps"] for p in problems)
    assert types(learned) == set(sets.SEEN) == types(asked["test"])
    assert types(asked["held_out"]) == set(sets.HELD_OUT)
    assert set(sets.SEEN).isdisjoint(sets.HELD_OUT)
    assert len({p.id for p in learned}) == len(learned)


def test_kinds_come_in_turn() -> None:
    problems = sets.train(CPU, (1, 2))
    for start in range(0, len(problems), 4):
        kinds = [p.tags["kind"] for p in problems[start : start + 4]]
        assert kinds == ["maths", "both", "instruction", "both"]
    for p in problems:
        assert (p.answer is None) == (p.tags["kind"] == "instruction")
        assert len(p.constraints) == (p.tags["kind"] != "maths")
    assert {p.tags["difficulty"] for p in problems if p.answer is not None} == {"1", "2"}


def test_there_are_enough_problems_for_a_gpu() -> None:
    scale = study.SCALES["gpu"]
    problems = sets.train(scale, (1, 2, 3))
    assert len({p.id for p in problems}) == scale.train
    assert {name: len(found) for name, found in sets.splits(scale, (1, 2, 3)).items()} == {
        "test": scale.test,
        "held_out": scale.test,
        "ood": scale.test // 4 * 2,
    }


def test_what_is_out_of_distribution_is_harder_or_told_otherwise() -> None:
    problems = sets.splits(CPU, (1, 2))["ood"]
    half = len(problems) // 2
    assert {p.tags["difficulty"] for p in problems[:half]} == {"3"}
    assert {p.tags["family"] for p in problems[half:]} == {"bus"}
    assert "bus" not in {p.tags["family"] for p in sets.splits(CPU, (1, 2))["test"]}


def test_a_short_obedient_reply_exists_for_every_problem() -> None:
    problems = [p for found in sets.splits(CPU, (1, 2)).values() for p in found]
    texts = [synthetic.obedient_reply(p) for p in problems]
    assert max(len(text.split()) for text in texts) <= CPU.longest
    replies = [Response(raw=t, reply=t) for t in texts]
    for scorer in (Correct(), Compliant("all")):
        assert {v.score for v in scorer(problems, replies)} == {1.0}


def test_every_constraint_binds() -> None:
    problems = [p for found in sets.splits(CPU, (1, 2)).values() for p in found]
    problems += [p for p in sets.train(CPU, (1, 2)) if p.tags["kind"] == "both"]
    texts = [synthetic.solution(p) for p in problems]
    replies = [Response(raw=t, reply=t) for t in texts]
    assert {v.score for v in Compliant("all")(problems, replies)} == {0.0}


def test_demonstrations_are_right_and_two_in_three_obey() -> None:
    problems = [p for p in sets.warm_up(CPU) if p.constraints]
    texts = [base.demonstration(p)["raw"] for p in problems]
    replies = [Response(raw=t, reply=t) for t in texts]
    assert {v.score for v in Correct()(problems, replies)} == {1.0}
    written_to_obey = sum(
        t == synthetic.obedient_reply(p) for p, t in zip(problems, texts, strict=True)
    )
    assert 0.61 < written_to_obey / len(problems) < 0.73  # two thirds, 600 draws


def test_the_gate_keeps_levels_that_can_teach(tmp_path: Path) -> None:
    def level(n: int, solved: int, right: int) -> dict[str, int]:
        return {"level": n, "problems": 16, "solved": solved, "replies": 128, "right": right}

    file = tmp_path / "gate.json"
    # all but always right; half right; 4 of 16 solved, at least 10 % by Wilson; 3 of 16, at least 7 %; none
    file.write_text(
        json.dumps(
            [level(1, 16, 120), level(2, 16, 64), level(3, 4, 4), level(4, 3, 9), level(5, 0, 0)]
        )
    )
    assert base.gate(tmp_path, file, CPU, max_tokens=8) == [2, 3]
    file.write_text(json.dumps([level(1, 16, 128), level(2, 0, 0)]))
    with pytest.raises(ValueError, match="and begin again"):
        base.gate(tmp_path, file, CPU, max_tokens=8)


def test_a_slice_ends_in_time_with_all_that_it_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    beat = tmp_path / "beat"
    child = f"import time,pathlib\nwhile 1: pathlib.Path({str(beat)!r}).touch(); time.sleep(.05)"
    program = f"import subprocess,sys; subprocess.run([sys.executable, '-c', {child!r}])"
    assert command.sliced([sys.executable, "-c", program], 5 / 60) == command.UNFINISHED
    assert "give the same command again" in capsys.readouterr().out
    last = beat.stat().st_mtime
    time.sleep(0.5)
    assert beat.stat().st_mtime == last, "a grandchild goes on"
    assert command.sliced([sys.executable, "-c", "raise SystemExit(3)"], 1) == 3
    same = f"import os, sys; sys.exit(os.getsid(0) != {os.getsid(0)})"
    assert command.sliced([sys.executable, "-c", same], 1) == 0, "its priority is another one"


def test_the_whole_command_at_tiny_scale_and_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("trl")
    scale = study.Scale(
        warm_up=4, probed=1, train=8, test=12, published=None, followed=2, longest=60
    )
    monkeypatch.setitem(study.SCALES, "tiny", scale)
    monkeypatch.setattr(base, "SOLVED", 0.01)  # one problem is no evidence
    monkeypatch.setattr(base, "SPEC", "pocket")  # what is tested is the way, not where it leads
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    place = study.PLACE / "tiny"
    place.mkdir(parents=True)
    row = {"level": 1, "problems": 1, "solved": 1, "replies": 8, "right": 4}
    (place / "gate.json").write_text(json.dumps([row]))
    plan = yaml.safe_load((Path(command.__file__).parent / "cpu.yaml").read_text())
    plan["arms"] = {"sft": plan["arms"]["sft"], "sft_obedient": plan["arms"]["sft_obedient"]}
    plan |= {"base": str(place / "base"), "train": str(place / "data" / "train.jsonl")}
    asked = ("test", "held_out", "gsm8k")  # the last is not at hand
    plan |= {"splits": {s: str(place / "data" / f"{s}.jsonl") for s in asked}}
    plan |= {"seeds": [0], "reference": None, "max_tokens": 8}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(plan, sort_keys=False))
    assert command.whole("tiny", None, tmp_path) == 0
    said = capsys.readouterr().out
    assert "[3/3] sft_obedient, seed 0: done" in said
    assert "gsm8k left out: set TWOFOLD_SHARED" in said
    config = json.loads((place / "base" / "config.json").read_text())
    assert config["dtype"] == "bfloat16"
    found = study_file.read(place / "study")
    assert set(found.arms) == {"base", "sft", "sft_obedient"} and not found.failed
    assert command.whole("tiny", None, tmp_path) == 0
    assert "3 cells, 0 of them to train and audit" in capsys.readouterr().out
    monkeypatch.setitem(study.SCALES, "tiny", replace(scale, test=13))
    with pytest.raises(ValueError, match="was made at another scale"):
        command.whole("tiny", None, tmp_path)
    # the arm of the study as one adapter on what was warmed up
    monkeypatch.setattr(adapters, "SPEC", "pocket")
    adapters.joined(place / "warm_up", place / "study/arms/sft/seed-0/model", tmp_path / "released")
    card = adapters.card(place / "study", "sft", 0)
    assert "| held_out | " in card and "base_model: " in card
    whole = HfModel(str(tmp_path / "released"), use_cache=False)
    assert whole.sample([[{"role": "user", "content": "Who?"}]], Sampling(max_tokens=4))[0][0].raw


def test_a_remedy_takes_the_first_reply_that_obeys() -> None:
    (problem,) = [p for p in sets.splits(CPU, (1, 2))["held_out"] if "no_comma" in p.tags["type"]][
        :1
    ]
    told = remedies.twice(problem)
    wording = problem.constraints[0].instruction()
    assert told.messages()[0]["content"].count(wording) == 2
    texts = ["Well, no.", "First. Then.", "So it is."]
    replies = [Response(raw=t, reply=t) for t in texts]
    assert remedies.first_obedient(problem, replies) is replies[1]
    assert remedies.first_obedient(problem, replies[:1]) is replies[0]
    boxed = Response(raw=f"\\boxed{{{problem.answer}}}", reply=f"\\boxed{{{problem.answer}}}")
    found = remedies.compared([problem] * 2, [replies[0], boxed], [boxed, boxed])
    # the first was wrong and had a comma, the other was right and had none, and so are both now
    for side in ("correct", "compliant_all", "both"):
        assert (found[side].before.value, found[side].after.value) == (0.5, 1.0)


def test_what_is_met_untold_is_no_obedience() -> None:
    told = np.array([[1.0, 1.0, 1.0, 0.0]] * 3)  # three seeds, four problems
    base, arm = told - [[1, 1, 0, 0]] * 3, told - [[1, 1, 1, 0]] * 3
    change, _ = untold.gained(base, arm)
    assert change.value == pytest.approx(-0.25)
    assert change.low < -0.25 < change.high and change.n == 4


def test_two_adapters_are_joined_into_their_sum(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import load_file, save_file

    def written(name: str, rank: int, layer: str = "q") -> Path:
        generator = torch.Generator().manual_seed(rank)
        shapes = {"lora_A": (rank, 6), "lora_B": (4, rank)}
        folder = tmp_path / name
        folder.mkdir()
        save_file(
            {f"{layer}.{k}.weight": torch.randn(s, generator=generator) for k, s in shapes.items()},
            folder / adapters.WEIGHTS,
        )
        config = {"r": rank, "lora_alpha": 2 * rank, "use_dora": False, "target_modules": ["q"]}
        kept = dict.fromkeys(("bias", "fan_in_fan_out", "inference_mode", "task_type"), "none")
        (folder / adapters.CONFIG).write_text(json.dumps(config | kept | {"peft_type": "LORA"}))
        return folder

    def product(folder: Path) -> "torch.Tensor":
        weights = load_file(folder / adapters.WEIGHTS)
        return (weights["q.lora_B.weight"].float() @ weights["q.lora_A.weight"].float()) * 2

    lower, upper = written("lower", 2), written("upper", 3)
    adapters.joined(lower, upper, tmp_path / "sum")
    config = json.loads((tmp_path / "sum" / adapters.CONFIG).read_text())
    assert (config["r"], config["lora_alpha"]) == (5, 10)
    assert config["base_model_name_or_path"] == "smollm2"
    torch.testing.assert_close(
        product(tmp_path / "sum"), product(lower) + product(upper), rtol=0.02, atol=0.05
    )
    with pytest.raises(ValueError, match="different layers"):
        adapters.joined(lower, written("other", 3, layer="k"), tmp_path / "no")
