"""`python -m recipes.11_pocket_types.confirm OUT ARM ...`: are the findings there on other problems?

The arms were chosen by what they did on the test problems, so their lead may be luck. Here the same models
are asked problems that nothing was chosen by, three times as many. And part of a gain at temperature 1 is
sharpening: the model does more often what it already preferred. Two controls: the base *cooled*, until it is
about as accurate as the arms, and all of them decoded greedily, where only what they prefer counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from twofold import problems as problem_files
from twofold import study
from twofold.models import resolve
from twofold.runs.audit import audit
from twofold.study.plan import BASE
from twofold.types import Problem, Sampling

from .problems import N_PER_TYPE, test
from .table import finished, table

N_NEW = 45
"""New problems of each type."""

COOLED = 0.6
"""The temperature at which the base is about as accurate as the arms are at 1."""


def main() -> None:
    """Audit the trained models of some arms on new problems and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m recipes.11_pocket_types.confirm")
    parser.add_argument("out", type=Path, help="a folder of `recipes.11_pocket_types`")
    parser.add_argument("arms", nargs="+", metavar="ARM")
    asked = parser.parse_args()
    out, new = asked.out, test(N_PER_TYPE, N_NEW)
    problem_files.write(out / "data" / "new.jsonl", new)
    models = out / "study" / "arms"
    base = yaml.safe_load((out / "plan.yaml").read_text(encoding="utf-8"))["base"]
    plan = {
        "base": base,
        "splits": {"test": str(out / "data" / "new.jsonl")},
        "seeds": finished(out / "study", "base"),
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
    audited(out / "sampled", plan | {"temperature": 1.0, "max_tokens": 96})
    cooled(out / "cooled", base, new)
    # In capitals a reply takes twice the tokens; at 96, many of one arm were cut and counted as met.
    audited(out / "greedy", plan | {"temperature": 0.0, "max_tokens": 192})
    print(f"\nsampled\n\n{table(new, out / 'sampled')}")
    print(f"\nagainst the base at {COOLED}\n\n{table(new, out / 'sampled', out / 'cooled')}")
    print(f"\ngreedy\n\n{table(new, out / 'greedy')}")


def audited(out: Path, plan: dict[str, Any]) -> None:
    """Audit the base and the arms as a study of checkpoints."""
    file = out.with_suffix(".yaml")
    file.write_text(yaml.safe_dump(plan, sort_keys=False), encoding="utf-8")
    study.study(study.read(file), out=out)


def cooled(out: Path, base: str, problems: Sequence[Problem]) -> None:
    """Audit the base at a lower temperature, with three seeds."""
    for seed in range(3):
        folder = out / "arms" / BASE / f"seed-{seed}"
        sampling = Sampling(max_tokens=96, temperature=COOLED)
        audit(resolve(base), problems, sampling=sampling, seed=seed, out=folder / "test")
        (folder / "cell.json").write_text("{}", encoding="utf-8")


if __name__ == "__main__":
    main()
