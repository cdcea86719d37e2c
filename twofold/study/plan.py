"""What does a study compare? Arms and seeds from one base, and the problems that they are audited on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, final

import yaml
from pydantic import Field, NonNegativeFloat, PositiveInt, TypeAdapter, WithJsonSchema
from pydantic.dataclasses import dataclass

from twofold import problems as problem_files
from twofold.constraints import register
from twofold.diagnostics import Diagnostic, diagnostics_named
from twofold.errors import TwofoldError
from twofold.methods import Method
from twofold.methods.method import Seed
from twofold.types import Problem, Sampling
from twofold.validation import SETTINGS

# The default study of `twofold study`.
POCKET = Path(__file__).parent / "pocket.yaml"

# The name of the untrained arm.
BASE = "base"

# The folder of a cell's trained model, beside those of its splits.
MODEL = "model"


class StudyError(TwofoldError):
    """A study's plan is invalid, or its folder holds another one."""


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Arm:
    """One recipe: what trains the arm, and its settings as the file has them, for the record.

    An arm that was trained elsewhere has `checkpoints` instead: a MODEL for each seed, in their order.
    An arm that compares data has its own `train`, in place of the plan's.
    """

    name: str
    method: Method | None = None
    settings: Mapping[str, object]
    checkpoints: tuple[str, ...] = ()
    train: Annotated[str, Field(min_length=1)] | None = None

    @property
    def trainer(self) -> Method:
        """The method of an arm that the study trains."""
        assert self.method is not None
        return self.method


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Plan:
    """Arms × seeds from one base, and the problems that they are audited on.

    Args:
        base: A MODEL with local weights; or several MODELs, the training runs of an earlier recipe, where
            all arms are `checkpoints`. Then the intervals cover new runs of both sides.
        train: The training problems of every arm that does not name its own; None if there is no such
            arm. `{seed}` in it stands for the seed, so that each run may have data of its own.
        splits: The problems of the audits by the split's name; the first is the headline.
        arms: The recipes.
        seeds: Each arm is trained once per seed; the audit of a seed samples with that seed.
        samples: Samples per problem and condition in each audit.
        temperature: Temperature of the audits. Greedy decoding hides changes that sampling shows.
        top_p: Nucleus sampling of the audits; 1 keeps all.
        max_tokens: Token budget of a reply in the audits.
        thinking_marks: What opens and closes a thought, as `--thinking-marks` of `audit`.
        limit: Only the first problems of each split; None = all.
        by: Tags of the problems by which the splits are broken down.
        eval_problems: Problems to evaluate every checkpoint on, for the training curves.
        reference: The arm whose gain in capability the others should retain.
        diagnostics: Diagnostics of every cell on the headline split, as `--diagnostics` of `audit`;
            more can be added to a finished study.
        judge: The judge of checklists on the headline split, as `--judge` of `audit`.
        constraints: Your own constraints that the problem files name, as `package.module:Name`.
    """

    base: str | tuple[str, ...]
    splits: Annotated[Mapping[str, str], Field(min_length=1)]
    arms: Annotated[tuple[Arm, ...], Field(min_length=1), WithJsonSchema({})]
    seeds: Annotated[tuple[Seed, ...], Field(min_length=1)] = (0,)
    train: Annotated[str, Field(min_length=1)] | None = None
    samples: PositiveInt = 1
    temperature: NonNegativeFloat = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    max_tokens: PositiveInt = 512
    thinking_marks: tuple[str, str] | None = None
    limit: PositiveInt | None = None
    by: tuple[str, ...] = ()
    eval_problems: str | None = None
    reference: str | None = None
    diagnostics: str = "joint"
    judge: str | None = None
    constraints: tuple[str, ...] = ()

    @property
    def sampling(self) -> Sampling:
        """The sampling of the audits."""
        return Sampling(max_tokens=self.max_tokens, temperature=self.temperature, top_p=self.top_p)

    @property
    def bases(self) -> tuple[str, ...]:
        """The MODELs of the base: one, or one for each seed."""
        return (self.base,) if isinstance(self.base, str) else self.base

    @property
    def base_is_trained(self) -> bool:
        """Whether the base is several training runs of a recipe."""
        return len(self.bases) > 1

    def checkpoints(self, arm: str) -> tuple[str, ...]:
        """The MODELs that an arm is given as, in the order of the seeds; none if it is to be trained."""
        if arm == BASE:
            return self.bases if self.base_is_trained else ()
        return self.arm(arm).checkpoints

    @property
    def trained_here(self) -> list[Arm]:
        """The arms that the study trains."""
        return [arm for arm in self.arms if arm.method is not None]

    @property
    def asked(self) -> tuple[Diagnostic, ...]:
        """The diagnostics of every cell on the headline split."""
        return diagnostics_named(self.diagnostics, judge=self.judge)

    @property
    def headline(self) -> str:
        """The split behind the verdicts."""
        return next(iter(self.splits))

    def arm(self, name: str) -> Arm:
        """The arm called `name`."""
        return next(arm for arm in self.arms if arm.name == name)

    def training(self, arm: Arm, seed: int) -> str:
        """The training problems of a run.

        Raises:
            StudyError: If neither the arm nor the plan names any.
        """
        spec = arm.train or self.train
        if spec is None:
            raise StudyError(
                f"arm {arm.name}: the key 'train' is missing: the problems that it trains on; give the "
                "study one for all arms, or this arm its own"
            )
        return spec.replace("{seed}", str(seed))

    @property
    def all_training(self) -> list[str]:
        """The training problems of all runs, each once."""
        runs = [(arm, seed) for arm in self.trained_here for seed in self.seeds]
        return list(dict.fromkeys(self.training(arm, seed) for arm, seed in runs))

    def load(self, spec: str) -> list[Problem]:
        """The problems of a spec; registers the constraints of the plan, also on a remote worker."""
        for each in self.constraints:
            register(each)
        return problem_files.load(spec, profile="fixed")

    def problems(self, split: str) -> list[Problem]:
        """The problems of a split, without duplicates."""
        asked = self.load(self.splits[split])[: self.limit]
        return list({problem.id: problem for problem in asked}.values())

    def to_yaml(self) -> str:
        """The plan as a file for `read`."""
        values = TypeAdapter(Plan).dump_python(self, mode="json", exclude={"arms"})
        values = {key: value for key, value in values.items() if value is not None}
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
            }
            | self._unusual,
        }

    @property
    def _unusual(self) -> dict[str, object]:
        """What decides the replies and was no setting of a study at first, if it is set."""
        marks = self.thinking_marks
        found: dict[str, object] = {
            "top_p": None if self.top_p == 1 else self.top_p,
            "limit": self.limit,
            "thinking_marks": None if marks is None else list(marks),
        }
        return {key: value for key, value in found.items() if value is not None}
