"""`python -m recipes.11_pocket_types BASE OUT [--types 16 1 4] [--seeds 0 1 2]`: train and audit the cells.

A cell is a number of trained types, a reward and a seed. The same command goes on where it was stopped;
more numbers of types, or seeds, are added to the same study.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from twofold import problems as problem_files
from twofold import study
from twofold.report.study import summary

from .problems import test, train
from .rules import POOL, trained

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


def plan(base: str, data: Path, types: Sequence[int], seeds: Sequence[int]) -> dict[str, Any]:
    """The plan of the study, as its file has it."""
    arms = {
        f"{reward}_{n}": GRPO | settings | {"train": str(data / f"train-{n}-{{seed}}.jsonl")}
        for n in types
        for reward, settings in REWARDS.items()
    }
    return {
        "base": base,
        "splits": {"test": str(data / "test.jsonl")},
        "by": ["held", "competes"],
        "seeds": list(seeds),
        "temperature": 1.0,
        "max_tokens": 96,
        "arms": arms,
    }


def main() -> None:
    """Write the problems and the plan, run the study and print its table."""
    parser = argparse.ArgumentParser(prog="python -m recipes.11_pocket_types")
    parser.add_argument("base", help="a folder that `recipes.11_pocket_types.base` made")
    parser.add_argument("out", type=Path)
    parser.add_argument("--types", type=int, nargs="+", default=[16, 1, 4, 8, 2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ray", help="spread the cells, as `twofold study --ray`")
    asked = parser.parse_args()
    if odd := [n for n in asked.types if not 1 <= n <= len(POOL)]:
        parser.error(f"{odd[0]} types cannot be trained; give 1 to {len(POOL)}")
    data = asked.out / "data"
    data.mkdir(parents=True, exist_ok=True)
    problem_files.write(data / "test.jsonl", test())
    for n in asked.types:
        for seed in asked.seeds:
            problem_files.write(data / f"train-{n}-{seed}.jsonl", train(trained(n, seed), seed))
    file = asked.out / "plan.yaml"
    made = plan(asked.base, data, asked.types, asked.seeds)
    file.write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")
    study.study(study.read(file), out=asked.out / "study", ray=asked.ray)
    print(summary(asked.out / "study"))


if __name__ == "__main__":
    main()
