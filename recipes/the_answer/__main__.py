"""`python -m recipes.the_answer [OUT] [--seeds N ...]`: train every method, audit all, print the table.

The same command goes on where it was stopped; seeds may be added. First what is trained, then what is made of
the trained models. `--as-saved` is for an unpacked archive, which has no weights: it trains and audits arms
that are new, and those that are made of trained ones stay as the saved plan names them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from twofold import study

from . import costs
from .arms import BASE, made_before, plan
from .derived import derived
from .table import table

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m recipes.the_answer")
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/the_answer"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--ray", help="spread the cells, as `twofold study --ray`")
    parser.add_argument("--as-saved", action="store_true", help="add trained arms to an archive")
    asked = parser.parse_args()
    file = asked.out / "plan.yaml"
    if asked.as_saved:
        made = made_before(file)
    else:
        plan(file, asked.seeds)
        study.study(study.read(file), out=asked.out / "study", ray=asked.ray)
        made = derived(asked.out, asked.seeds)
    plan(file, asked.seeds, derived=made)
    study.study(study.read(file), out=asked.out / "study", ray=asked.ray)
    costs.note(BASE, asked.out)
    print(table([asked.out / "study"], costs.read(asked.out), costs.n_weights(BASE)))
