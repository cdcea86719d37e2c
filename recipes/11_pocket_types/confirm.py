"""`python -m recipes.11_pocket_types.confirm OUT ARM ...`: are the findings there on other problems?

The arms were chosen by what they did on the test problems, so their lead may be luck. Here the same models
are asked problems that nothing was chosen by, three times as many, once sampled and once greedily: part of
a gain at temperature 1 is sharpening (the model does more often what it already preferred), and with greedy
decoding only what it prefers counts.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from twofold import problems as problem_files
from twofold import study

from .problems import N_PER_TYPE, test
from .table import everything, finished, printed

N_NEW = 45
"""New problems of each type."""


def main() -> None:
    """Audit the trained models of some arms on new problems and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m recipes.11_pocket_types.confirm")
    parser.add_argument("out", type=Path, help="a folder of `recipes.11_pocket_types`")
    parser.add_argument("arms", nargs="+", metavar="ARM")
    asked = parser.parse_args()
    out = asked.out
    there = everything(out)
    problem_files.write(out / "data" / "new.jsonl", test(N_PER_TYPE, N_NEW))
    plan = yaml.safe_load((out / "everything.yaml").read_text(encoding="utf-8"))
    for name, temperature in (("sampled", 1.0), ("greedy", 0.0)):
        plan |= {
            "temperature": temperature,
            "splits": {"test": str(out / "data" / "new.jsonl")},
            "arms": {
                arm: {
                    "checkpoints": [
                        str(out / "study" / "arms" / arm / f"seed-{seed}" / "model")
                        for seed in finished(there, out / "study", arm)
                    ]
                }
                for arm in asked.arms
            },
        }
        file = out / f"{name}.yaml"
        file.write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
        study.study(study.read(file), out=out / name)
        print(f"\n{name}\n")
        printed(study.read(file), out / name)


if __name__ == "__main__":
    main()
