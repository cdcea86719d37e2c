"""`python -m recipes.11_pocket_types BASE OUT [--arms soft_gate_4 ...]`: train and audit the cells.

An arm is a reward and a number of trained types; a cell is an arm with a seed. The same command goes on
where it was stopped; other arms or seeds are added to those that OUT has, and `table` reads them all.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from twofold import problems as problem_files
from twofold import study
from twofold.report.study import summary

from .problems import test, train
from .rules import trained

GRPO = {
    "method": "grpo",
    "steps": 60,
    "batch": 12,
    "num_generations": 8,
    "max_completion_length": 96,
    "learning_rate": 2e-4,
    "warmup_steps": 6,
    "save_steps": 60,
}

REWARDS: dict[str, dict[str, Any]] = {
    "answer_only": {"reward": "correct"},
    "soft_gate": {"reward": "soft_gate"},
    "graded": {"reward": "soft_gate_graded"},
    "product": {"reward": "product"},
    "contrast": {"reward": "soft_gate", "contrast": True},
}


N_TYPES = (1, 2, 4, 8, 16)

ARMS = [f"{reward}_{n}" for n in N_TYPES for reward in REWARDS]


def n_types(arm: str) -> int:
    """How many types an arm trains on."""
    return int(arm.rpartition("_")[2])


def settings(arm: str, data: Path) -> dict[str, Any]:
    """The settings of an arm, as the plan has them."""
    reward = REWARDS[arm.rpartition("_")[0]]
    return GRPO | reward | {"train": str(data / f"train-{n_types(arm)}-{{seed}}.jsonl")}


def written(file: Path, base: str, arms: Sequence[str], seeds: Sequence[int]) -> Path:
    """Write the plan of a study, and its problems into the folder `data` beside it."""
    data = file.parent / "data"
    data.mkdir(parents=True, exist_ok=True)
    problem_files.write(data / "test.jsonl", test())
    for n, seed in product({n_types(arm) for arm in arms}, seeds):
        problem_files.write(data / f"train-{n}-{seed}.jsonl", train(trained(n, seed), seed))
    made = {
        "base": base,
        "splits": {"test": str(data / "test.jsonl")},
        "by": ["held", "competes"],
        "seeds": list(seeds),
        "temperature": 1.0,
        "max_tokens": 96,
        "arms": {arm: settings(arm, data) for arm in arms},
    }
    file.write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")
    return file


def main() -> None:
    """Write the problems and the plan, run the study and print its table."""
    parser = argparse.ArgumentParser(prog="python -m recipes.11_pocket_types")
    parser.add_argument("base", help="a folder that `recipes.11_pocket_types.base` made")
    parser.add_argument("out", type=Path)
    parser.add_argument("--arms", nargs="+", default=ARMS, choices=ARMS, metavar="REWARD_N")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ray", help="spread the cells, as `twofold study --ray`")
    asked = parser.parse_args()
    file = written(asked.out / "plan.yaml", asked.base, asked.arms, asked.seeds)
    study.study(study.read(file), out=asked.out / "study", ray=asked.ray)
    print(summary(asked.out / "study"))


if __name__ == "__main__":
    main()
