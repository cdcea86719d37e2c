"""What does a study compare? The plan of a study, and what is wrong with a file that describes one.

Everything is checked before a model is loaded: a typing error in the last arm must not cost hours.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, final

import yaml
from pydantic import Field, NonNegativeFloat, PositiveInt, TypeAdapter, WithJsonSchema
from pydantic.dataclasses import dataclass

from twofold import problems as problem_files
from twofold.constraints import register
from twofold.diagnostics import diagnostics_named
from twofold.errors import TwofoldError, nearest
from twofold.methods import Method, method_named
from twofold.methods.config import mapping, with_settings
from twofold.methods.method import Seed
from twofold.types import Problem, Sampling
from twofold.validation import SETTINGS, validated

# The default study of `twofold study`.
POCKET = Path(__file__).parent / "pocket.yaml"

# The name of the untrained arm.
BASE = "base"

# The folder of a cell's trained model, beside those of its splits.
MODEL = "model"

# Names become folders, whose names have at most 255 bytes. Rounds of an arm are `model-round-N`, so a
# split has no dash.
LONGEST_NAME = 60
_ARM = re.compile(rf"\w[\w-]{{0,{LONGEST_NAME - 1}}}")
_SPLIT = re.compile(rf"\w{{1,{LONGEST_NAME}}}")


class StudyError(TwofoldError):
    """A study's plan is invalid, or its folder holds another one."""


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Arm:
    """One recipe: what trains the arm, and its settings as the file has them, for the record."""

    name: str
    method: Method
    settings: Mapping[str, object]


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Plan:
    """Arms × seeds from one base, and the problems that they are audited on.

    Args:
        base: A MODEL with local weights.
        train: The training problems of every arm.
        splits: The problems of the audits by the split's name; the first is the headline.
        arms: The recipes.
        seeds: Each arm is trained once per seed; the audit of a seed samples with that seed.
        samples: Samples per problem and condition in each audit.
        temperature: Temperature of the audits. Greedy decoding hides changes that sampling shows.
        max_tokens: Token budget of a reply in the audits.
        by: Tags of the problems by which the splits are broken down.
        eval_problems: Problems to evaluate every checkpoint on, for the training curves.
        reference: The arm whose gain in capability the others should retain.
        diagnostics: Diagnostics of every cell on the headline split, as `--diagnostics` of `audit`;
            more can be added to a finished study.
        constraints: Your own constraints that the problem files name, as `package.module:Name`.
    """

    base: Annotated[str, Field(min_length=1)]
    train: Annotated[str, Field(min_length=1)]
    splits: Annotated[Mapping[str, str], Field(min_length=1)]
    arms: Annotated[tuple[Arm, ...], Field(min_length=1), WithJsonSchema({})]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
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
        """The sampling of the audits."""
        return Sampling(max_tokens=self.max_tokens, temperature=self.temperature)

    @property
    def headline(self) -> str:
        """The split behind the verdicts."""
        return next(iter(self.splits))

    def arm(self, name: str) -> Arm:
        """The arm called `name`."""
        return next(arm for arm in self.arms if arm.name == name)

    def load(self, spec: str) -> list[Problem]:
        """The problems of a spec; registers the constraints of the plan, also on a remote worker."""
        for each in self.constraints:
            register(each)
        return problem_files.load(spec, profile="fixed")

    def problems(self, split: str) -> list[Problem]:
        """The problems of a split, without duplicates."""
        return list({problem.id: problem for problem in self.load(self.splits[split])}.values())

    def to_yaml(self) -> str:
        """The plan as a file for `read`."""
        values = TypeAdapter(Plan).dump_python(self, mode="json", exclude={"arms"})
        arms = {arm.name: dict(arm.settings) for arm in self.arms}
        text: str = yaml.safe_dump({**values, "arms": arms}, sort_keys=False, allow_unicode=True)
        return text

    def identity(self) -> dict[str, object]:
        """What a study's folder is bound to; arms and seeds may be added later."""
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
        if not isinstance(settings, Mapping) or "method" not in settings:
            raise StudyError(f"{where} names no method; write `{name}: {{method: rft, ...}}`")
        own = {key: value for key, value in settings.items() if key != "method"}
        if "seed" in own:
            raise StudyError(f"{where} sets a seed; use the study's `seeds`")
        method = with_settings(method_named(str(settings["method"])), own, where=where)
        arms.append(Arm(name=str(name), method=method, settings=dict(settings)))
    return tuple(arms)


def _check_folders(
    names: Sequence[str], what: str, form: re.Pattern[str], *, taken: str, file: Path
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


def _check(plan: Plan, file: Path) -> None:
    """Refuse a plan that would fail or mislead later."""
    if len(set(plan.seeds)) != len(plan.seeds):
        raise StudyError(f"{file}: seeds is {list(plan.seeds)}; give different whole numbers")
    diagnostics_named(plan.diagnostics)
    names = [arm.name for arm in plan.arms]
    _check_folders(names, "an arm", _ARM, taken=BASE, file=file)
    _check_folders(list(plan.splits), "a split", _SPLIT, taken=MODEL, file=file)
    if plan.reference is not None and plan.reference not in names:
        raise StudyError(f"{file}: reference: {nearest(plan.reference, names)}")
    trained = {problem.id for problem in plan.load(plan.train)}
    tags: set[str] = set()
    for split, spec in plan.splits.items():
        problems = plan.problems(split)
        if shared := sum(problem.id in trained for problem in problems):
            raise StudyError(
                f"{shared} of the {len(problems)} problems of {split} ({spec}) are also training problems "
                f"({plan.train}), so they would show memorisation; choose other problems"
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
