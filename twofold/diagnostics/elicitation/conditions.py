"""Which conditions fired? Each is a rule over saved numbers, named with them and never a bare label.

They do not exclude each other: a gain may be half form and half sharpening. Where none holds, nothing is
claimed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard, final

from twofold.diagnostics.elicitation.collect import AS_ASKED, SAMPLED
from twofold.diagnostics.elicitation.coverage import BEYOND
from twofold.diagnostics.elicitation.prompts import HINTS, FewShot
from twofold.diagnostics.elicitation.token_shift.measures import likelihood_in_words
from twofold.types import Comparison, Estimate, Finding, Slice

MOST = 0.5  # the share of a gain above which something explains most of it
RARE = 0.02  # up to this share of problems found, nothing was

# Arms that change the prompt, and so what the form of a reply is worth
_PROMPTS = ("best_prompt", *HINTS, FewShot.name)


@final
@dataclass(frozen=True)
class Condition:
    """One rule, whether it fired, and the numbers that decided.

    Args:
        because: The numbers, in a sentence without its full stop.
    """

    name: str
    has_fired: bool
    because: str


MEANING = {
    "format_artefact": "most of the gain is had by the form of the reply",
    "sharpening": "the base has what was gained, and the tuned model does it more often",
    "narrowing": "the gain at one try is bought with problems that are no longer solved",
    "new_capability_within_budget": "the tuned model solves what the base does not in as many tries, nor "
    "with any elicitor",
}


def conditions(found: Finding) -> list[Condition]:
    """Every condition that the numbers of a pair can decide; empty without a pair."""
    gain = found.comparison("pass_at_k", condition=SAMPLED, slice=Slice("k", "1"))
    own = found.comparison("accuracy", condition=AS_ASKED)
    judged = []
    if rises(own):
        judged.append(_format_artefact(found))
    if gain is not None and rises(gain):
        is_form = any(each.has_fired for each in judged)
        judged += [_sharpening(found), _narrowing(found), _new_capability(found, gain, is_form)]
    return judged


def in_words(judged: Sequence[Condition]) -> Iterator[str]:
    """A sentence for each condition, those that fired first; what it means if none did."""
    fired = [each for each in judged if each.has_fired]
    for each in fired:
        yield f"Fired: {each.name.replace('_', ' ')} ({MEANING[each.name]}): {each.because}."
    for each in judged:
        if not each.has_fired:
            yield f"Did not fire: {each.name.replace('_', ' ')}: {each.because}."
    if judged and not fired:
        yield "Mixed: no condition fired, so the gain gets no label; read the table."


def _format_artefact(found: Finding) -> Condition:
    """A prompt reaches more than half of the gain, or the gain is where the base stated no answer."""
    shares = {
        arm: share
        for arm in _PROMPTS
        if (
            share := found.estimate("recovery", role="baseline", condition=arm, slice=_of(AS_ASKED))
        )
    }
    chosen = shares.get("best_prompt")
    unstated = found.estimate("unstated_share", condition=AS_ASKED)
    fired = any(each is not None and _is_most(each) for each in (chosen, unstated))
    said = [
        f"the best prompt recovers {_share(chosen)} of the gain",
        f"{_share(unstated)} of it is on problems where the base stated no answer",
    ]
    return Condition("format_artefact", fired, " and ".join(said))


def _sharpening(found: Finding) -> Condition:
    """Nothing is found, even in further tries, and decoding otherwise has most of the gain.

    A lead at the largest k says only that the base would need more tries, which it has been given.
    """
    crossed = found.estimate("crossover", condition=SAMPLED)
    new, last = found.estimate("found", condition=SAMPLED), _at_most_tries(found)
    arm, best = _best_decoding(found)
    fired = new is not None and new.value <= RARE and best is not None and _is_most(best)
    said = [
        _crossing(found, crossed),
        f"the lead at the largest k is {_difference(last)}",
        f"{_share(new)} of the problems are found",
        f"{arm or 'no way of decoding'} recovers {_share(best)} of the sampled gain",
    ]
    return Condition("sharpening", fired, ", ".join(said) + _beside(found))


def _narrowing(found: Finding) -> Condition:
    """Fewer problems are solved at all, or at the largest number of tries."""
    solved = found.comparison("solved", condition=SAMPLED)
    last = _at_most_tries(found)
    falls = [each for each in (solved, last) if _is_significant(each) and each.difference.high < 0]
    lost = found.estimate("lost", condition=SAMPLED)
    said = [
        f"problems ever solved changed by {_difference(solved)}",
        f"pass@k at the largest k by {_difference(last)}",
        f"{_share(lost)} of the problems are lost",
    ]
    return Condition("narrowing", bool(falls), ", ".join(said))


def _new_capability(found: Finding, gain: Comparison, is_form: bool) -> Condition:
    """Ahead at every number of tries, with problems found that no elicitor of the base solves either.

    Recovery does not enter: a vote may win back as much accuracy on the problems that the base knew.

    Where most of the gain is the form of the reply, the base's samples have the same wrong form, so that
    they show nothing of what it can do.
    """
    crossed = found.estimate("crossover", condition=SAMPLED)
    new, last = found.estimate("found", condition=SAMPLED), _at_most_tries(found)
    beyond = found.estimate(BEYOND, condition=SAMPLED)
    fired = (
        not is_form
        and crossed is None
        and rises(last)
        and beyond is not None
        and beyond.value > RARE
        and beyond.low > 0
    )
    said = [
        f"ahead by {_difference(gain)} at one try and {_difference(last)} at the largest k",
        _crossing(found, crossed),
        f"{_share(new)} of the problems are found",
        f"{_share(beyond)} are found and solved by no elicitor of the base",
    ]
    said += ["and the base's samples are no evidence, since the format artefact fired"] * is_form
    return Condition("new_capability_within_budget", fired, ", ".join(said) + _beside(found))


def _beside(found: Finding) -> str:
    """What the tokens say, which decides nothing: no threshold of it has a ground."""
    told = " and ".join(likelihood_in_words(found))
    return f"; beside the rule: {told}" if told else ""


def _best_decoding(found: Finding) -> tuple[str, Estimate | None]:
    """The arm that recovers most of the sampled gain, with its recovery."""
    shares = [
        (m.condition, m.estimate)
        for m in found.measures
        if m.metric == "recovery" and m.slice == _of(SAMPLED)
    ]
    arm, best = max(shares, key=lambda each: each[1].value, default=("", None))
    return "as_asked (greedy)" if arm == AS_ASKED else arm, best


def _at_most_tries(found: Finding) -> Comparison | None:
    """The difference of pass@k at the largest k."""
    gains = [c for c in found.contrasts if c.metric == "pass_at_k" and c.versus == "baseline"]
    largest = max(gains, key=lambda c: int(c.slice.value), default=None)
    return None if largest is None else largest.comparison


def _is_significant(found: Comparison | None) -> TypeGuard[Comparison]:
    """Whether a difference is significant within its family."""
    return found is not None and found.with_adjusted_p().p < 1 - found.difference.level


def rises(found: Comparison | None) -> bool:
    """Whether a difference is above zero by its interval and by its test."""
    return _is_significant(found) and found.difference.low > 0


def _is_most(share: Estimate) -> bool:
    return share.value > MOST and share.low > 0


def _of(scale: str) -> Slice:
    return Slice("scale", scale)


def _crossing(found: Finding, crossed: Estimate | None) -> str:
    counts = {count.metric: count.n for count in found.counts}
    if crossed is None:
        return f"the curves do not cross up to k = {counts.get('largest_k', 0)}"
    return f"the curves cross at k = {crossed.value:g} [{crossed.low:g}, {crossed.high:g}]"


def _share(share: Estimate | None) -> str:
    if share is None:
        return "an undefined share"
    return f"{share.value:.2f} [{share.low:.2f}, {share.high:.2f}]"


def _difference(found: Comparison | None) -> str:
    if found is None:
        return "an unknown number"
    each = found.difference
    return f"{each.value:+.3f} [{each.low:+.3f}, {each.high:+.3f}]"
