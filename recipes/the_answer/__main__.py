"""`python -m recipes.the_answer [OUT] [--seeds N ...]`: train every method, audit all, print the table.

The same command goes on where it was stopped; seeds may be added. First what is trained, then what is made of
the trained models.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from twofold import study

from . import costs
from .arms import BASE, plan
from .derived import derived
from .table import table

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m recipes.the_answer")
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/the_answer"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ray", help="spread the cells, as `twofold study --ray`")
    asked = parser.parse_args()
    file = plan(asked.out / "plan.yaml", asked.seeds)
    study.study(study.read(file), out=asked.out / "study", ray=asked.ray)
    file = plan(file, asked.seeds, derived=derived(asked.out, asked.seeds))
    study.study(study.read(file), out=asked.out / "study", ray=asked.ray)
    costs.note(BASE, asked.out)
    print(table([asked.out / "study"], costs.read(asked.out), costs.n_weights(BASE)))
