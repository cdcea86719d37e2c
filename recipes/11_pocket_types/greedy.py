"""`python -m recipes.11_pocket_types.greedy OUT ARM ...`: the same audits without sampling.

Part of a gain at temperature 1 may be sharpening: the model does more often what it already preferred. With
greedy decoding only what it prefers counts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from twofold import study
from twofold.report.study import summary


def main() -> None:
    """Audit the trained models of some arms at temperature 0 and print the table."""
    parser = argparse.ArgumentParser(prog="python -m recipes.11_pocket_types.greedy")
    parser.add_argument("out", type=Path, help="a folder of `recipes.11_pocket_types`")
    parser.add_argument("arms", nargs="+", metavar="ARM")
    asked = parser.parse_args()
    out = asked.out
    plan = yaml.safe_load((out / "plan.yaml").read_text(encoding="utf-8"))
    plan |= {
        "temperature": 0,
        "arms": {
            arm: {
                "checkpoints": [
                    str(out / "study" / "arms" / arm / f"seed-{seed}" / "model")
                    for seed in plan["seeds"]
                    if (out / "study" / "arms" / arm / f"seed-{seed}" / "cell.json").exists()
                ]
            }
            for arm in asked.arms
        },
    }
    file = out / "greedy.yaml"
    file.write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
    study.study(study.read(file), out=out / "greedy")
    print(summary(out / "greedy"))


if __name__ == "__main__":
    main()
