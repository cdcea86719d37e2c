"""Is a yes to a criterion good or bad? What "does not", "avoids" and "fails to" do to its polarity.

A yes to "Does the reply avoid slang?" is good, a yes to "Does the reply omit the unit?" is bad, and
a yes to "Does the reply mention the unit?" is neither until it is stated. A wrong polarity trains
the opposite.
"""

import re
from typing import Literal

# `virtue`: it says what is avoided. `failure`: what is missing. `denial`: "does not", which may be
# either: not mentioning the dose is a failure, not mentioning a rumour is a virtue.
Put = Literal["plain", "virtue", "denial", "failure"]

_SUBJECT = (
    r"(?:(?:the|this|its?)\s+)?(?:\w+\s+)?(?:reply|response|answer|text|output|explanation|it)"
)
_ASKED = rf"(?:(?:does|do|did|is|are|was|has|have)\s+{_SUBJECT}\s+)?(?:{_SUBJECT}\s+)?"
_ADVERB = r"(?:\w+ly\s+)?"

_FAILURE = re.compile(
    rf"^{_ASKED}{_ADVERB}(?:fail(?:s|ed)?\s+to|omit(?:s|ted)?|lack(?:s|ed|ing)?|miss(?:es|ed|ing)?|"
    r"neglect(?:s|ed)?|overlook(?:s|ed)?|ignor(?:es?|ed)|forget(?:s)?|leaves?\s+out)\b",
    re.IGNORECASE,
)
_VIRTUE = re.compile(
    rf"^{_ASKED}{_ADVERB}(?:avoid(?:s|ed|ing)?|refrain(?:s|ed)?|abstain(?:s|ed)?|steers?\s+clear|"
    r"(?:must|should)\s*(?:not|n['’]t|never|avoid)|free\s+(?:of|from))\b",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    rf"^{_ASKED}{_ADVERB}(?:(?:does|do|did|is|are|was|has|have)\s*(?:not|n['’]t)|never|not)\b",
    re.IGNORECASE,
)
_CONTRACTED = re.compile(
    rf"^(?:does|do|did|is|are|was|has|have)n['’]t\s+(?:{_SUBJECT}\s+)?\w", re.IGNORECASE
)
_TURNED = re.compile(
    rf"^(?:{_SUBJECT}\s+)?(?:does\s+not|doesn['’]t|fails?\s+to)\s+(?P<verb>[a-z]+\b)(?P<rest>[^.?!]*)[.?!]*$",
    re.IGNORECASE,
)
_OTHER_PART = re.compile(r";|\b(?:and|but|yet|instead|rather|although|while|unless)\b", re.I)


def put(text: str) -> Put:
    """The polarity of a question or statement about the reply, by its first words.

    `virtue` for "avoids", "is free of", "must not"; `denial` for "does not", "never"; `failure` for
    "fails to", "omits"; else `plain`, as "Does the reply give a number without its unit?".

    Example:
        >>> [put(t) for t in ("Avoids slang", "Does not swear", "Omits the unit", "Is it short?")]
        ['virtue', 'denial', 'failure', 'plain']
    """
    text = text.strip()
    if _FAILURE.match(text):
        return "failure"
    if _VIRTUE.match(text):
        return "virtue"
    return "denial" if _DENIAL.match(text) or _CONTRACTED.match(text) else "plain"


def turned(text: str) -> str:
    """The positive question of a statement that begins with "does not" or "fails to"; "" if unsure.

    A no to it is a yes to `text`, and vice versa. A statement with a second part ("... but names
    the other") is unsure, since the negation may not apply to it.
    """
    found = _TURNED.match(text.strip())
    if not found or _OTHER_PART.search(found["rest"]):
        return ""
    return f"Does the reply {found['verb'].lower()}{found['rest'].rstrip()}?"
