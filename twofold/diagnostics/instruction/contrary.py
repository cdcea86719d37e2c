"""The opposite of a constraint, in words. Only a model that reads obeys both a rule and its opposite."""

from collections.abc import Callable, Mapping
from typing import Any

from twofold.constraints import from_spec
from twofold.constraints.affix import EndPhrase, NoComma, Quotation
from twofold.constraints.case import EnglishCapital, EnglishLowercase
from twofold.constraints.content import Placeholders, Postscript
from twofold.constraints.format import BulletLists, HighlightedSections
from twofold.constraints.keywords import Existence, ForbiddenWords
from twofold.constraints.opposite import TURNED
from twofold.constraints.structure import Title
from twofold.types import Constraint


def _rule(name: str, **args: object) -> str:
    return from_spec(name, args or None, profile="fixed").instruction()


_OPPOSITES: Mapping[type[Constraint], Callable[[Any], str]] = {
    **TURNED,
    Existence: lambda c: _rule("keywords:forbidden_words", forbidden_words=[*c.keywords]),
    ForbiddenWords: lambda c: _rule("keywords:existence", keywords=[*c.forbidden_words]),
    EnglishCapital: lambda c: _rule("change_case:english_lowercase"),
    EnglishLowercase: lambda c: _rule("change_case:english_capital"),
    NoComma: lambda c: "Use at least one comma.",
    Quotation: lambda c: "Put no quotation marks around the reply.",
    Title: lambda c: "Write no title.",
    Postscript: lambda c: f"Do not write {c.postscript_marker} anywhere.",
    Placeholders: lambda c: "Use no placeholders in square brackets.",
    BulletLists: lambda c: "Use no bullet points.",
    HighlightedSections: lambda c: "Highlight nothing with asterisks.",
    EndPhrase: lambda c: f"Do not end with the phrase {c.end_phrase}",
}


def contrary(constraint: Constraint) -> str | None:
    """The sentence that asks for the opposite; None for a rule without a natural one.

    Example:
        >>> contrary(from_spec("punctuation:no_comma", None, profile="fixed"))
        'Use at least one comma.'
        >>> args = {"num_words": 9, "relation": "less than"}
        >>> contrary(from_spec("length_constraints:number_words", args, profile="fixed"))
        'Write at least 9 words.'
    """
    said = _OPPOSITES.get(type(constraint))
    return said(constraint) if said else None
