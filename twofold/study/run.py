"""How does a whole study run? Train and audit every cell, analyse, and write the page."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import twofold.report.study as page
from twofold.errors import TwofoldError
from twofold.models import resolve
from twofold.report import study_file
from twofold.report.study_file import ArmRecord, StudyFile
from twofold.runs.audit import about
from twofold.runs.lineage import lineage
from twofold.storage.jsonl import Row, replaced
from twofold.storage.leftovers import remove_incomplete
from twofold.storage.run_dir import RunDir
from twofold.study import executor
from twofold.study.analysis import StudyAnalysis
from twofold.study.cell import Cell, cells, read
from twofold.study.cell_outputs import floors, samples
from twofold.study.diagnosed import diagnosed
from twofold.study.plan import BASE, Plan, StudyError
from twofold.study.scores import Scores
from twofold.study.training_curves import curve, means
from twofold.types import Lineage, Share

PLAN = "study.yaml"


@final
@dataclass(frozen=True, kw_only=True)
class StudyResult:
    """The result of a study.

    Args:
        found: The content of `study.json`; None in all but the first process of an `accelerate launch`.
        failed: Why a cell could not be trained or audited, by `ARM/SEED`.
        path: The study's folder.
    """

    found: StudyFile | None
    failed: Mapping[str, str]
    path: Path


def study(
    plan: Plan, *, out: str | Path, ray: str | None = None, say: Callable[[str], None] = print
) -> StudyResult:
    """Train and audit every arm with every seed, and compare them with the base.

    The same call resumes a stopped study; arms and seeds may be added. A failed cell does not stop the
    others, and the next call repeats it.

    Args:
        plan: The study.
        out: Its folder.
        ray: Address of a Ray cluster for the cells; None = one after another here.
        say: Takes lines of progress.

    Raises:
        StudyError: If the folder holds other arms under these names, or Ray is not available.
        RunError: If the folder holds something else.
        ModelError: If the base cannot be loaded or has no chat template.
    """
    out = Path(out)
    if plan.trained_here:
        _check_base(plan.bases[0])
        _check_arms(plan)
    rank = Share.here().rank
    say = say if rank == 0 else lambda _: None
    failed: dict[str, str] = {}
    models = {spec: resolve(spec) for spec in plan.bases}
    prints = [model.fingerprint() for model in models.values()]
    identity = plan.identity() | {"base": prints if plan.base_is_trained else prints[0]}
    if not plan.base_is_trained:
        models = {BASE: models[plan.bases[0]]}
    with RunDir.open(out, identity, about(models), rank=rank):
        if rank == 0:
            remove_incomplete(out)
            with replaced(out / PLAN) as file:
                file.write(plan.to_yaml())
        waiting = [cell for cell in cells(plan) if not cell.is_finished(plan, out)]
        say(f"{len(cells(plan))} cells, {len(waiting)} of them to train and audit")
        done = (
            executor.on_ray(plan, waiting, out, ray) if ray else executor.here(plan, waiting, out)
        )
        for n, (cell, why) in enumerate(done, 1):
            if why is not None:
                failed[f"{cell.arm}/{cell.seed}"] = why
            result = "done" if why is None else f"FAILED: {why}"
            say(f"[{n}/{len(waiting)}] {cell.arm}, seed {cell.seed}: {result}")
        found = finalize(plan, out, failed) if rank == 0 else None
    return StudyResult(found=found, failed=failed, path=out)


def finalize(plan: Plan, out: str | Path, failed: Mapping[str, str] | None = None) -> StudyFile:
    """Write `study.json` and the page from the finished cells; a StudyError without the base.

    Args:
        plan: The study.
        out: Its folder.
        failed: Why cells failed; None = as `study.json` says of those that are still not finished.
    """
    out = Path(out)
    seeds = _finished(plan, out)
    failed = _known_failures(seeds, out) if failed is None else failed
    if not seeds[BASE]:
        why = next(iter(failed.values()), "its audit was stopped")
        raise StudyError(
            f"the base has not been audited ({why}); fix the cause and run the study again"
        )
    problems = {split: plan.problems(split) for split in plan.splits}
    audits = {
        arm: {
            split: {seed: Cell(arm, seed).folder(out) / split for seed in mine}
            for split in plan.splits
        }
        for arm, mine in seeds.items()
    }
    scores = {
        arm: {split: Scores.read(problems[split], folders) for split, folders in of.items()}
        for arm, of in audits.items()
    }
    curves = {
        arm: [row for seed in mine for row in curve(Cell(arm, seed), out)]
        for arm, mine in seeds.items()
    }
    followed = plan.load(plan.eval_problems) if plan.eval_problems else []
    analysis = StudyAnalysis(
        scores, seeds, plan.headline, plan.by, plan.reference, plan.base_is_trained
    )
    headline = {arm: of[plan.headline] for arm, of in audits.items() if of[plan.headline]}
    first = {arm: next(iter(folders.values())) for arm, folders in headline.items()}
    found = StudyFile(
        base=", ".join(plan.bases),
        train=plan.train,
        seeds=list(plan.seeds),
        splits=dict(plan.splits),
        reference=plan.reference,
        arms={arm: _described(plan, arm, mine, out) for arm, mine in seeds.items()},
        findings=analysis.findings(),
        verdicts=analysis.verdicts(),
        retained=analysis.retained(),
        lengths=analysis.lengths(),
        curves=[row for rows in curves.values() for row in rows],
        curve_means=[
            each for arm, rows in curves.items() for each in means(arm, rows, followed, out)
        ],
        diagnostics=diagnosed(problems[plan.headline], headline, plan.base_is_trained),
        floors=floors(first[BASE]),
        samples=samples(problems[plan.headline], first),
        failed=dict(failed),
        caveats=[*_caveats(plan, seeds, failed), *analysis.caveats()],
    )
    study_file.write(found, out)
    page.write(out)
    return found


def _known_failures(seeds: Mapping[str, list[int]], out: Path) -> dict[str, str]:
    """Why cells failed that are not finished, as the last call of the study wrote it."""
    if not (out / study_file.NAME).exists():
        return {}
    done = {f"{arm}/{seed}" for arm, mine in seeds.items() for seed in mine}
    return {cell: why for cell, why in study_file.read(out).failed.items() if cell not in done}


def _finished(plan: Plan, out: Path) -> dict[str, list[int]]:
    """The finished seeds of each arm; of an arm that the study trains, those of the base, too."""
    done: dict[str, list[int]] = {BASE: [], **{arm.name: [] for arm in plan.arms}}
    for cell in cells(plan):
        if cell.is_finished(plan, out):
            done[cell.arm].append(cell.seed)
    trained = {arm.name for arm in plan.trained_here}
    return {
        name: [seed for seed in seeds if name not in trained or seed in done[BASE]]
        for name, seeds in done.items()
    }


def _described(plan: Plan, arm: str, seeds: list[int], out: Path) -> ArmRecord:
    if given := plan.checkpoints(arm):
        method, settings = None if arm == BASE else "checkpoints", {"checkpoints": [*given]}
        found = _lineage(plan, arm, seeds, out)
        return ArmRecord(
            method=method, reward=None, settings=settings, seeds=seeds, minutes=None, lineage=found
        )
    if arm == BASE:
        return ArmRecord(method=None, reward=None, settings={}, seeds=seeds, minutes=None)
    files = [Cell(arm, seed).folder(out) / "cell.json" for seed in seeds]
    minutes = [m for file in files if (m := read(file)["minutes"])]
    made: Row = dict(plan.arm(arm).settings)
    return ArmRecord(
        method=made.pop("method"),
        reward=made.pop("reward", None),
        settings=made,
        seeds=seeds,
        minutes=sum(minutes) / len(minutes) if minutes else None,
        lineage=Lineage.trained_from_baseline,
    )


def _lineage(plan: Plan, arm: str, seeds: Sequence[int], out: Path) -> Lineage:
    """The lineage of an arm that was made elsewhere, from the manifests of its audit and of the base's."""
    files = [Cell(each, seeds[0]).folder(out) / plan.headline for each in (arm, BASE) if seeds]
    if arm == BASE or not files or not all((file / "manifest.json").exists() for file in files):
        return Lineage.unknown
    mine, base = (RunDir(file).manifest() for file in files)
    models = {"model": mine["identity"]["models"]["model"]}
    models |= {"baseline": base["identity"]["models"]["model"]}
    return lineage(mine | {"identity": {"models": models}})


def _caveats(plan: Plan, seeds: Mapping[str, list[int]], failed: Mapping[str, str]) -> list[str]:
    found = [
        f"{name.replace('/', ', seed ')} is missing from these numbers: {why}"
        for name, why in failed.items()
    ]
    planned = Counter(cell.arm for cell in cells(plan))
    few = {arm: len(s) for arm, s in seeds.items() if len(s) < planned[arm]}
    if few:
        counts = ", ".join(f"{arm} {n} of {planned[arm]}" for arm, n in few.items())
        found.append(f"Not all seeds are finished: {counts}.")
    if any(arm.checkpoints for arm in plan.arms) and not plan.base_is_trained:
        found.append(
            "The base is one model: if it is itself a training run, another run of it is not covered."
        )
    if len(plan.seeds) == 1:
        found.append("One seed: the intervals cover new problems, but not another training run.")
    return found


def _check_arms(plan: Plan) -> None:
    """Have every arm's method check its settings and data, before the first arm is trained."""
    problems = {spec: plan.load(spec) for spec in plan.all_training}
    eval_problems = plan.load(plan.eval_problems) if plan.eval_problems else []
    for arm in plan.trained_here:
        for spec in dict.fromkeys(plan.training(arm, seed) for seed in plan.seeds):
            try:
                arm.trainer.check(problems[spec], eval_problems)
            except TwofoldError as error:
                raise StudyError(f"arm {arm.name}: {error}") from error


def _check_base(base: str) -> None:
    """Check the tokenizer of the base before the first arm is trained."""
    from twofold.methods.trl.trainable_model import TrainableModel

    _ = TrainableModel(base, lora=None).tokenizer
