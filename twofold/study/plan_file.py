"""How is a study's YAML file read? What is wrong with it is said before a model is loaded.

A typing error in the last arm must not cost hours.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

from twofold.errors import nearest
from twofold.methods import method_named
from twofold.methods.config import mapping, with_settings
from twofold.study.plan import BASE, MODEL, POCKET, Arm, Plan, StudyError
from twofold.validation import validated

# Names become folders, whose names have at most 255 bytes. Rounds of an arm are `model-round-N`, so a
# split has no dash.
LONGEST_NAME = 60
_ARM = re.compile(rf"\w[\w-]{{0,{LONGEST_NAME - 1}}}")
_SPLIT = re.compile(rf"\w{{1,{LONGEST_NAME}}}")


def read(file: str | Path = POCKET) -> Plan:
    """The plan of a YAML file, whose keys are the fields of `Plan`.

    Each arm is a mapping of `method` and the settings of that method, as for `twofold train --config`.

    Raises:
        TwofoldError: If the file, a key, a value or an arm is invalid; the message names the remedy.
    """
    file = Path(file)
    values = dict(mapping(file))
    if "arms" in values:
        values["arms"] = _arms(values["arms"], file)
    plan = validated(
        Plan,
        values,
        where=file,
        error=StudyError,
        unknown="a method's settings go under an arm of `arms`",
    )
    _check(plan, file)
    return plan


def of_checkpoints(
    models: Sequence[str], baselines: Sequence[str], *, first_seed: int = 0, **settings: object
) -> Plan:
    """The plan that compares the training runs of two recipes, without training anything.

    Args:
        models: A MODEL for each run of the recipe under test.
        baselines: A MODEL for each run of the other; a single one is taken for the base of all.
        first_seed: The replies of run i are sampled with this seed + i.
        settings: Other fields of `Plan`.

    Raises:
        StudyError: If a setting is invalid, or a run is there twice.

    Example:
        >>> plan = of_checkpoints(["a1", "a2"], ["b"], splits={"problems": "pocket:13"})
        >>> plan.seeds, plan.arm("model").checkpoints, plan.base
        ((0, 1), ('a1', 'a2'), 'b')
    """
    n = max(len(models), len(baselines))
    values = {
        "base": baselines[0] if len(baselines) == 1 else tuple(baselines),
        "arms": (_given("model", {"checkpoints": tuple(models)}, "MODEL"),),
        "seeds": tuple(range(first_seed, first_seed + n)),
        **settings,
    }
    plan = validated(Plan, values, where="audit", error=StudyError)
    _check(plan, "audit")
    return plan


def _arms(found: object, file: Path) -> tuple[Arm, ...]:
    if not isinstance(found, Mapping):
        raise StudyError(
            f"{file}: arms is not a mapping; write one `NAME: {{method: ..., ...}}` per line"
        )
    arms = []
    for name, settings in found.items():
        where = f"{file}, arm {name}"
        if isinstance(name, bool | float | None):
            raise StudyError(f"{where}: YAML reads this name as {name!r}; write it in quotes")
        if isinstance(settings, Mapping) and "checkpoints" in settings:
            arms.append(_given(str(name), settings, where))
            continue
        if not isinstance(settings, Mapping) or "method" not in settings:
            raise StudyError(
                f"{where} names no method; write `{name}: {{method: rft, ...}}`, or "
                f"`{name}: {{checkpoints: [MODEL, ...]}}` for what was trained elsewhere"
            )
        own = {key: value for key, value in settings.items() if key not in ("method", "train")}
        train = settings.get("train")
        if train is not None and (not isinstance(train, str) or not train):
            raise StudyError(f"{where}: train: {train!r} names no problems; write a file or a spec")
        if "seed" in own:
            raise StudyError(f"{where} sets a seed; use the study's `seeds`")
        method = with_settings(method_named(str(settings["method"])), own, where=where)
        arms.append(Arm(name=str(name), method=method, settings=dict(settings), train=train))
    return tuple(arms)


def _given(name: str, settings: Mapping[str, object], where: str) -> Arm:
    """An arm that was trained elsewhere."""
    found = settings["checkpoints"]
    if set(settings) != {"checkpoints"} or not isinstance(found, list | tuple) or not found:
        raise StudyError(
            f"{where}: an arm that was trained elsewhere has nothing but its MODELs; write "
            f"`{name}: {{checkpoints: [MODEL, ...]}}`, one for each seed"
        )
    if odd := [each for each in found if not isinstance(each, str) or not each]:
        raise StudyError(f"{where}: {odd[0]!r} among the checkpoints is no MODEL; write its name")
    return Arm(name=name, settings=dict(settings), checkpoints=tuple(found))


def _check_folders(
    names: Sequence[str], what: str, form: re.Pattern[str], *, taken: str, file: object
) -> None:
    """Refuse names that cannot be folders side by side, on a disk that ignores case as well."""
    seen = {_on_disk(taken): taken}
    for name in names:
        if not form.fullmatch(name):
            dash = ", -" if form is _ARM else ""
            raise StudyError(
                f"{file}: the name of {what} becomes a folder; use 1 to {LONGEST_NAME} letters, "
                f"digits{dash} and _, not {name!r:.80}"
            )
        other = seen.setdefault(_on_disk(name), name)
        if other is not name:
            raise StudyError(
                f"{file}: the name of {what} becomes a folder, and {name!r} would be the same one as "
                f"{other!r}; choose another name"
            )


def _on_disk(name: str) -> str:
    """A name as a disk compares it that ignores case and forms of an accent."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _check(plan: Plan, file: object) -> None:
    """Refuse a plan that would fail or mislead later."""
    if len(set(plan.seeds)) != len(plan.seeds):
        raise StudyError(f"{file}: seeds is {list(plan.seeds)}; give different whole numbers")
    _ = plan.asked
    _check_checkpoints(plan, file)
    names = [arm.name for arm in plan.arms]
    _check_folders(names, "an arm", _ARM, taken=BASE, file=file)
    _check_folders(list(plan.splits), "a split", _SPLIT, taken=MODEL, file=file)
    if plan.reference is not None and plan.reference not in names:
        raise StudyError(f"{file}: reference: {nearest(plan.reference, names)}")
    trained = {p.id: spec for spec in plan.all_training for p in plan.load(spec)}
    tags: set[str] = set()
    for split, spec in plan.splits.items():
        problems = plan.problems(split)
        if shared := [trained[problem.id] for problem in problems if problem.id in trained]:
            raise StudyError(
                f"{len(shared)} of the {len(problems)} problems of {split} ({spec}) are also training "
                f"problems ({shared[0]}), so they would show memorisation; choose other problems"
            )
        tags |= {tag for problem in problems for tag in problem.tags}
    for tag in plan.by:
        if tag not in tags:
            raise StudyError(
                f"{file}: by: no problem of any split has the tag {tag!r}; "
                f"{nearest(tag, sorted(tags))}"
            )
    if plan.eval_problems is not None:
        plan.load(plan.eval_problems)


def _check_checkpoints(plan: Plan, file: object) -> None:
    """Refuse checkpoints without a seed, and training without one base and problems."""
    if not plan.bases or not all(plan.bases):
        raise StudyError(f"{file}: base: name a MODEL, or a list of several training runs")
    for name in (BASE, *(arm.name for arm in plan.arms)):
        if len(given := plan.checkpoints(name)) > len(plan.seeds):
            raise StudyError(
                f"{file}: {name} has {len(given)} checkpoints and the study {len(plan.seeds)} seeds; give "
                "a seed for each checkpoint (their replies are sampled with it)"
            )
        if len(set(given)) < len(given):
            raise StudyError(
                f"{file}: {name} has the same checkpoint twice; that is no second training run"
            )
    if plan.trained_here and plan.base_is_trained:
        raise StudyError(
            f"{file}: {plan.trained_here[0].name} is to be trained, from which of the {len(plan.bases)} "
            "bases? Give one base, or the checkpoints of every arm"
        )
    if plan.reference and plan.base_is_trained:
        raise StudyError(
            f"{file}: the share of a gain that is kept needs one base; leave out reference"
        )
