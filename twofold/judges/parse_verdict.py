"""What is a judge shown, and what did it answer: a number, an abstention, or something unreadable?

Parsing is strict, because a wrong number is worse than none: a judge's text quotes the reply,
counts its faults or is cut. A verdict is a line (or a JSON object) that contains nothing else, at
the start or at the end of the text; if both are verdicts they must agree. What cannot be parsed is
unscored and never zero.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar, final

from twofold.judges.prompt_template import fenced
from twofold.models.thinking import detect_in, split
from twofold.types import FinishReason, Problem, Response, Verdict
from twofold.types.checklist import Criterion

T = TypeVar("T")

SAMPLE = "sample:"  # how the parts of a verdict are called that are a judge's samples
MOST_WORDS = 1000  # characters that are kept of a sample, besides the one that is kept whole


class UnreadReason(StrEnum):
    """Why a judge's reply gives no number."""

    failed = "failed"  # there is no reply: the call failed, or the thought never ended
    abstained = "abstained"  # the judge said that it cannot tell
    unreadable = "unreadable"  # no verdict found, two that differ, or a number out of range


@final
@dataclass(frozen=True)
class Scale:
    """The integers from `low` (worst) to `high` (best) of a judge, and the name it gives them."""

    low: int
    high: int
    key: str

    def read(self, said: Response) -> int | UnreadReason:
        """The number in a judge's reply (never in its thought), or why there is none."""
        text = _spoken(said)
        if text is None:
            return UnreadReason.failed if not said.has_reply else UnreadReason.unreadable
        lines = [line for line in text.split("\n") if line.strip(_DECORATION)]
        if said.finish_reason is FinishReason.truncated:
            lines = lines[:-1]  # the end of the last line may be missing: 10 of 100
        found = [self._object(text), *(self._line(line) for line in (*lines[:1], *lines[-1:]))]
        told = {each for each in found if each is not None}
        return told.pop() if len(told) == 1 else UnreadReason.unreadable

    def _line(self, line: str) -> int | UnreadReason | None:
        """The verdict in a line that contains nothing else; None for any other line."""
        if line.strip().startswith("{"):
            return self._object(line)
        text = line.strip(_DECORATION).rstrip(_DECORATION + _STOPS).translate(_PLAIN).casefold()
        label = (
            rf"(?:(?:final |overall |my )?(?:{re.escape(self.key)}|verdict)(?: is)?\s*[:=]?\s*)?"
        )
        of = rf"(?:\s*(?:/|out of)\s*{self.high}|\s*%|\s*points?)?"
        if re.fullmatch(rf"{label}(?:i )?(?:cannot|can't|can not) (?:say|tell|judge)", text):
            return UnreadReason.abstained
        number = re.fullmatch(rf"{label}[\[({{]*(-?[0-9]{{1,4}}){of}", text)
        return None if number is None else self._within(int(number[1]))

    def _object(self, text: str) -> int | UnreadReason | None:
        """The verdict in the JSON object at the start of `text`; None if there is none."""
        body = re.sub(r"\A\s*```(?:json)?\s*", "", text).lstrip()
        if not body.startswith("{"):
            return None
        try:
            value = _DECODER.raw_decode(body)[0].get(self.key)
        except (ValueError, RecursionError):
            return None
        if isinstance(value, str):
            read = None if value.strip().startswith("{") else self._line(value)
            return UnreadReason.unreadable if read is None else read
        if value is None:
            return None
        return self._within(value) if type(value) is int else UnreadReason.unreadable

    def _within(self, number: int) -> int | UnreadReason:
        if number == -1:
            return UnreadReason.abstained
        return number if self.low <= number <= self.high else UnreadReason.unreadable


@final
@dataclass(frozen=True)
class Readings:
    """A judge's replies to several samples of one question, and what was read in each."""

    said: Sequence[Response]
    read: Sequence[int | UnreadReason]

    def verdict(self, score: Callable[[list[int]], float]) -> Verdict:
        """The score of the numbers, unscored if less than half of the samples gave one.

        Its parts are the samples (`sample:1` ...), each with its own score and the judge's words as the
        reason: a mean of five numbers is nothing that a person could check.
        """
        numbers = [each for each in self.read if not isinstance(each, UnreadReason)]
        n = len(self.read)
        parts = self._samples(score)
        if not numbers or 2 * len(numbers) < n:
            counts = [(why, sum(each is why for each in self.read)) for why in UnreadReason]
            lost = ", ".join(f"{count} {why.value}" for why, count in counts if count)
            error = next((" ".join(each.error.split()) for each in self.said if each.error), "")
            lost += f": {error[:160]}" if error else ""
            return Verdict(None, f"{len(numbers)} of {n} samples gave a number ({lost})", parts)
        reason = f"mean {sum(numbers) / len(numbers):.3g} of {len(numbers)} samples"
        if len(set(numbers)) > 1:
            reason += f" ({min(numbers)} to {max(numbers)})"
        if n > len(numbers):
            reason += f", {n - len(numbers)} lost"
        return Verdict(score(numbers), reason, parts)

    def _samples(self, score: Callable[[list[int]], float]) -> dict[str, Verdict]:
        """The verdict of each sample; the first that was read keeps all its words."""
        numbers = [None if isinstance(each, UnreadReason) else each for each in self.read]
        whole = next((i for i, number in enumerate(numbers) if number is not None), 0)
        return {
            f"{SAMPLE}{i + 1}": Verdict(
                None if number is None else score([number]), _words(said, whole=i == whole)
            )
            for i, (said, number) in enumerate(zip(self.said, numbers, strict=True))
        }


def _words(said: Response, *, whole: bool) -> str:
    """What a judge wrote, thought included; the error of a call that failed."""
    text = said.raw or said.error or said.finish_reason.value.replace("_", " ")
    if whole or len(text) <= MOST_WORDS:
        return text
    return f"{text[:MOST_WORDS]} [… {len(text) - MOST_WORDS} characters left out]"


def polarised(criterion: Criterion, done: Verdict) -> Verdict:
    """The verdict on a reply that does (1) or does not (0) what the criterion says."""
    if not criterion.pitfall:
        return done
    parts = {name: _turned(part) for name, part in done.parts.items()}
    if done.score is None:
        return replace(done, parts=parts)
    return replace(_turned(done), reason=f"pitfall: {done.reason}", parts=parts)


def _turned(verdict: Verdict) -> Verdict:
    return verdict if verdict.score is None else replace(verdict, score=1 - verdict.score)


def settled(response: Response) -> Verdict | None:
    """The verdict that needs no judge (not yet `polarised`): no reply, or a blank one; else None."""
    if response.has_reply and not response.reply.strip():
        return Verdict(0.0, "the reply is blank")
    return response.unscored()


def judged(
    items: Sequence[T],
    known: Callable[[T], Verdict | None],
    ask: Callable[[list[T]], list[Verdict]],
) -> list[Verdict]:
    """The known verdicts, and those of one call of `ask` on all other items, in order."""
    found = [known(each) for each in items]
    unknown = [each for each, verdict in zip(items, found, strict=True) if verdict is None]
    asked = iter(ask(unknown) if unknown else [])
    return [verdict or next(asked) for verdict in found]


def shown(problem: Problem, response: Response) -> dict[str, str]:
    """The slots `request` and `reply` of a judge's prompt, both defused and fenced.

    The request is the problem's own chat with its constraints; a thought is never shown.
    """
    request = "\n\n".join(message["content"] for message in problem.messages())
    return {
        "request": fenced(defused(request), "request"),
        "reply": fenced(defused(response.reply), "reply"),
    }


def defused(text: str) -> str:
    """A text without marks of chat formats, which a tokenizer would read as control tokens.

    A fence does not stop a tokenizer: a reply that contains `<|im_end|>` ends the judge's question
    and could go on with the judge's own turn. A space after the first character makes it ordinary
    text. Halves of a surrogate pair become U+FFFD, since no tokenizer accepts them.
    """
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _MARK.sub(lambda found: found[0] + " ", whole)


_DECORATION = " \t\r\n*_`#[](){}"  # no `>` and no quotes: a quoted verdict is not the judge's
_STOPS = ".!,;"  # only after a number: .5 is not 5
_PLAIN = str.maketrans({"−": "-", "’": "'", "*": None, "`": None})
_NAMES = "s|bos|eos|pad|unk|think|thinking"
_MARK = re.compile(
    rf"<(?=[|｜]|/?(?:{_NAMES})>|/?[a-z]+(?:_[a-z0-9]+)+>|[a-z]{{1,20}}\|>|</?SYS>>)"
    r"|\[(?=/?(?:INST|THINK|[gs]MASK|(?-i:[A-Z]+(?:_[A-Z]+)+))\])",
    re.IGNORECASE,
)


def _spoken(said: Response) -> str | None:
    """The judge's reply without any thought left in it; None if there is none."""
    if not said.has_reply:
        return None
    again = split(said.reply, policy=detect_in(said.reply), hit_limit=False)
    return again.reply.replace("\r\n", "\n") if again.has_reply else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; two values under one key are an error."""
    found = {key.casefold(): value for key, value in pairs}
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


_DECODER = json.JSONDecoder(object_pairs_hook=_once)
