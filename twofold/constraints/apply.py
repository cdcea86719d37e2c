"""How is a reply made to obey several rules at once? One edit after the other, until all rules are met."""

from collections.abc import Sequence

from twofold.constraints.parts import settled
from twofold.types import Constraint

# Which parts of a reply are settled first: what it says, then its lines, its signs, its frame. A later
# edit then finds the text that it has to leave as it is.
_ORDER = ("words", "length", "lines", "sentences", "marks", "case", "start", "end")

# How often all rules are tried, since an edit may break a rule that was met before. Other orders than this
# one were tried: they rescue 4 of 263 drawn problems and take three times as long.
_ROUNDS = 2


def apply_all(constraints: Sequence[Constraint], text: str) -> str | None:
    """The reply `text` edited so that it obeys all of the constraints; see `Constraint.apply`.

    Returns:
        None where no edit is known, or the edits that are known undo one another.

    Example:
        >>> from twofold.constraints import from_spec
        >>> names = ("startend:quotation", "detectable_format:title")
        >>> rules = [from_spec(name, None, profile="fixed") for name in names]
        >>> apply_all(rules, "It is 4.").endswith('It is 4."')
        True
    """
    order = sorted(constraints, key=_place)
    for _ in range(_ROUNDS):
        broken = [rule for rule in order if rule.check(text).score != 1.0]
        if not broken:
            return text
        for rule in broken:
            edited = rule.apply(text)
            if edited is None:
                return None
            text = edited
    return text if all(rule.check(text).score == 1.0 for rule in order) else None


def can_apply(constraint: Constraint) -> bool:
    """Whether replies can be made to obey a rule of this type at all."""
    return is_applied(type(constraint))


def is_applied(cls: type[Constraint]) -> bool:
    """Whether a type has an edit that makes replies obey it; see `Constraint.apply`."""
    return cls._edited is not Constraint._edited


def _place(constraint: Constraint) -> int:
    """The place of a rule in the order: that of the last part which it settles."""
    parts = settled(constraint.name)
    return max((i for i, part in enumerate(_ORDER) if part in parts), default=0)
