"""`python -m recipes.the_answer [OUT] [--seeds N ...]`: train every method, audit all, print the table.

The same command goes on where it was stopped; seeds may be added.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from twofold import study

from .arms import plan

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m recipes.the_answer")
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/the_answer"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    asked = parser.parse_args()
    file = plan(asked.out / "plan.yaml", asked.seeds)
    study.study(study.read(file), out=asked.out / "study")
