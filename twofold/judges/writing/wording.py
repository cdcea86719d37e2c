"""Does a criterion's wording let it be judged? One demand, answered by yes or no, about the reply.

The rules look at words and not at grammar: they are quick, the same for everybody, and call an error
only what they are sure of.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from twofold.checklist import Criterion
from twofold.judges.writing.polarity import put
from twofold.problems.lint import Severity

Found = tuple[str, str, Severity]
"""A rule's name, what it found with the remedy, and how bad it is."""

_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|(?<!\w)'[^']*'(?!\w)|`[^`]*`")
_OPEN = re.compile(r"^(?:what|which|who|whom|whose|why|how|where)\b", re.IGNORECASE)
_ORDER = re.compile(
    r"^(?:please|write|give|use|make|ensure|include|mention|avoid|provide|explain|state|list|"
    r"describe|keep|name|be|don['’]t|must|should|try)\b(?!\s+(?:the|this)\s+(?:reply|response))",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    r"^(?:does|do|did|is|are|was|were|has|have|can|could|will|would|should)\s+(?:the|this|a|an)\s+"
    r"(?:user|question|instruction|task|prompt|request|judge|grader|reader|author|model\s+answer|"
    r"reference)s?\b",
    re.IGNORECASE,
)
_AUXILIARY = r"(?:does|do|is|are|was|has|have|it|must|should)"
_VERB = (
    r"(?:\w+ly\s+)?(?:not\s+)?(?:avoid|mention|use|explain|give|state|end|start|begin|provide|contain|"
    r"describe|list|name|show|cite|write|written|include|follow|answer|stay|remain|recommend|suggest|"
    r"compare|identify|finalize|address|say|keep|reach|define|finish|close|open|offer|ask|tell|quote|"
    r"calculate|compute|prove|justify|summari[sz]e|discuss|consider|warn|refer|link|add)"
    r"(?:e?s|ing|ed|d)?\b"
)
_SECOND_VERB = re.compile(
    rf"\b(and|or|but|while|as\s+well\s+as)\s+(?:also\s+)?(?:{_AUXILIARY}\b|{_VERB})", re.IGNORECASE
)
_QUALITIES = re.compile(
    r"^(?:is|are)\s+(?:the|this|its)\s+\w+\s+(?:\w+ly\s+)?\w+(?:,\s+\w+)*,?\s+(and|or)\s+(?:\w+ly\s+)?\w+\s*\?*$",
    re.IGNORECASE,
)
_JOINED = re.compile(r"\w,?\s+(?:and|as\s+well\s+as|along\s+with|plus)\s+\w", re.IGNORECASE)
_ONE_THING = re.compile(
    r"\bbetween\s+\S+\s+and\s+\S+|\band\s+so\s+on\b|\bback\s+and\s+forth\b", re.I
)
_OPINION = re.compile(
    r"\b(good|great|excellent|nice|interesting|engaging|appropriate(?:ly)?|well[- ]written|suitable|"
    r"high[- ]quality|insightful|beautiful|impressive|reasonable|adequate(?:ly)?|proper(?:ly)?)\b",
    re.IGNORECASE,
)


def wording(criterion: Criterion) -> Iterator[Found]:
    """What is wrong with how a criterion is worded.

    Args:
        criterion: One that no rule decides.

    Yields:
        `not_yes_no`, `not_about_reply`, `not_atomic`, `sign_trap`, `put_negatively`, `subjective`: see
        `twofold.judges.lint`.

    Example:
        >>> [rule for rule, _, _ in wording(Criterion(text="Is the reply clear and polite?"))]
        ['not_atomic']
    """
    yield from _question(criterion)
    yield from _atomic(criterion)
    yield from _polarity(criterion)
    if opinion := _OPINION.search(_unquoted(criterion.text)):
        detail = f"{opinion[0]!r} is a matter of opinion; say what a reader would see"
        yield "subjective", detail, "warning"


def _question(criterion: Criterion) -> Iterator[Found]:
    """Whether yes or no answers it, and of the reply."""
    text = criterion.text.strip()
    if _OPEN.match(text) or len(re.findall(r"\w+", text)) < 3:
        yield "not_yes_no", "no yes or no answers this; ask 'Does the reply ...?'", "error"
    elif _ORDER.match(text):
        yield "not_yes_no", "an order; ask whether it is done: 'Does the reply ...?'", "warning"
    if _OTHERS.match(text):
        yield "not_about_reply", "it is not about the reply; ask 'Does the reply ...?'", "error"


def _atomic(criterion: Criterion) -> Iterator[Found]:
    """Whether it asks for one thing."""
    text = _ONE_THING.sub("", _unquoted(criterion.text)).strip()
    remedy = "make each demand a criterion of its own"
    if ";" in text or text.count("?") > 1 or re.search(r"\n\s*\S", text):
        yield "not_atomic", f"it asks several things; {remedy}", "error"
    elif found := _SECOND_VERB.search(text) or _QUALITIES.match(text):
        either = found[1].lower() == "or"
        detail = f"{found[1]!r} joins two demands; {remedy}"
        if either:
            detail = f"'or' joins two ways to do well; if both are demanded, {remedy}"
        yield "not_atomic", detail, "warning" if either else "error"
    elif _JOINED.search(text):
        yield "not_atomic", f"it may ask two things ('and'); if so, {remedy}", "warning"


def _polarity(criterion: Criterion) -> Iterator[Found]:
    """Whether what yes means is what its polarity says."""
    way = put(criterion.text)
    if criterion.pitfall and way in ("virtue", "denial"):
        detail = (
            "a pitfall whose yes sounds good: ask for the mistake itself if doing it is bad, or, if "
            "leaving it out is bad, for the thing itself with pitfall set to false"
        )
        yield "sign_trap", detail, "error"
    elif not criterion.pitfall and way == "failure":
        detail = "a demand whose yes is bad: ask for the thing itself, or set pitfall to true"
        yield "sign_trap", detail, "error"
    elif way in ("virtue", "denial"):
        detail = "put negatively: say what the reply does instead, or make a pitfall of the mistake"
        yield "put_negatively", detail, "warning"
    elif way == "failure":
        detail = "a pitfall of omission: ask for what is missing and set pitfall to false"
        yield "put_negatively", detail, "warning"


def _unquoted(text: str) -> str:
    return _QUOTED.sub("'x'", text)
