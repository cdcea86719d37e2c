"""What does a server not take of a request? Learned from its refusals, once, and told.

Servers name the token budget differently and refuse what others require: newer models of OpenAI take
no `max_tokens` and no temperature but 1, strict servers no `seed`. Their error says which. Such a
request is asked again without that parameter, or with its other name, and what then works holds for
all later requests.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, final

from twofold.models.openai.failure import Failure

_log = logging.getLogger(__name__)

# The names of the token budget; the first is ours, the second is tried where an error names none.
BUDGET = ("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens")
# What a reply can be asked without. Each is left out at most once, so asking again ends.
OPTIONAL = ("stream", "seed", "top_p", "temperature")
# What a request is useless without.
NEEDED = ("logprobs", "top_logprobs")

# The statuses with which servers refuse a parameter; some send errors with 200.
_STATUSES = (200, 400, 403, 405, 415, 422, 501)
_UNKNOWN = re.compile(
    r"(?i)unsupported|(?:not|n't)(?: currently)? (?:be )?(?:support|allowed|permitted|accept|valid|"
    r"recogni|implemented|available)|unknown|unrecogni|unexpected|extra|forbidden|deprecated|"
    r"additional propert|instead|no longer|illegal|disabled|cannot find|"
    r"invalid (?:argument|parameter|field|key)"
)
_TOO_LONG = re.compile(r"(?i)too (?:large|long|many|big|high)|at most|maximum|exceed|context")
_BAD_VALUE = re.compile(
    r"(?i)must be|should be|only the default|cannot|invalid|out of range|not in range|range:|"
    r"(?:greater|less|larger|smaller)[ _]than"
)
_REQUIRED = re.compile(r"(?i)missing|required")
_EITHER = re.compile(r"(?i)\bboth\b|together|only one|same time|simultaneously")
# Keys under which an error names the parameter that it is about.
_NAMES = ("param", "parameter", "field", "argument", "property", "additionalProperty")
_DEEPEST = 8  # nesting of an error that is looked at


@final
@dataclass(frozen=True)
class Changes:
    """How a request is changed for a server: what is left out, and how the budget is called.

    Example:
        >>> changes = Changes(left_out={"seed": "HTTP 400: unknown field seed"})
        >>> changes.applied({"model": "m", "seed": 1, "max_tokens": 9})
        {'model': 'm', 'max_tokens': 9}
    """

    left_out: Mapping[str, str] = field(default_factory=dict)  # by name: the server's words
    budget: str = BUDGET[0]

    def applied(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body that is sent instead of `body`."""
        names = {BUDGET[0]: self.budget}
        return {names.get(k, k): v for k, v in body.items() if k not in self.left_out}

    def after(self, failure: Failure, body: Mapping[str, Any]) -> Changes | None:
        """The changes to try after a failure; None if it is about something else."""
        sent = self.applied(body)
        name = refused(failure, sent)
        if name in BUDGET:
            other = _other_budget(failure, str(name))
            return replace(self, budget=other) if other and other not in body else None
        if name not in OPTIONAL:
            return None
        return replace(self, left_out={**self.left_out, str(name): failure.reason})


@dataclass
class Adaptation:
    """The changes that a server has accepted; shared by all requests to it."""

    changes: Changes = field(default_factory=Changes)

    def keep(self, changes: Changes, url: str) -> None:
        """What the server accepted; new changes are logged once."""
        for name in changes.left_out.keys() - self.changes.left_out.keys():
            _log.warning("%s refuses %s, which is left out: %s", url, name, changes.left_out[name])
        if changes.budget != self.changes.budget:
            _log.warning("%s takes %s instead of %s", url, changes.budget, BUDGET[0])
        self.changes = changes

    def told(self) -> dict[str, object]:
        """For a manifest: what was left out and renamed; empty if nothing was."""
        found: dict[str, object] = {}
        if self.changes.left_out:
            found["left_out"] = dict(self.changes.left_out)
        if self.changes.budget != BUDGET[0]:
            found["renamed"] = {BUDGET[0]: self.changes.budget}
        return found


def refused(failure: Failure, sent: Mapping[str, Any]) -> str | None:
    """The parameter of a request that a server refuses by this failure; None if it names none.

    A prompt that is too long is no refusal, though the message may name the budget.
    """
    if failure.status not in _STATUSES:
        return None
    names = [name for name in sent if name not in ("model", "messages")]
    for complaint in _complaints(failure.answer):
        for name in complaint.named(names):
            unknown = _UNKNOWN.search(complaint.words)
            if name in BUDGET and unknown and not _TOO_LONG.search(complaint.words):
                return name
            if name not in BUDGET and (unknown or _BAD_VALUE.search(complaint.words)):
                return name
    if any(_REQUIRED.search(c.words) for c in _complaints(failure.answer)):
        budget = next((name for name in names if name in BUDGET), None)
        return budget if budget and _other_budget(failure, budget, named_only=True) else None
    return None


@final
@dataclass(frozen=True)
class _Complaint:
    """One message of an error, and the parameter that it is filed under, if any."""

    words: str
    about: str = ""

    def named(self, names: list[str]) -> list[str]:
        """Those of `names` that it complains about, the likeliest first."""
        if self.about:
            return [name for name in names if _spelled(name).fullmatch(self.about)]
        places = {name: at for name in names if (at := _mention(name, self.words)) is not None}
        found = sorted(places, key=places.__getitem__)
        if len(found) > 1 and _EITHER.search(self.words):
            found.sort(key=lambda name: OPTIONAL.index(name) if name in OPTIONAL else 0)
        return found[:1]


def _complaints(answer: object, depth: int = 0) -> Iterator[_Complaint]:
    """The messages of an error body; those that name their parameter apart come first."""
    if depth > _DEEPEST:
        return
    if isinstance(answer, str):
        yield _Complaint(answer[:4000])
    elif isinstance(answer, list):
        for each in answer[:20]:
            yield from _complaints(each, depth + 1)
    elif isinstance(answer, dict):
        about = _about(answer)
        if about:
            texts = (v for v in answer.values() if isinstance(v, str))
            yield _Complaint(" ".join(texts)[:4000], about)
        else:
            texts = (v for k, v in answer.items() if isinstance(v, str) and k != "type")
            yield _Complaint(" ".join(texts)[:4000])
            for each in list(answer.values())[:20]:
                if not isinstance(each, str):
                    yield from _complaints(each, depth + 1)


def _about(error: Mapping[str, Any]) -> str:
    """The parameter that an error is filed under: OpenAI's `param`, pydantic's `loc`."""
    loc = error.get("loc")
    if isinstance(loc, list):
        place = [each for each in loc if isinstance(each, str) and each != "body"]
        return place[0] if place else ""
    found = (error.get(key) for key in _NAMES)
    return next((str(each).removeprefix("body.") for each in found if isinstance(each, str)), "")


def _spelled(name: str) -> re.Pattern[str]:
    """The name as `top_p`, `topP` or `top-p`."""
    return re.compile(r"(?i)" + name.replace("_", "[_-]?"))


def _mention(name: str, text: str) -> int | None:
    """Where a message names a parameter; None if it does not, or only uses the word."""
    word = rf"(?<![\w.]){_spelled(name).pattern[4:]}(?![\w.]*\w)"
    if "_" not in name:  # `seed` and `temperature` are also words of a prompt that is quoted
        before = (
            r"(?:[\"'`\[(:,]\s*|(?:parameters?|arguments?|fields?|keys?|propert\w+|supports?) )"
        )
        word = rf"(?:^\W*|{before})(?:{word})|{word}(?=\W* (?:is|must|should|cannot|does|range))"
    found = re.search(rf"(?i){word}", text)
    return found.start() if found else None


def _other_budget(failure: Failure, name: str, *, named_only: bool = False) -> str | None:
    """The budget's name that an error asks for instead of `name`."""
    texts = " ".join(f"{c.about} {c.words}" for c in _complaints(failure.answer))
    asked = [o for o in BUDGET if o != name and re.search(rf"\b{o}\b", texts)]
    default = BUDGET[1] if name == BUDGET[0] and not named_only else None
    return asked[0] if asked else default
