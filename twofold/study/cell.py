"""How is one arm trained and audited with one seed?

The folder of a cell holds the trained model and a complete run directory per split. A stopped cell
resumes; a finished one has `cell.json` and is not touched again.
"""

import gc
import json
import logging
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast, final

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from twofold.errors import TwofoldError
from twofold.models import resolve
from twofold.runs.audit import audit
from twofold.storage.jsonl import replaced
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.study.plan import BASE, Plan, StudyError
from twofold.types import Share


class Done(TypedDict):
    """The content of `cell.json`."""

    settings: str
    minutes: float | None
    audit_minutes: float | None


_DONE = TypeAdapter(Done)


def read(file: Path) -> Done:
    """The content of a `cell.json`; a StudyError if it is corrupt."""
    remedy = "delete it, and the same command audits the cell again from what is saved"
    return InputFile(file, StudyError, remedy, is_ours=True).json(_DONE)


_log = logging.getLogger(__name__)


@final
@dataclass(frozen=True)
class Cell:
    """An arm (`BASE` is untrained) and the seed of its training and audits."""

    arm: str
    seed: int

    def folder(self, out: Path) -> Path:
        """The folder of the cell in the study's folder `out`."""
        return out / "arms" / self.arm / f"seed-{self.seed}"

    def is_finished(self, plan: Plan, out: Path) -> bool:
        """Whether it is trained and audited as in the plan.

        Raises:
            StudyError: If the folder holds an arm of this name with other settings.
        """
        file = self.folder(out) / "cell.json"
        if kind_of(file) is Kind.missing:
            return False
        there = read(file)
        if not same_settings(there["settings"], self.settings(plan)):
            raise StudyError(
                f"{self.folder(out)} holds an arm {self.arm} with other settings "
                f"({there['settings']}); give the new arm another name, or choose another --out"
            )
        split = self.folder(out) / plan.headline
        return all(kind_of(split / f"{each.table}.jsonl") is Kind.file for each in plan.asked)

    def settings(self, plan: Plan) -> str:
        """The settings of the arm, besides the study's identity; "" for a base that is one model."""
        if given := self.checkpoint(plan):
            return given
        if self.arm == BASE:
            return ""
        arm = plan.arm(self.arm)
        method, own = arm.trainer, {"train": arm.train} if arm.train else {}
        values = (f"{name}={value!r}" for name, value in {**method.bound_to(), **own}.items())
        return f"{type(method).__qualname__}({', '.join(values)})"

    def checkpoint(self, plan: Plan) -> str | None:
        """The MODEL that the cell is given as; None if it is the base, or to be trained."""
        given = plan.checkpoints(self.arm)
        return given[plan.seeds.index(self.seed)] if given else None


def same_settings(there: str, now: str) -> bool:
    """Whether two texts of settings say the same; the order in which a class lists its fields is none.

    Example:
        >>> same_settings("Sft(batch=8, by=Correct(a=1, b=2))", "Sft(by=Correct(a=1, b=2), batch=8)")
        True
        >>> same_settings("Sft(batch=8, seed=0)", "Sft(batch=0, seed=8)")
        False
    """
    return _parts(there) == _parts(now)


def _parts(settings: str) -> list[str]:
    name, _, inside = settings.partition("(")
    return [name, *sorted(re.split(r", (?=\w+=)", inside.removesuffix(")")))]


def cells(plan: Plan) -> list[Cell]:
    """All cells, seed by seed, so that a stopped study has complete comparisons."""
    names = [BASE, *(arm.name for arm in plan.arms)]
    given = {name: len(plan.checkpoints(name)) or len(plan.seeds) for name in names}
    if plan.temperature == 0 and not plan.base_is_trained and not plan.trained_here:
        given[BASE] = 1  # its replies are the same with every seed
    return [
        Cell(name, seed)
        for nth, seed in enumerate(plan.seeds)
        for name in names
        if nth < given[name]
    ]


def work(plan: Plan, cell: Cell, out: Path) -> str | None:
    """Train and audit a cell of a study in the folder `out`; return why it failed, if it did."""
    folder = cell.folder(out)
    started, fresh = time.monotonic(), kind_of(folder) is Kind.missing
    try:
        model = _trained(plan, cell, folder)
        trained = time.monotonic()
        for split in plan.splits:
            audit(
                resolve(model, thinking_marks=plan.thinking_marks),
                plan.problems(split),
                sampling=plan.sampling,
                n=plan.samples,
                seed=cell.seed,
                out=folder / split,
                diagnostics=plan.asked if split == plan.headline else (),
            )
    except TwofoldError as error:
        return str(error)
    # The one broad handler of the package: whatever a method or a library raises, the other cells go on.
    except Exception as error:  # noqa: BLE001
        _log.info("%s, seed %d failed", cell.arm, cell.seed, exc_info=error)
        return f"{type(error).__name__}: {error}"
    finally:
        gc.collect()
    done = {
        "settings": cell.settings(plan),
        "minutes": (trained - started) / 60 if fresh else None,
        "audit_minutes": (time.monotonic() - trained) / 60 if fresh else None,
    }
    if Share.here().rank == 0:
        with replaced(folder / "cell.json") as file:
            json.dump(done, file, indent=1)
    return None


def _trained(plan: Plan, cell: Cell, folder: Path) -> str:
    """The MODEL to audit: the base itself, a given checkpoint, or the trained arm."""
    if given := cell.checkpoint(plan):
        return given
    (base,) = plan.bases
    if cell.arm == BASE:
        return base
    arm = plan.arm(cell.arm)
    method: Any = replace(cast(Any, arm.trainer), seed=cell.seed)
    print(f"{cell.arm}, seed {cell.seed}: training")
    eval_problems = plan.load(plan.eval_problems) if plan.eval_problems else ()
    out = folder / "model"
    asked = plan.load(plan.training(arm, cell.seed))
    done = method.train(base, asked, out=out, eval_problems=eval_problems)
    return str(done.folder)
