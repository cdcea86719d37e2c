"""Which judge does a text name? The values of `--judge` and of a reward's `judge`."""

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

# How a program's verdict is combined with the judge's.
Programs = Literal["average", "override"]


def exact() -> Judge:
    """The judge that uses only rules: the problem's own, and FollowBench's that need no model."""
    return Blend(ExactJudge(), FollowBenchRules(), how="override")


def judge_named(spec: str, programs: Programs | None = None) -> Judge:
    """The judge that `spec` names.

    Args:
        spec: One of

            - `exact`: rules decide, all else is unscored;
            - a MODEL as in `twofold.models.resolve`: log-odds of yes and no for a local model, the
              mean of several sampled numbers for a server; `odds:MODEL` and `sampled:MODEL` choose
              explicitly (odds need a server that returns log-probabilities). Verdicts of a model
              are cached by content;
            - `package.module:Name`: your own judge, an object or a class with defaults.

        programs: What is done where a criterion has a program, see `Blend`; None = programs are not
            used.

    Raises:
        ExtensionError: If the reference names no judge.
        ModelError: If there is no such model.

    Example:
        >>> judge_named("twofold.judges:ExactJudge").name
        'exact'
    """
    if programs is not None:
        return Blend(judge_named(spec), ProgramJudge(), programs)
    if spec == "exact":
        return exact()
    way, _, name = spec.partition(":")
    if way not in ("odds", "sampled"):
        if is_reference(spec):
            return instance_named(spec, Judge)
        way, name = "", spec
    from twofold.models import resolve

    model = resolve(name)
    by_samples = way == "sampled" or (not way and isinstance(model, ServerModel))
    judge = SampledJudge(model) if by_samples else LogOddsJudge(model)  # type: ignore[arg-type]
    return CachedJudge(judge, cache_folder())
