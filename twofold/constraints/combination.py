"""Does the reply have the parts asked for: the request and then an answer, or two responses?"""

import re
from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.constraints.counting import plural
from twofold.constraints.editing import pieces
from twofold.constraints.words import fold, plain
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict
from twofold.types.seen import seen


@final
@dataclass(frozen=True)
class RepeatPrompt(Constraint):
    """The reply repeats the request first, unchanged, and then answers it.

    `fixed` compares letters and case, not line breaks, spacing or the form of a quotation mark.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` compares spacing but not
    case, needs no answer, and accepts a request that continues inside a longer word.

    Example:
        >>> rule = RepeatPrompt(prompt_to_repeat="What is 2 + 2?", profile="fixed")
        >>> rule.check("What is 2 + 2?").reason
        'no answer after the request'
    """

    name = "combination:repeat_prompt"
    group = "affix"
    family = "copying"
    departure = "case counts, white space does not, and an answer follows the repeated request"
    prompt_to_repeat: str
    profile: Profile

    def __post_init__(self) -> None:
        request = self.prompt_to_repeat
        if not (seen(request) if self.profile == "fixed" else request).strip():
            raise ProblemError(f"{self.name}: prompt_to_repeat is blank; give the request's text")

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (
                "Before you answer, repeat the request above word for word and unchanged, with nothing "
                "in front of it (this sentence is not part of the request); then answer."
            ),
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"prompt_to_repeat": question}

    def witnesses(self) -> tuple[str, str]:
        """The request and an answer, and an answer that starts with another letter."""
        request = self.prompt_to_repeat.strip()
        other = "y" if request.lower().startswith("x") else "x"
        return f"{request}\n\nThe answer is 4.", f"{other} is 4."

    def _edited(self, text: str) -> str | None:
        return f"{self.prompt_to_repeat.strip()}\n\n{text.lstrip()}"

    def _official(self, text: str) -> Verdict:
        if text.strip().lower().startswith(self.prompt_to_repeat.strip().lower()):
            return Verdict(1.0, "begins with the request")
        return self._other_start(text)

    def _fixed(self, text: str) -> Verdict:
        texts = (seen(self.prompt_to_repeat), text)
        request, reply = (" ".join(plain(each).split()) for each in texts)
        answer = reply.removeprefix(request)
        if not reply.startswith(request) or re.match(r"[^\W_]{2}", request[-1] + answer[:1]):
            return self._other_start(text)
        if not re.search(r"\w", answer):
            return Verdict(0.0, "no answer after the request")
        return Verdict(1.0, "the request and then an answer")

    def _other_start(self, text: str) -> Verdict:
        start = text.strip()[:30]
        return Verdict(0.0, f"does not begin with the request but with {start!r}")


@final
@dataclass(frozen=True)
class TwoResponses(Constraint):
    r"""Two different responses separated by six asterisks.

    Asterisks before the first or after the second response are ignored, as in `official`.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` accepts seven asterisks, a
    response that begins with one, and two spellings of one text as different responses.
    """

    name = "combination:two_responses"
    group = "format"
    family = "layout"
    departure = "exactly six asterisks; both have words and differ in more than case and spacing"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            ("Give exactly two different responses, with a line of six asterisks between: ******"),
            "Your answer must be two different responses and nothing else, separated by ******.",
        )

    def witnesses(self) -> tuple[str, str]:
        """Two responses, and one."""
        return "It is four.\n******\nTwo and two make four.", "It is four."

    def _edited(self, text: str) -> str | None:
        return f"{text.strip()}\n******\nIn short: {pieces(text)[-1].strip()}"

    def _official(self, text: str) -> Verdict:
        return self._judged([part.strip() for part in text.split("******")])

    def _fixed(self, text: str) -> Verdict:
        parts = re.split(r"(?<!\*)\*{6}(?!\*)", text)
        worded = [part if re.search(r"\w", part) else "" for part in parts]
        return self._judged([" ".join(fold(part).split()) for part in worded])

    def _judged(self, parts: list[str]) -> Verdict:
        if not all(parts[1:-1]):
            return Verdict(0.0, "a blank response between asterisks")
        responses = [part for part in parts if part]
        if len(responses) != 2:
            return Verdict(0.0, f"{plural(len(responses), 'response')}, 2 wanted")
        if responses[0] == responses[1]:
            return Verdict(0.0, "the two responses are the same")
        return Verdict(1.0, "2 different responses")
