"""Which judge does a text name? What `--judge` and a reward's `judge` take."""

from __future__ import annotations

from typing import Literal

from twofold.extension import instance_named, is_reference
from twofold.judges.blend import Blend
from twofold.judges.cache import CachedJudge
from twofold.judges.exact import ExactJudge
from twofold.judges.followbench.rules import FollowBenchRules
from twofold.judges.judge import Judge
from twofold.judges.logodds import LogOddsJudge
from twofold.judges.program import ProgramJudge
from twofold.judges.sampled import SampledJudge
from twofold.models.cache import cache_folder
from twofold.models.openai.model import ServerModel

Programs = Literal["average", "override"]
"""What is done with the verdict of a program beside that of the judge."""


def exact() -> Judge:
    """What rules decide: the problem's own, and those of FollowBench's requests that need no model."""
    return Blend(ExactJudge(), FollowBenchRules(), how="override")


def named(spec: str, programs: Programs | None = None) -> Judge:
    """The judge that `spec` names.

    Args:
        spec: One of

            - `exact`: what a rule decides, all else unscored;
            - a MODEL as in `twofold.models.resolve`: asked for the odds of yes and no where its weights are
              here, for a number several times where it is behind a server; `odds:MODEL` and
              `sampled:MODEL` choose the way (for the odds a server has to give log-probabilities). What a
              model said of a reply is kept in the cache by content;
            - `package.module:Name`: a judge of yours, an object or a class with defaults.

        programs: What is done where a criterion has a program: see `Blend`; None = it is left aside.

    Raises:
        ExtensionError: If the reference names no judge.
        ModelError: If there is no such model.

    Example:
        >>> named("twofold.judges:ExactJudge").name
        'exact'
    """
    if programs is not None:
        return Blend(named(spec), ProgramJudge(), programs)
    if spec == "exact":
        return exact()
    kind, _, options = spec.partition(":")
    way, name = (kind, options) if kind in ("odds", "sampled") else ("", spec)
    if not way and is_reference(spec):
        return instance_named(spec, Judge)
    from twofold.models import resolve

    model = resolve(name)
    asked: Judge
    if way == "sampled" or (isinstance(model, ServerModel) and way != "odds"):
        asked = SampledJudge(model)
    else:
        asked = LogOddsJudge(model)  # type: ignore[arg-type]  # refuses one without probabilities
    return CachedJudge(asked, cache_folder())
