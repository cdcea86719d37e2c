"""How often, in the prompt's own words, has something to be there?

Published arguments do not always say what the prompt says: `SECTION` four times, exactly or at least?
Where the prompt's words can be read in one way only, they decide; otherwise the arguments do.
"""

import re
from collections.abc import Iterator
from typing import Literal

from twofold.constraints.counting import Bound, Relation

_TEENS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen"),
    *("nineteen", "twenty"),
)
_TENS = {"thirty": 30, "forty": 40, "fifty": 50, "hundred": 100}
_NUMBERS = {word: n for n, word in enumerate(_TEENS)} | _TENS
_ONCE = {"once": 1, "twice": 2, "thrice": 3}
_N = rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,6}}|{'|'.join(_NUMBERS)})"

# What stands before or after a number: the relation, and what it adds to the number.
_RELATIONS: dict[str, tuple[Relation | Literal["exactly"], int]] = {
    **dict.fromkeys(("at least", "no fewer than", "not fewer than"), ("at least", 0)),
    **dict.fromkeys(("no less than", "not less than", "minimum of"), ("at least", 0)),
    **dict.fromkeys(("+", "or more"), ("at least", 0)),
    **dict.fromkeys(("more than", "over"), ("at least", 1)),
    **dict.fromkeys(("at most", "no more than", "not more than", "up to"), ("less than", 1)),
    **dict.fromkeys(("maximum of", "or less", "or fewer", "no longer than"), ("less than", 1)),
    **dict.fromkeys(("less than", "fewer than", "under", "below"), ("less than", 0)),
    **dict.fromkeys(("exactly", "precisely", "only"), ("exactly", 0)),
}
_AFTER = r"(?:\+|\s+or\s+(?:more|less|fewer)\b)"
# The longer phrase first: "no more than" is not "more than".
_BEFORE = "|".join(
    sorted(_RELATIONS.keys() - {"+", "or more", "or less", "or fewer"}, key=len)[::-1]
)

# "Avoid using it more than twice": at most two times.
_NEGATED = re.compile(
    r"\b(?:avoid|not|never|without|don['’]t|cannot|can['’]t)\b(?:(?!\band\b|\bbut\b)[^.,;:!?()])*\Z",
    re.I,
)
_OPPOSITE: dict[Relation | Literal["exactly"], Relation] = {
    "at least": "less than",
    "less than": "at least",
}


def stated_bound(prompt: str, noun: str, registry: Bound) -> Bound | None:
    """The bound that `prompt` states on the number of `noun`, if it is not the registry's.

    Args:
        prompt: The prompt, or its sentence that states the constraint.
        noun: A regular expression for what is counted, e.g. `sections?`.
        registry: What the published arguments say.

    Returns:
        None where the prompt states the registry's bound, none, or several.

    Example:
        >>> stated_bound("Include at least two sections.", "sections?", Bound("exactly", 2))
        Bound(relation='at least', n=2)
        >>> stated_bound("It must have 2 sections.", "sections?", Bound("exactly", 2)) is None
        True
    """
    thing = rf"\s+(?:(?!and\b|or\b)[\w'*-]+\s+){{0,2}}?(?:{noun})\b"
    return _one(set(_bounds(prompt, thing)), registry)


def stated_times(prompt: str, what: str, registry: Bound) -> Bound | None:
    r"""As `stated_bound`, for what should appear so many times; only sentences that name it count.

    Args:
        prompt: As there.
        what: A regular expression for what is counted, e.g. `\\bstory\\b`.
        registry: What the published arguments say.

    Example:
        >>> stated_times("Mention the name Sarah only once.", "Sarah", Bound("less than", 2))
        Bound(relation='exactly', n=1)
    """
    found: set[Bound] = set()
    for sentence in re.split(r"(?<=[.!?])\s+|\n+", prompt):
        if re.search(what, sentence, re.IGNORECASE):
            found.update(_bounds(sentence, r"\s+times?\b", rf"(?:{'|'.join(_ONCE)})\b"))
    return _one(found, registry)


def _one(found: set[Bound], registry: Bound) -> Bound | None:
    """The one bound that is found, if it can be the registry's in other words."""
    if len(found) != 1 or registry in found:
        return None
    (bound,) = found
    # "Exactly 1" is within "less than 2", and "at most 3" a reading of 3.
    tighter = Bound("less than", bound.n + 1) == registry and bound.relation == "exactly"
    at_most = Bound("less than", registry.n + 1) == bound and registry.relation == "exactly"
    related = bound.n == registry.n or bound.relation == registry.relation or tighter or at_most
    return bound if related else None


def _bounds(text: str, thing: str, alone: str = r"(?!)") -> Iterator[Bound]:
    """Every bound on `thing` in `text`; a range states two. `alone` matches a number without a noun."""
    one_range = re.compile(rf"\b({_N})\s*(?:to|or|and|-|–|—)\s*({_N}){thing}", re.IGNORECASE)
    for found in one_range.finditer(text):
        yield Bound("at least", _value(found[1]))
        yield Bound("less than", _value(found[2]) + 1)
    one_bound = re.compile(
        rf"(?:\b(?P<before>{_BEFORE})\s+)?\b(?:(?P<n>{_N})(?P<after>{_AFTER})?{thing}|(?P<once>{alone}))"
        rf"(?P<later>{_AFTER})?",
        re.IGNORECASE,
    )
    text = one_range.sub(" ", text)
    for found in one_bound.finditer(text):
        said = found["before"] or found["after"] or found["later"]
        if said:
            relation, more = _RELATIONS[" ".join(said.lower().split())]
            if _NEGATED.search(text[: found.start()]):
                relation = _OPPOSITE.get(relation, relation)
            yield Bound(relation, _value(found["n"] or found["once"]) + more)


def _value(number: str) -> int:
    plain = number.lower().replace(",", "")
    return int(plain) if plain.isdecimal() else (_NUMBERS | _ONCE)[plain]
