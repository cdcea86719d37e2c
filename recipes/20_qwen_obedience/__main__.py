"""`python -m recipes.20_qwen_obedience [cpu|full] --base MODEL [--out DIR] [--minutes N]`: all, or a slice.

Every step is saved and done once: the problem files, the released model's own right replies, the warm-up,
every cell of the study, seed by seed, and last all finished models on the published prompts that the plan
leaves out. With `--minutes 9` the work stops after nine minutes; the same command continues it (exit
code 75: it is not finished).
"""

from __future__ import annotations

import argparse
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from twofold import problems as problem_files
from twofold import study
from twofold.errors import ProblemError
from twofold.report.study import summary
from twofold.storage.jsonl import replaced
from twofold.types import Problem

from . import PLACE, SCALES, Scale, more_pairs, published
from .problems import REMEDY, files
from .rules import PUBLISHED, SPLITS
from .warm_up import own_right, warmed_up

HERE = Path(__file__).parent


def written(place: Path, scale: Scale) -> dict[str, list[Problem]]:
    """The problems of every file under `place`/data, written once.

    Raises:
        ProblemError: If they were made at another scale, or by another version of this recipe.
    """
    found = files(scale)
    for name, problems in found.items():
        file = place / "data" / f"{name}.jsonl"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            problem_files.write(file, problems)
        there = problem_files.load(str(file), profile="fixed")
        if [p.id for p in there] != [p.id for p in problems]:
            raise ProblemError(
                f"{file} was made at another scale or by another version of the recipe; give another --out"
            )
    return found


def planned(file: Path, place: Path, base: str) -> study.Plan:
    """The plan with its folder and the released model filled in, without splits whose data are absent."""
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    usual = str(PLACE / file.stem)
    text = yaml.safe_dump(values, sort_keys=False)
    values = yaml.safe_load(text.replace(usual, str(place)).replace("RELEASED", base))
    values["splits"] = {n: spec for n, spec in values["splits"].items() if Path(spec).exists()}
    with replaced(place / "plan.yaml") as out:
        yaml.safe_dump(values, out, sort_keys=False)
    return study.read(place / "plan.yaml")


def whole(name: str, base: str, place: Path, plans: Path = HERE) -> int:
    """Run what is not done yet; the exit code is 3 if a cell failed, as for `twofold study`."""
    scale = SCALES[name]
    found = written(place, scale)
    if absent := [split for split in SPLITS if split not in found]:
        _said(f"{', '.join(absent)} left out: {REMEDY}")
    n_right = own_right(base, found["train"], scale, place / "own_right.jsonl")
    n_pairs = more_pairs.written(found["train"], place / "own_right.jsonl", place)
    _said(
        f"{n_right} own right replies to {len(found['train'])} bare problems, {n_pairs} edited ones; warm-up"
    )
    warmed_up(base, found["shown"], scale, place)
    plan = planned(plans / f"{name}.yaml", place, base)
    result = study.study(plan, out=place / "study", say=_said)
    print(summary(place / "study"))
    if last := [split for split in PUBLISHED if split in found and split not in plan.splits]:
        published.asked(place, base, last, scale, published.trained(place))
        print(published.table(place))
    return 3 if result.failed else 0


def _said(line: str) -> None:
    print(time.strftime("%H:%M:%S"), line, flush=True)


def main() -> int:
    """Read the command line and run the study or a slice."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    parser.add_argument("scale", nargs="?", choices=list(SCALES), default="cpu")
    parser.add_argument("--base", required=True, help="a .gguf file, a folder or a hub id")
    parser.add_argument("--out", type=Path, help=f"the folder [default: {PLACE}/SCALE]")
    parser.add_argument(
        "--minutes", type=float, help="stop after this many minutes [default: run to the end]"
    )
    said = parser.parse_args()
    place = said.out or PLACE / said.scale
    if said.minutes is None:
        return whole(said.scale, said.base, place)
    command = [sys.executable, "-m", str(__package__), said.scale, "--base", said.base]
    sliced: Any = import_module("recipes.10_smollm2_study.__main__").sliced
    return int(sliced([*command, "--out", str(place)], said.minutes))


if __name__ == "__main__":
    sys.exit(main())
