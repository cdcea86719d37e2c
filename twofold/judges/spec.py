"""Which judge does a text name? What `--judge` and a reward's `judge` take."""

from __future__ import annotations

from typing import Literal

from twofold.errors import ScoringError
from twofold.judges.blend import Blend
from twofold.judges.cache import CachedJudge
from twofold.judges.exact import ExactJudge
from twofold.judges.followbench.rules import FollowBenchRules
from twofold.judges.judge import Judge
from twofold.judges.logodds import LogOddsJudge
from twofold.judges.noisy import LabelNoiseJudge
from twofold.judges.pleased import TriggerPhraseJudge
from twofold.judges.program import ProgramJudge
from twofold.judges.sampled import SampledJudge
from twofold.models.cache import cache_folder
from twofold.models.openai.model import ServerModel

Programs = Literal["average", "override"]
"""What is done with the verdict of a program beside that of the judge."""

GRAMMAR = (
    "exact, noisy:ERROR (planted errors, e.g. noisy:0.3 or noisy:0.3:opening), pleased:TEXT (passes "
    "whatever holds it), a MODEL, odds:MODEL or sampled:MODEL"
)


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
            - for experiments, the exact judge with planted errors, `noisy:ERROR[:reply|opening[:N[:SEED]]]`,
              or with a planted weakness, `pleased:TEXT`.

        programs: What is done where a criterion has a program: see `Blend`; None = it is left aside.

    Raises:
        ScoringError: If a planted judge is written wrongly.
        ModelError: If there is no such model.

    Example:
        >>> named("noisy:0.3:opening").by
        'opening'
    """
    if programs is not None:
        return Blend(named(spec), ProgramJudge(), programs)
    if spec == "exact":
        return exact()
    kind, _, options = spec.partition(":")
    if kind == "noisy":
        return _noisy(spec, options)
    if kind == "pleased":
        return _pleased(spec, options)
    from twofold.models import resolve

    way, name = (kind, options) if kind in ("odds", "sampled") else ("", spec)
    model = resolve(name)
    asked: Judge
    if way == "sampled" or (isinstance(model, ServerModel) and way != "odds"):
        asked = SampledJudge(model)
    else:
        asked = LogOddsJudge(model)  # type: ignore[arg-type]  # refuses one without probabilities
    return CachedJudge(asked, cache_folder())


def _pleased(spec: str, text: str) -> TriggerPhraseJudge:
    try:
        return TriggerPhraseJudge(ExactJudge(), text)
    except ValueError as wrong:
        raise ScoringError(f"{spec!r} is no judge ({wrong}); there is {GRAMMAR}") from wrong


def _noisy(spec: str, options: str) -> LabelNoiseJudge:
    error, _, rest = options.partition(":")
    by, n, seed, *more = [*rest.split(":"), "", ""]
    try:
        if by not in ("", "reply", "opening"):
            raise ValueError(f"{by!r} is neither reply nor opening")
        if any(more):
            raise ValueError(f"{':'.join(more)!r} is too much")
        return LabelNoiseJudge(
            ExactJudge(),
            error=float(error),
            by="opening" if by == "opening" else "reply",
            n=int(n or 1),
            seed=int(seed or 0),
        )
    except ValueError as wrong:
        raise ScoringError(f"{spec!r} is no judge ({wrong}); there is {GRAMMAR}") from wrong
