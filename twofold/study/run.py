"""A whole study: every cell worked on, then one page that answers for every arm: did both rise?"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, final

import twofold.report.study as page
from twofold.jsonl import Row, replaced
from twofold.models import resolve
from twofold.run_dir import RunDir
from twofold.runs.audit import about
from twofold.study import executor
from twofold.study.analysis import Analysis, to_json
from twofold.study.cell import Cell, cells
from twofold.study.diagnosed import diagnosed
from twofold.study.plan import BASE, Plan, StudyError
from twofold.study.records import curve, floors, samples
from twofold.study.scores import Scores

RESULT = "study.json"
PLAN = "study.yaml"


@final
@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """What a study found.

    Args:
        found: What `study.json` holds; see `docs/run_directory.md`.
        failed: Cells that could not be trained or audited, as `ARM/SEED`, and why.
        path: The study's folder.
    """

    found: Mapping[str, Any]
    failed: Mapping[str, str]
    path: Path


def study(
    plan: Plan, *, out: str | Path, ray: str | None = None, say: Callable[[str], None] = print
) -> StudyResult:
    """Train and audit every arm with every seed, and compare them all with the base.

    The same call goes on where the last one was stopped; arms and seeds may be added. A cell that
    fails leaves the others alone and is tried again by the next call.

    Args:
        plan: The study.
        out: Its folder.
        ray: Address of a Ray cluster that the cells are spread over; None = one after another here.
        say: Takes lines of progress.

    Raises:
        StudyError: If the folder holds other arms under these names, or Ray cannot be had.
        RunError: If the folder holds something else.
        ModelError: If the base cannot be loaded or has no chat template.
    """
    out = Path(out)
    _check_base(plan)
    rank = int(os.environ.get("RANK", "0"))
    say = say if rank == 0 else _silent
    failed: dict[str, str] = {}
    models = {BASE: resolve(plan.base)}
    identity = plan.identity() | {"base": models[BASE].fingerprint()}
    with RunDir.open(out, identity, about(models), rank=rank):
        if rank == 0:
            with replaced(out / PLAN) as file:
                file.write(plan.to_yaml())
        waiting = [cell for cell in cells(plan) if not cell.is_finished(plan, out)]
        say(f"{len(cells(plan))} cells, {len(waiting)} of them to be trained and audited")
        done = (
            executor.on_ray(plan, waiting, out, ray) if ray else executor.here(plan, waiting, out)
        )
        for n, (cell, why) in enumerate(done, 1):
            if why is not None:
                failed[f"{cell.arm}/{cell.seed}"] = why
            say(
                f"[{n}/{len(waiting)}] {cell.arm}, seed {cell.seed}: "
                + ("done" if why is None else f"FAILED: {why}")
            )
        found = finalize(plan, out, failed) if rank == 0 else {}
    return StudyResult(found=found, failed=failed, path=out)


def finalize(
    plan: Plan, out: str | Path, failed: Mapping[str, str] = MappingProxyType({})
) -> Mapping[str, Any]:
    """Make `study.json` and the page from what the finished cells have saved.

    Raises:
        StudyError: If not even the base is finished.
    """
    out = Path(out)
    seeds = _finished(plan, out)
    if not seeds[BASE]:
        why = next(iter(failed.values()), "its audit was stopped")
        raise StudyError(
            f"the base has not been audited ({why}); mend that and run the study again"
        )
    problems = {split: plan.problems(split) for split in plan.splits}
    scores = {
        arm: {
            split: Scores.read(
                problems[split], {seed: Cell(arm, seed).folder(out) / split for seed in found}
            )
            for split in plan.splits
        }
        for arm, found in seeds.items()
    }
    analysis = Analysis(scores, seeds, plan.headline, plan.by, plan.reference)
    first = {arm: Cell(arm, s[0]).folder(out) / plan.headline for arm, s in seeds.items() if s}
    arms = analysis.arms()
    result = {
        "base": plan.base,
        "train": plan.train,
        "seeds": list(plan.seeds),
        "splits": dict(plan.splits),
        "reference": plan.reference,
        "arms": {arm: _described(plan, arm, seeds[arm], out) | arms.get(arm, {}) for arm in seeds},
        "contrasts": analysis.contrasts(),
        "floors": floors(first[BASE]),
        "curves": {
            arm: [row for seed in found for row in curve(Cell(arm, seed), out)]
            for arm, found in seeds.items()
        },
        "lengths": analysis.lengths(),
        "diagnostics": diagnosed(
            problems[plan.headline],
            {
                arm: {s: Cell(arm, s).folder(out) / plan.headline for s in found}
                for arm, found in seeds.items()
                if found
            },
        ),
        "samples": samples(problems[plan.headline], first),
        "failed": dict(failed),
        "caveats": _caveats(plan, seeds, failed),
    }
    found: Mapping[str, Any] = to_json(result)
    with replaced(out / RESULT) as file:
        json.dump(found, file, indent=1, ensure_ascii=False, allow_nan=False)
    page.write(out)
    return found


def _finished(plan: Plan, out: Path) -> dict[str, list[int]]:
    """The seeds of each arm that can be compared: finished, and the base's with them."""
    base = [seed for seed in plan.seeds if Cell(BASE, seed).is_finished(plan, out)]
    found = {BASE: base}
    for arm in plan.arms:
        found[arm.name] = [s for s in base if Cell(arm.name, s).is_finished(plan, out)]
    return found


def _described(plan: Plan, arm: str, seeds: list[int], out: Path) -> Row:
    """How an arm was made."""
    minutes = [
        there["minutes"]
        for seed in seeds
        if (there := json.loads((Cell(arm, seed).folder(out) / "cell.json").read_text()))["minutes"]
    ]
    row: Row = {"method": None, "reward": None, "settings": {}, "seeds": seeds, "minutes": None}
    if arm != BASE:
        settings = dict(plan.arm(arm).settings)
        row |= {"method": settings.pop("method"), "reward": settings.pop("reward", None)}
        row |= {"settings": settings}
        row |= {"minutes": sum(minutes) / len(minutes) if minutes else None}
    return row


def _caveats(plan: Plan, seeds: Mapping[str, list[int]], failed: Mapping[str, str]) -> list[str]:
    found = [
        f"{name.replace('/', ', seed ')} is not in these numbers: {why}"
        for name, why in failed.items()
    ]
    few = {arm: len(s) for arm, s in seeds.items() if len(s) < len(plan.seeds)}
    if few:
        told = ", ".join(f"{arm} {n}" for arm, n in few.items())
        found.append(f"Not all {len(plan.seeds)} seeds are finished: {told}.")
    if len(plan.seeds) == 1:
        found.append(
            "One seed: the intervals cover other problems, and not another training run of the same arm."
        )
    return found


def _silent(_: str) -> None:
    """What the other processes of an `accelerate launch` say."""


def _check_base(plan: Plan) -> None:
    """Say what is wrong with the base's tokenizer before the first arm is trained."""
    from twofold.methods.trl.trainable_model import TrainableModel

    _ = TrainableModel(plan.base, lora=None).tokenizer
