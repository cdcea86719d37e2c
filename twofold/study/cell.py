"""One arm with one seed: train it, audit it on every split. What a study is made of.

A cell's folder holds the trained model and one run directory a split, each of them complete in
itself (`twofold report` works on it). A cell that was stopped goes on where it was; a finished one
has `cell.json` and is not touched again.
"""

from __future__ import annotations

import gc
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast, final

from twofold.diagnostics import diagnostics_named
from twofold.errors import TwofoldError
from twofold.models import resolve
from twofold.runs.audit import audit
from twofold.storage.jsonl import replaced
from twofold.study.plan import BASE, Plan, StudyError


@final
@dataclass(frozen=True)
class Cell:
    """An arm and a seed.

    Args:
        arm: The arm's name; `BASE` is trained by nothing.
        seed: Of its training and of its audits.
    """

    arm: str
    seed: int

    def folder(self, out: Path) -> Path:
        """Where it lies in a study's folder."""
        return out / "arms" / self.arm / f"seed-{self.seed}"

    def is_finished(self, plan: Plan, out: Path) -> bool:
        """Whether it is trained and audited, as the plan wants it.

        Raises:
            StudyError: If the folder holds an arm of this name that was made otherwise.
        """
        file = self.folder(out) / "cell.json"
        if not file.exists():
            return False
        there = json.loads(file.read_text(encoding="utf-8"))
        if there["settings"] != self.settings(plan):
            raise StudyError(
                f"{self.folder(out)} holds an arm {self.arm} with other settings "
                f"({there['settings']}); call the new one otherwise, or choose another --out"
            )
        asked = diagnostics_named(plan.diagnostics)
        split = self.folder(out) / plan.headline
        return all((split / f"{each.table}.jsonl").exists() for each in asked)

    def settings(self, plan: Plan) -> str:
        """What decides the cell besides the study's identity; "" for the base."""
        return "" if self.arm == BASE else repr(plan.arm(self.arm).method)


def cells(plan: Plan) -> list[Cell]:
    """All cells, a seed after the other: a study that is stopped has whole comparisons."""
    names = [BASE, *(arm.name for arm in plan.arms)]
    return [Cell(name, seed) for seed in plan.seeds for name in names]


def work(plan: Plan, cell: Cell, out: Path, say: Callable[[str], None] = print) -> str | None:
    """Train and audit a cell.

    Args:
        plan: The study.
        cell: Which of its cells.
        out: The study's folder.
        say: Takes a line of progress.

    Returns:
        Why it failed, where it did: the other arms of a study go on without it.
    """
    folder = cell.folder(out)
    started, fresh = time.monotonic(), not folder.exists()
    try:
        model = _trained(plan, cell, folder, say)
        trained = time.monotonic()
        for split in plan.splits:
            audit(
                resolve(model),
                plan.problems(split),
                sampling=plan.sampling,
                n=plan.samples,
                seed=cell.seed,
                out=folder / split,
                diagnostics=diagnostics_named(plan.diagnostics) if split == plan.headline else (),
            )
    except TwofoldError as error:
        return str(error)
    except (
        RuntimeError,
        ValueError,
        OSError,
    ) as error:  # out of memory, a full disk, TRL's refusals
        return f"{type(error).__name__}: {error}"
    finally:
        gc.collect()
    done = {
        "settings": cell.settings(plan),
        "minutes": (trained - started) / 60 if fresh else None,
        "audit_minutes": (time.monotonic() - trained) / 60 if fresh else None,
    }
    if os.environ.get("RANK", "0") == "0":
        with replaced(folder / "cell.json") as file:
            json.dump(done, file, indent=1)
    return None


def _trained(plan: Plan, cell: Cell, folder: Path, say: Callable[[str], None]) -> str:
    """The MODEL to audit: the base itself, or what the arm makes of it."""
    if cell.arm == BASE:
        return plan.base
    method: Any = replace(cast(Any, plan.arm(cell.arm).method), seed=cell.seed)
    say(f"{cell.arm}, seed {cell.seed}: training")
    eval_problems = plan.load(plan.eval_problems) if plan.eval_problems else ()
    done = method.train(
        plan.base,
        plan.load(plan.train),
        out=folder / "model",
        eval_problems=eval_problems,
    )
    return str(done.folder)
