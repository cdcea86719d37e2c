"""What is compared with what? A study's plan, and where a file that describes one is wrong.

Everything that can be wrong with a plan is told here, before a model loads: a study runs for hours,
and a typing error in its last arm must not cost them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, final

import yaml
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt, WithJsonSchema
from pydantic.dataclasses import dataclass

from twofold import problems as problem_files
from twofold.constraints import register
from twofold.diagnostics import diagnostics_named
from twofold.errors import TwofoldError, nearest
from twofold.methods import Method, method_named
from twofold.methods.config import mapping, with_settings
from twofold.types import Problem, Sampling
from twofold.validation import SETTINGS, validated

POCKET = Path(__file__).parent / "pocket.yaml"
"""The study that `twofold study` runs when no other is named."""

BASE = "base"
"""The name of the untrained arm, which every study has."""


class StudyError(TwofoldError):
    """A study's plan does not make sense, or its folder holds another one."""


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Arm:
    """One recipe of the study.

    Args:
        name: What it is called in tables and folders.
        method: What trains it; its seed is set for each repetition.
        settings: What the file says of it, method and all, for the record.
    """

    name: str
    method: Method
    settings: Mapping[str, object]


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Plan:
    """Arms × seeds from one base, and what each of them is audited on.

    Args:
        base: A MODEL with local weights.
        train: Problems that every arm is trained on.
        splits: Problems that the base and every trained arm are audited on, by the split's name. The
            first is the headline.
        arms: The recipes.
        seeds: Each arm is trained once a seed; the audit of a seed samples with that seed.
        samples: Samples a problem and condition in each audit.
        temperature: Of the audits. At 1 they see what training shapes; greedily a change is hidden
            until it tips over.
        max_tokens: Token budget of a reply in the audits.
        by: Tags of the problems by which the splits are broken down.
        eval_problems: Problems that every checkpoint on the way is asked, for the training curves.
        reference: The arm whose gain in capability the others should keep.
        diagnostics: What else every cell is asked on the headline split, as `--diagnostics` of `audit`;
            more can be asked of a finished study.
        constraints: Constraints from outside the package that the problem files name, each as
            `package.module:Name`.
    """

    base: Annotated[str, Field(min_length=1)]
    train: Annotated[str, Field(min_length=1)]
    splits: Annotated[Mapping[str, str], Field(min_length=1)]
    arms: Annotated[tuple[Arm, ...], Field(min_length=1), WithJsonSchema({})]
    seeds: Annotated[tuple[NonNegativeInt, ...], Field(min_length=1)] = (0,)
    samples: PositiveInt = 1
    temperature: NonNegativeFloat = 1.0
    max_tokens: PositiveInt = 512
    by: tuple[str, ...] = ()
    eval_problems: str | None = None
    reference: str | None = None
    diagnostics: str = "joint"
    constraints: tuple[str, ...] = ()

    @property
    def sampling(self) -> Sampling:
        """How the audits draw."""
        return Sampling(max_tokens=self.max_tokens, temperature=self.temperature)

    @property
    def headline(self) -> str:
        """The split that verdicts rest on."""
        return next(iter(self.splits))

    def arm(self, name: str) -> Arm:
        """The arm called `name`."""
        return next(arm for arm in self.arms if arm.name == name)

    def load(self, spec: str) -> list[Problem]:
        """The problems of a spec; a worker on another machine knows the constraints of the plan too."""
        for each in self.constraints:
            register(each)
        return problem_files.load(spec, profile="fixed")

    def problems(self, split: str) -> list[Problem]:
        """The problems of a split, each once."""
        loaded = self.load(self.splits[split])
        return list({problem.id: problem for problem in loaded}.values())

    def to_yaml(self) -> str:
        """The plan as a file that `read` takes."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "arms"}
        values |= {"splits": dict(self.splits), "seeds": list(self.seeds), "by": list(self.by)}
        values |= {"constraints": list(self.constraints)}
        arms = {arm.name: dict(arm.settings) for arm in self.arms}
        text: str = yaml.safe_dump({**values, "arms": arms}, sort_keys=False, allow_unicode=True)
        return text

    def identity(self) -> dict[str, object]:
        """What binds a study's folder: arms and seeds may be added to it later."""
        return {
            "study": {"base": self.base, "train": self.train, "eval_problems": self.eval_problems},
            "splits": dict(self.splits),
            "sampling": {
                "samples": self.samples,
                "temperature": self.temperature,
                "max_tokens": self.max_tokens,
            },
        }


def read(file: str | Path = POCKET) -> Plan:
    """The plan that a YAML file describes.

    Its keys are the fields of `Plan`. Each arm is a mapping with `method` and that method's settings,
    as in the file of `twofold train --config`.

    Raises:
        TwofoldError: If the file, a key, a value or an arm does not fit; the message names the key
            and what would.

    Example:
        >>> [arm.name for arm in read().arms][:2]
        ['sft', 'answer_only']
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


def _arms(found: object, file: Path) -> tuple[Arm, ...]:
    if not isinstance(found, Mapping):
        raise StudyError(f"{file}: arms is no mapping; write `NAME: {{method: ..., ...}}` a line")
    arms = []
    for name, settings in found.items():
        where = f"{file}, arm {name}"
        if not isinstance(settings, Mapping) or "method" not in settings:
            raise StudyError(f"{where} names no method; write `{name}: {{method: rft, ...}}`")
        if name == BASE or not str(name).replace("_", "").replace("-", "").isalnum():
            raise StudyError(
                f"{where}: an arm's name names a folder; use letters, digits, - and _, and not {BASE}"
            )
        own = {key: value for key, value in settings.items() if key != "method"}
        if "seed" in own:
            raise StudyError(f"{where} sets a seed; the study's `seeds` do that")
        method = with_settings(method_named(str(settings["method"])), own, where=where)
        arms.append(Arm(name=str(name), method=method, settings=dict(settings)))
    return tuple(arms)


def _check(plan: Plan, file: Path) -> None:
    """Refuse what would fail, or mislead, hours later."""
    if len(set(plan.seeds)) != len(plan.seeds):
        raise StudyError(f"{file}: seeds is {list(plan.seeds)}; give different whole numbers")
    diagnostics_named(plan.diagnostics)
    names = [arm.name for arm in plan.arms]
    if plan.reference is not None and plan.reference not in names:
        raise StudyError(f"{file}: reference: {nearest(plan.reference, names)}")
    for split in plan.splits:
        if not split.replace("_", "").isalnum():
            raise StudyError(f"{file}: a split's name names a folder; {split!r} has other signs")
    trained = {problem.id for problem in plan.load(plan.train)}
    tags: set[str] = set()
    for split, spec in plan.splits.items():
        problems = plan.problems(split)
        shared = sum(problem.id in trained for problem in problems)
        if shared:
            raise StudyError(
                f"{shared} of the {len(problems)} problems of {split} ({spec}) are also trained on "
                f"({plan.train}): what they show is memory. Choose other problems for one of them"
            )
        tags |= {tag for problem in problems for tag in problem.tags}
    for tag in plan.by:
        if tag not in tags:
            raise StudyError(
                f"{file}: by: no problem of any split has the tag {tag!r}; {nearest(tag, sorted(tags))}"
            )
    if plan.eval_problems is not None:
        plan.load(plan.eval_problems)
