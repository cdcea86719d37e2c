"""Training curves that must come out the same: against a plain loop, cut in pieces, by any reward."""

import importlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("trl")

import torch

from twofold.methods import Grpo, Sft
from twofold.methods.trl.runner import TrlRunner
from twofold.methods.trl.trainable_model import TrainableModel
from twofold.problems import load
from twofold.types import Problem

RANDOM = importlib.import_module("recipes.00_pocket_study.random_reward").RandomReward()
PROBLEMS = load("synthetic:8:train", profile="fixed")


def losses(folder: Path) -> list[float]:
    rows = json.loads((folder / "trainer_state.json").read_text())["log_history"]
    return [row["loss"] for row in rows if "loss" in row]


@pytest.fixture
def sft(tmp_path: Path) -> Sft:
    lines = [{"problem": p.id, "raw": f"it is {p.answer}"} for p in PROBLEMS]
    file = tmp_path / "demonstrations.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return Sft(demonstrations=file, learning_rate=1e-3, epochs=5, batch=8)


def plain_curve(base: Path, method: Sft, steps: int, out: Path) -> list[float]:
    """The same training in twenty lines of torch: AdamW, clipping at 1, loss on the replies' tokens."""
    rows = list(TrlRunner(method, str(base), method.rows(PROBLEMS), out=out).tokens())
    network = TrainableModel(str(base), lora=None).network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=method.learning_rate, weight_decay=0.0)
    found = []
    for _ in range(steps):
        total, count = torch.zeros(()), 0
        for row in rows:
            ids = torch.tensor([row["input_ids"]])
            learned = torch.tensor(row["completion_mask"][1:], dtype=torch.bool)
            logits = network(ids).logits[0, :-1].float()
            each = torch.nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none")
            total, count = total + each[learned].sum(), count + int(learned.sum())
        loss = total / count
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        found.append(loss.item())
    return found


def test_sft_is_what_a_plain_loop_does(tiny: Path, sft: Sft, tmp_path: Path) -> None:
    sft.train(str(tiny), PROBLEMS, out=tmp_path / "run")
    expected = plain_curve(tiny, sft, 5, tmp_path / "plain")
    assert losses(tmp_path / "run") == pytest.approx(expected, rel=1e-3)
    assert expected[-1] < expected[0]


def test_batch_8_is_4_twice_and_2_four_times(tiny: Path, sft: Sft, tmp_path: Path) -> None:
    curves = []
    for pieces in (1, 2, 4):
        sft_in_pieces = replace(sft, accumulation=pieces)
        sft_in_pieces.train(str(tiny), PROBLEMS, out=tmp_path / str(pieces))
        curves.append(losses(tmp_path / str(pieces)))
    assert curves[1] == pytest.approx(curves[0], rel=1e-4)
    assert curves[2] == pytest.approx(curves[0], rel=1e-4)


def test_grpo_in_pieces_has_the_same_gradients(tiny: Path, tmp_path: Path) -> None:
    """The replies of the first step are drawn before any update, so its gradient must agree."""
    norms = []
    asked = [Problem(question=f"what is {n}", answer=str(n)) for n in ("two", "ten", "six", "one")]
    for pieces in (1, 2):
        grpo = Grpo(
            reward=RANDOM, steps=1, batch=4, num_generations=4, max_completion_length=8,
            learning_rate=1e-3, precheck_problems=0, accumulation=pieces,
        )  # fmt: skip
        grpo.train(str(tiny), asked, out=tmp_path / str(pieces))
        rows = json.loads((tmp_path / str(pieces) / "trainer_state.json").read_text())[
            "log_history"
        ]
        norms.append(rows[0]["grad_norm"])
    assert norms[0] > 0
    assert norms[1] == pytest.approx(norms[0], rel=1e-3)
