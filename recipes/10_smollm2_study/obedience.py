"""`python -m recipes.10_smollm2_study.obedience [--ray local]`: the saved adapters, audited with obedience.

No weight is trained. The problems are those that the study made, since the levels that its base could solve
are known; half of its test split is in `adapters/test.jsonl`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from twofold import problems as problem_files
from twofold import study
from twofold.report.study import summary

from . import PLACE, SCALES
from .base import merged
from .problems import splits

SOLVABLE = (1, 2, 3)
"""Levels at which the base's pass@8 is over 10 %, as the study measured them."""

FOLDER = PLACE / "obedience"


def main() -> None:
    """Write the problems, merge and audit the adapters and print the table; finished parts are kept."""
    parser = argparse.ArgumentParser(prog="python -m recipes.10_smollm2_study.obedience")
    parser.add_argument("--ray", help="spread the cells, as `twofold study --ray`")
    ray = parser.parse_args().ray
    plan = Path(__file__).with_suffix(".yaml")
    found = splits(SCALES["cpu"], SOLVABLE)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in ("test", "held_out", "ood"):
        problem_files.write(FOLDER / f"{name}.jsonl", found[name])
    for name in ("base", "sft", "sft_obedient"):  # in bfloat16, as the study audited them
        merged(Path(__file__).parent / "adapters" / name, FOLDER / name)
    study.study(study.read(plan), out=FOLDER / "study", ray=ray)
    print(summary(FOLDER / "study"))


if __name__ == "__main__":
    main()
