"""The accelerator side of the SmolLM2 study: is its floor counted right, and does its plan train?"""

import doctest
import importlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from twofold import problems as problem_files
from twofold.study import read

STUDY = Path(__file__).parents[2] / "recipes" / "10_smollm2_study"
phases = importlib.import_module("recipes.10_smollm2_study.phases")
floor = importlib.import_module("recipes.10_smollm2_study.floor")

SMALL = phases.Shape(layers=2, hidden=4, heads=2, kv_heads=1, head_dim=3, intermediate=5, vocab=10)
"""A block has q 4 x 6, k and v 4 x 3, o 6 x 4 and three of 4 x 5: 24 + 12 + 12 + 24 + 60 = 132 weights."""

STEP = phases.Step(prompts=3, replies=2, prompt_tokens=4, reply_tokens=3)


def test_weights_of_a_small_model() -> None:
    assert SMALL.body == 2 * 132
    assert SMALL.head == 40
    assert SMALL.n_weights == 264 + 40 + 5 * 4
    # rank 2: inputs and outputs are 10, 7, 7, 10, 9, 9, 9 wide, 61 in all, in two blocks
    assert SMALL.adapters(2) == 2 * 2 * 61
    assert SMALL.kv_bytes(2) == 2 * 2 * 3 * 2


def test_attention_counts_every_pair_once() -> None:
    pairs = sum(1 for i in range(3) for j in range(5 + 3) if j <= 5 + i)
    assert pairs == 6 + 7 + 8
    # a pair is 2 operations for each of 6 widths, with a key and with a value, in two blocks
    assert SMALL.attention(3, before=5) == 21 * 2 * 2 * 6 * 2


def test_reading_once_a_prompt_and_once_a_reply() -> None:
    once = phases.reading(SMALL, STEP, once_a_prompt=True)
    # 4 tokens through 264 weights, 10 pairs of attention at 48, one token through the head
    a_prompt = 2 * 4 * 264 + 10 * 48 + 2 * 40
    assert once.operations == 3 * a_prompt
    assert once.moved == 2 * 324 + 3 * 4 * 24
    assert phases.reading(SMALL, STEP, once_a_prompt=False).operations == 6 * a_prompt


def test_sampling_reads_the_weights_for_every_token_and_batch() -> None:
    found = phases.sampling(SMALL, STEP)
    # the first token comes with the reading; the two others see 5 and 6 tokens, themselves included
    assert found.operations == 6 * (2 * 2 * (264 + 40) + (5 + 6) * 48)
    assert found.moved == 2 * 2 * 324 + 6 * (5 + 6 + 2) * 24
    fixed = phases.sampling(SMALL, STEP, static=True)
    assert fixed.moved == 2 * 2 * 324 + 6 * (7 + 7 + 2) * 24
    apart = phases.sampling(SMALL, replace(STEP, at_once=4))
    assert apart.moved - found.moved == 2 * 2 * 324


@pytest.mark.parametrize(
    ("changed", "body", "head", "attention", "adapters"),
    [
        ({}, 3, 3, 3, 0),
        ({"checkpointing": True}, 4, 3, 4, 0),
        ({"lora": 2}, 2, 2, 3, 3),
        ({"lora": 2, "checkpointing": True}, 3, 2, 4, 4),
    ],
)
def test_update_by_kind(
    changed: dict[str, object], body: int, head: int, attention: int, adapters: int
) -> None:
    found = phases.update(SMALL, replace(STEP, **changed))
    # 7 tokens through the blocks, 3 through the head, 28 pairs
    one = body * 2 * 7 * 264 + head * 2 * 3 * 40 + attention * 28 * 48 + adapters * 2 * 7 * 244
    assert found.operations == 6 * one


def test_padding_and_kept_replies_scale_the_update() -> None:
    whole = phases.update(SMALL, STEP).operations
    assert phases.update(SMALL, replace(STEP, padding=0.25)).operations == pytest.approx(
        whole / 0.75
    )
    assert phases.update(SMALL, replace(STEP, learned=0.5)).operations == pytest.approx(whole / 2)


def test_optimizer_and_memory() -> None:
    assert phases.optimizer(SMALL, STEP).moved == 28 * 324
    assert phases.optimizer(SMALL, replace(STEP, lora=2, updates=3)).moved == 3 * 28 * 244
    held = floor.memory(SMALL, replace(STEP, checkpointing=True), pieces=2)
    assert held == {
        "weights": 4 * 324,
        "gradients and moments": 12 * 324,
        "activations": 6 * 7 / 2 * (2 * 4 * 2),
        "cache": 6 * 7 * 24,
    }


def test_a_phase_takes_the_longer_of_the_two() -> None:
    machine = phases.Machine(name="m", operations=100.0, bandwidth=10.0)
    assert phases.Work(phase="a", operations=200, moved=10).seconds(machine) == 2.0
    assert phases.Work(phase="a", operations=100, moved=40).seconds(machine) == 4.0


def test_this_machine_is_measured() -> None:
    pytest.importorskip("torch")
    found = floor.measured_machine(size=256, repeats=2)
    assert 1e8 < found.operations < 1e14
    assert 1e8 < found.bandwidth < 1e13


@pytest.mark.parametrize("module", [phases, floor])
def test_examples_run(module: Any) -> None:
    assert doctest.testmod(module).failed == 0


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))


def tiny_plan(folder: Path) -> dict[str, Any]:
    """`gpu.yaml` with the pocket model as its base and tiny files in place of its own."""
    values: dict[str, Any] = yaml.safe_load((STUDY / "gpu.yaml").read_text())
    values |= {"base": "pocket", "by": ["competes"]}
    places = ["train", *values["splits"], "eval_problems"]
    for place in places:
        split = "train" if place == "train" else "test"
        made = problem_files.load(f"pocket:8:{split}", profile="fixed")
        problem_files.write(folder / f"{place}.jsonl", made)
    assert values["train"] == "runs/smollm2/gpu/data/train.jsonl"
    for name, spec in values["splits"].items():
        assert spec == f"runs/smollm2/gpu/data/{name}.jsonl"
        values["splits"][name] = str(folder / f"{name}.jsonl")
    return values | {n: str(folder / f"{n}.jsonl") for n in ("train", "eval_problems")}


def test_the_plan_is_read(tmp_path: Path) -> None:
    file = tmp_path / "gpu.yaml"
    file.write_text(yaml.safe_dump(tiny_plan(tmp_path), sort_keys=False))
    plan = read(file)
    assert plan.seeds == (0, 1, 2)
    assert list(plan.splits) == ["test", "held_out", "ood", "gsm8k", "mathif", "ifeval"]
    rewards = {arm.name: arm.settings.get("reward") for arm in plan.arms}
    assert rewards == {
        "sft": None,
        "cft": None,
        "rft_answer_only": "correct",
        "rft_joint": "soft_gate",
        "rft_compliance": "compliant_all",
        "grpo_answer_only": "correct",
        "grpo_joint": "soft_gate",
        "grpo_product": "product",
        "grpo_weighted_sum": "weighted_sum",
        "grpo_compliance": "compliant",
        "grpo_answer_only_full": "correct",
        "grpo_joint_full": "soft_gate",
    }
    for arm in plan.arms:
        assert (arm.settings["lora"] is None) == arm.name.endswith("_full")
        if arm.settings["method"] == "grpo":
            assert arm.settings["batch"] * arm.settings["num_generations"] == 512


TINY = {
    "batch": 2,
    "save_steps": 1,
    "steps": 2,
    "num_generations": 4,
    "accumulation": 2,
    "max_completion_length": 64,
    "rounds": 1,
    "epochs": 1,
    "warmup_steps": 0,
    "precheck_problems": 0,
}
"""The sizes; every other setting of an arm stays as the plan has it."""


@pytest.mark.parametrize(
    "arm", ["sft", "cft", "rft_answer_only", "grpo_joint", "grpo_answer_only_full"]
)
def test_every_kind_of_arm_trains(arm: str, tmp_path: Path) -> None:
    pytest.importorskip("trl")
    plan = tiny_plan(tmp_path)
    settings = plan["arms"][arm]
    known = {*settings, "precheck_problems"} if settings["method"] == "grpo" else set(settings)
    plan["arms"] = {arm: settings | {k: v for k, v in TINY.items() if k in known}}
    plan["reference"] = None
    file = tmp_path / "gpu.yaml"
    file.write_text(yaml.safe_dump(plan, sort_keys=False))
    (read_arm,) = read(file).arms
    asked = problem_files.load(plan["train"], profile="fixed")
    done = read_arm.method.train("pocket", asked[:8], out=tmp_path / "run")
    assert done.n_steps >= 1
    weights = "model" if arm.endswith("_full") else "adapter_model"
    assert (done.folder / f"{weights}.safetensors").exists()
    history = json.loads((done.folder / "trainer_state.json").read_text())["log_history"]
    assert max(row["grad_norm"] for row in history if "grad_norm" in row) > 0
