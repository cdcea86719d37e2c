"""Is the reply made of the parts asked for: the request and then an answer, or two responses?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict


def _verdict(obeys: bool, reason: str) -> Verdict:
    return Verdict(1.0 if obeys else 0.0, reason)


@final
@dataclass(frozen=True)
class RepeatPrompt(Constraint):
    """The reply repeats the request first, unchanged, and then answers it.

    "Without change" is read as: the same letters in the same case; how the lines are broken and
    spaced is no change of words.

    Args:
        prompt_to_repeat: The request to repeat.

    Raises:
        ProblemError: If the request is blank.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` minds spaces but not case,
        asks for no answer, and takes a request that runs on inside a longer word.

    Example:
        >>> rule = RepeatPrompt(prompt_to_repeat="What is 2 + 2?", profile="fixed")
        >>> rule.check("What is 2 + 2?").reason
        'no answer after the request'
    """

    name: ClassVar[str] = "combination:repeat_prompt"
    group: ClassVar[str] = "affix"
    departure: ClassVar[str] = (
        "case counts, spacing does not, and an answer follows the repeated request"
    )
    prompt_to_repeat: str
    profile: Profile

    def __post_init__(self) -> None:
        if not self.prompt_to_repeat.strip():
            raise ProblemError(f"{self.name}: prompt_to_repeat is blank; give the request's text")

    def instruction(self) -> str:
        """The sentence that states the rule."""
        return (
            "Before you answer, repeat the request above word for word and unchanged, with nothing "
            "in front of it (this sentence is not part of the request); then answer."
        )

    def witnesses(self) -> tuple[str, str]:
        """The request and an answer, and an answer that starts with another letter."""
        request = self.prompt_to_repeat.strip()
        other = "y" if request.lower().startswith("x") else "x"
        return f"{request}\n\nThe answer is 4.", f"{other} is 4."

    def _official(self, text: str) -> Verdict:
        obeys = text.strip().lower().startswith(self.prompt_to_repeat.strip().lower())
        return _verdict(obeys, "begins with the request" if obeys else self._other_start(text))

    def _fixed(self, text: str) -> Verdict:
        request, reply = (" ".join(t.split()) for t in (self.prompt_to_repeat, text))
        answer = reply.removeprefix(request)
        if not reply.startswith(request) or re.match(r"[^\W_]{2}", request[-1] + answer[:1]):
            return _verdict(False, self._other_start(text))
        if not re.search(r"\w", answer):
            return _verdict(False, "no answer after the request")
        return _verdict(True, "the request and then an answer")

    def _other_start(self, text: str) -> str:
        return f"does not begin with the request but with {text.strip()[:30]!r}"


@final
@dataclass(frozen=True)
class TwoResponses(Constraint):
    r"""Two different responses with six asterisks between them.

    Asterisks before the first or after the second response are let pass, as in `official`.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` takes seven asterisks for six
        and a response that begins with one, and takes two spellings of one text for different.

    Example:
        >>> TwoResponses(profile="fixed").check("Four.\n******\nfour.").reason
        'the two responses are the same'
    """

    name: ClassVar[str] = "combination:two_responses"
    group: ClassVar[str] = "format"
    departure: ClassVar[str] = (
        "exactly six asterisks; both responses have words, which differ by more than case and space"
    )
    profile: Profile

    def instruction(self) -> str:
        """The sentence that states the rule."""
        return "Give exactly two different responses, with a line of six asterisks between: ******"

    def witnesses(self) -> tuple[str, str]:
        """Two responses, and one."""
        return "It is four.\n******\nTwo and two make four.", "It is four."

    def _official(self, text: str) -> Verdict:
        parts = [part.strip() for part in text.split("******")]
        if not all(parts[1:-1]):
            return _verdict(False, "a blank response between asterisks")
        return self._judged([part for part in parts if part])

    def _fixed(self, text: str) -> Verdict:
        parts = re.split(r"(?<!\*)\*{6}(?!\*)", text)
        if not all(re.search(r"\w", part) for part in parts[1:-1]):
            return _verdict(False, "a blank response between asterisks")
        worded = [part for part in parts if re.search(r"\w", part)]
        return self._judged([" ".join(part.split()).casefold() for part in worded])

    def _judged(self, responses: list[str]) -> Verdict:
        if len(responses) != 2:
            noun = "response" if len(responses) == 1 else "responses"
            return _verdict(False, f"{len(responses)} {noun}, 2 wanted")
        if responses[0] == responses[1]:
            return _verdict(False, "the two responses are the same")
        return _verdict(True, "2 different responses")


FAMILY: tuple[type[Constraint], ...] = (RepeatPrompt, TwoResponses)
