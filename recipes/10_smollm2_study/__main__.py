"""`python -m recipes.10_smollm2_study [cpu|gpu] [--minutes N]`: the whole study, or a slice of it.

Every step is saved and done once: the warm-up, the choice of levels, the problem files, then every cell of
the study. With `--minutes 9` the work stops after nine minutes; the same command continues it.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import yaml
from accelerate import PartialState

from twofold import problems as problem_files
from twofold import study
from twofold.report.study import summary
from twofold.storage.jsonl import replaced

from . import PLACE, SCALES, Scale
from .base import gate, merged, warmed_up
from .problems import followed, splits, train

UNFINISHED = 75
"""Exit code of a slice that was stopped: run the same command again."""


def prepared(place: Path, scale: Scale, *, max_tokens: int) -> None:
    """Make the base and the problem files once.

    Raises:
        ValueError: If existing files were made at another scale or by another version of this recipe.
    """
    adapter = warmed_up(place, scale)
    with PartialState().main_process_first():
        base = merged(adapter, place / "base")
    levels = gate(base, place / "gate.json", scale, max_tokens=max_tokens)
    files = {"train": train(scale, levels), "eval_problems": followed(scale, levels)}
    files |= splits(scale, levels)
    with PartialState().main_process_first():
        for name, problems in files.items():
            file = place / "data" / f"{name}.jsonl"
            if not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                problem_files.write(file, problems)
            kept = problem_files.load(str(file), profile="fixed")
            if [p.id for p in kept] != [p.id for p in problems]:
                raise ValueError(
                    f"{file} was made at another scale or by another version of the recipe; keep it under "
                    f"another name, or delete {place} and begin again"
                )


def planned(file: Path, place: Path) -> study.Plan:
    """The plan, without the published splits if the benchmark files are absent."""
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    absent = [name for name, spec in values["splits"].items() if not Path(spec).exists()]
    if absent:
        _said(
            f"{', '.join(absent)} left out: set TWOFOLD_SHARED to a folder with `data/gsm8k`, `data/mathif` "
            "and `data/ifeval` before the first run to have them"
        )
    values["splits"] = {n: spec for n, spec in values["splits"].items() if n not in absent}
    with PartialState().main_process_first(), replaced(place / "plan.yaml") as out:
        yaml.safe_dump(values, out, sort_keys=False)
    return study.read(place / "plan.yaml")


def whole(name: str, ray: str | None, plans: Path = Path(__file__).parent) -> int:
    """Run what is not done yet; the exit code is 3 if a cell failed, as for `twofold study`."""
    place = PLACE / name
    prepared(place, SCALES[name], max_tokens=96)
    plan = planned(plans / f"{name}.yaml", place)
    result = study.study(plan, out=place / "study", ray=ray, say=_said)
    print(summary(place / "study"))
    return 3 if result.failed else 0


def sliced(command: list[str], minutes: float) -> int:
    """Run a command, and kill it and its children when the time is over.

    They are a group of processes and no session of their own, which Linux would give the usual priority.
    """
    child = subprocess.Popen(command, process_group=0)
    signal.signal(signal.SIGTERM, _ended)  # killed: take the child along
    try:
        return child.wait(timeout=60 * minutes)
    except subprocess.TimeoutExpired:
        print(f"the slice of {minutes:g} minutes is over; give the same command again")
        return UNFINISHED
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)  # safe: runs are resumable
            child.wait()


def _ended(*_: object) -> None:
    sys.exit(UNFINISHED)


def _said(line: str) -> None:
    print(time.strftime("%H:%M:%S"), line, flush=True)


def main() -> int:
    """Read the command line and run the study or a slice."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description=__doc__)
    parser.add_argument("scale", nargs="?", choices=list(SCALES), default="cpu")
    parser.add_argument(
        "--minutes", type=float, help="stop after this many minutes [default: run to the end]"
    )
    parser.add_argument("--ray", help="spread the cells, as `twofold study --ray`")
    said = parser.parse_args()
    if said.minutes is None:
        return whole(said.scale, said.ray)
    command = [sys.executable, "-m", str(__package__), said.scale]
    return sliced(command + (["--ray", said.ray] if said.ray else []), said.minutes)


if __name__ == "__main__":
    sys.exit(main())
