"""The opposite of a rule, as a rule of its own: met by exactly the replies that break the other one."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, final

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.constraints.affix import EndPhrase, NoComma, Quotation
from twofold.constraints.case import CapitalWordFrequency
from twofold.constraints.content import Placeholders, Postscript
from twofold.constraints.counting import plural
from twofold.constraints.format import BulletLists, HighlightedSections
from twofold.constraints.keywords import Existence, ForbiddenWords, Frequency, LetterFrequency
from twofold.constraints.length import NumberSentences, NumberWords
from twofold.constraints.structure import Title
from twofold.types import Constraint, Profile, Verdict

Sentence = Callable[[Any], str]


def _listed(words: Sequence[str]) -> str:
    return ", ".join(map(repr, words))


def _turned(field: str) -> Sentence:
    """The same count with the other relation."""

    def sentence(rule: Any) -> str:
        other = "at least" if getattr(rule, field) == "less than" else "less than"
        said: str = replace(rule, **{field: other}).instruction()
        return said

    return sentence


# Rules with a relation, whose other relation is their exact complement.
TURNED: Mapping[type[Constraint], Sentence] = {
    NumberWords: _turned("relation"),
    NumberSentences: _turned("relation"),
    Frequency: _turned("relation"),
    LetterFrequency: _turned("let_relation"),
    CapitalWordFrequency: _turned("capital_relation"),
}

# Others whose complement can be said in plain words.
_SAID: Mapping[type[Constraint], Sentence] = {
    **TURNED,
    NoComma: lambda c: "Use at least one comma.",
    Quotation: lambda c: "Do not put your entire answer in double quotation marks.",
    EndPhrase: lambda c: f'Do not end your answer with this phrase: "{c.end_phrase.strip()}"',
    Title: lambda c: "Write no title in double angular brackets.",
    Postscript: lambda c: f"Add no postscript that starts with {c.postscript_marker.strip()}",
    Existence: lambda c: (
        f"Leave out at least one of these words: {_listed(c.keywords)}."
        if len(c.keywords) > 1
        else f"Do not use the word {_listed(c.keywords)}."
    ),
    ForbiddenWords: lambda c: (
        f"Use at least one of these words: {_listed(c.forbidden_words)}."
        if len(c.forbidden_words) > 1
        else f"Use the word {_listed(c.forbidden_words)}."
    ),
    BulletLists: lambda c: (
        f"Do not use exactly {plural(c.num_bullets, 'markdown bullet point')} in your answer."
    ),
    HighlightedSections: lambda c: (
        f"Highlight fewer than {plural(c.num_highlights, 'part')} of your answer in markdown."
    ),
    Placeholders: lambda c: (
        f"Use fewer than {plural(c.num_placeholders, 'placeholder')} in square brackets."
    ),
}


@final
@dataclass(frozen=True)
class Opposite(Constraint):
    """A reply obeys it if it breaks another rule; the two scores of a reply add up to 1.

    So do their distances: graded, the opposite is worth how far the reply is from the rule, and
    unlike any other rule's its distance is not 0 where it is met. A blank reply breaks both, and what
    cannot be judged by one cannot by the other.

    Args:
        rule: The registry name of the other rule.
        given: Its arguments as JSON.
        said: The words that it is read by (`Constraint.worded`); "" = the registry's.

    Example:
        >>> rule = from_spec("punctuation:no_comma", None, profile="fixed")
        >>> other = opposite(rule)
        >>> other.instruction(), other.check("So, 12.").score, rule.check("So, 12.").score
        ('Use at least one comma.', 1.0, 0.0)
    """

    name = "contrast:opposite"
    group = "content"
    family = "opposite"
    departure = ""
    rule: str
    given: str
    said: str
    profile: Profile

    @cached_property
    def of(self) -> Constraint:
        """The other rule."""
        return from_spec(self.rule, json.loads(self.given), profile=self.profile).worded(self.said)

    def wordings(self) -> tuple[str, ...]:
        """In plain words where the rule is read as in the registry; else as a rule to break."""
        is_usual = self.of == from_spec(self.rule, json.loads(self.given), profile=self.profile)
        said = _SAID.get(type(self.of)) if is_usual else None
        stated = self.said or self.of.instruction()
        return (said(self.of) if said else f"Break the rule in these brackets: [{stated}]",)

    def witnesses(self) -> tuple[str, str]:
        """Those of the rule, exchanged."""
        obeys, breaks = self.of.witnesses()
        return breaks, obeys

    def _official(self, text: str) -> Verdict:
        return _reversed(self.of._official(text))

    def _fixed(self, text: str) -> Verdict:
        return _reversed(self.of._fixed(text))


def _reversed(check: Verdict) -> Verdict:
    if check.score is None:
        return check
    distance = None if check.distance is None else 1.0 - check.distance
    return Verdict(1.0 - check.score, f"of the rule to break: {check.reason}", distance=distance)


def opposite(rule: Constraint, said: str = "") -> Opposite | None:
    """The opposite of a rule that a prompt states with the words `said` ("": the registry's).

    None for a rule that no reply can break (at least 0 words), and for one that is not registered.

    Example:
        >>> args = {"num_words": 9, "relation": "less than"}
        >>> opposite(from_spec("length_constraints:number_words", args, profile="fixed")).instruction()
        'Write at least 9 words.'
    """
    if CONSTRAINTS.get(rule.name) is not type(rule) or not rule.witnesses()[1].strip():
        return None
    given = json.dumps(rule.args(), ensure_ascii=False, sort_keys=True)
    return Opposite(rule.name, given, said, rule.profile)
