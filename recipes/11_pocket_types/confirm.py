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
from .table import finished, table

N_NEW = 45
"""New problems of each type."""

TEMPERATURES = {"sampled": 1.0, "greedy": 0.0}


def main() -> None:
    """Audit the trained models of some arms on new problems and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m recipes.11_pocket_types.confirm")
    parser.add_argument("out", type=Path, help="a folder of `recipes.11_pocket_types`")
    parser.add_argument("arms", nargs="+", metavar="ARM")
    asked = parser.parse_args()
    out, new = asked.out, test(N_PER_TYPE, N_NEW)
    problem_files.write(out / "data" / "new.jsonl", new)
    models = out / "study" / "arms"
    plan = {
        "base": yaml.safe_load((out / "plan.yaml").read_text(encoding="utf-8"))["base"],
        "splits": {"test": str(out / "data" / "new.jsonl")},
        "seeds": finished(out / "study", "base"),
        "max_tokens": 96,
        "arms": {
            arm: {
                "checkpoints": [
                    str(models / arm / f"seed-{seed}" / "model")
                    for seed in finished(out / "study", arm)
                ]
            }
            for arm in asked.arms
        },
    }
    for name, temperature in TEMPERATURES.items():
        file = out / f"{name}.yaml"
        made = plan | {"temperature": temperature}
        file.write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")
        study.study(study.read(file), out=out / name)
        print(f"\n{name}\n\n{table(new, out / name)}")


if __name__ == "__main__":
    main()
