"""Is the answer right? The scorer of capability, and the reward for it.

Under `fixed` the answer is extracted (`extract`) and compared by value: by spelling where that
and exact arithmetic decide, else by computer algebra in a worker process. Guessing does not pay: boxes
side by side, or alternatives at the end, are a list, which never equals a single reference answer.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import ClassVar, final

from twofold.scorers.answers.equal import read, settled
from twofold.scorers.answers.extract import Found, find_answer
from twofold.scorers.answers.worker import Question, ask
from twofold.types import FinishReason, Problem, Profile, Response, Scorer, Verdict


@final
@dataclass(frozen=True)
class Correct(Scorer):
    r"""Score 1 if a reply's answer equals the problem's reference answer, else 0.

    Equal under `fixed` means the same value or formula, and that every character of both was read.
    A decimal may stand for a value that it is rounded to, to a millionth: 0.333333 is 1/3 and 0.333 is
    not. 10% is 10 and 0.1; `x = 5` is 5; a unit that one side states is no difference, two that
    both state are; 2,5 is 2.5 where it cannot be a list; 2 million is 2 (millions) and 2000000; the
    order of a list is ignored, that of a tuple and its kind of bracket are not. A reply written
    wholly in upper or lower case is compared without regard to case. `docs/answers.md` has the rules.

    Args:
        profile: `"fixed"`, or `"official"` for MathIF's published grader with all its quirks.
        timeout_s: Time limit for one comparison, in seconds; after it the reply is unscored.
        last_number: Whether a reply that states no answer is judged by its last number. Never as a
            reward: "I cannot do this in 12 steps" would earn what 12 does. An audit judges so, and
            says of how many replies.

    Example:
        >>> problem = Problem(question="7 + 5 = ?", answer="12")
        >>> replies = [r"It is \boxed{12}.", "#### 12", r"\boxed{12} or \boxed{13}", "Hm."]
        >>> for verdict in Correct()([problem] * 4, [Response(raw=r, reply=r) for r in replies]):
        ...     print(verdict.score, verdict.reason)
        1.0 12 = 12 (boxed)
        1.0 12 = 12 (####)
        0.0 12, 13 ≠ 12 (2 different boxes)
        0.0 no answer found
    """

    name: ClassVar[str] = "correct"

    profile: Profile = "fixed"
    timeout_s: float = 5.0
    last_number: bool = False

    def __post_init__(self) -> None:
        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s is {self.timeout_s}; give a time above 0 seconds")

    def applies(self, problem: Problem) -> bool:
        """Whether the problem has a reference answer."""
        return problem.answer is not None

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Judge each reply; identical ones in a call only once.

        Raises:
            ScoringError: If the worker cannot be started.
        """

        @cache
        def judged(gold: str | None, response: Response) -> Verdict:
            return response.unscored() or self._judge(gold, response)

        return [judged(p.answer, r) for p, r in zip(problems, responses, strict=True)]

    def _judge(self, gold: str | None, response: Response) -> Verdict:
        reply = response.reply
        if gold is None:
            return Verdict(None, "no reference answer")
        if not reply.strip():
            return Verdict(0.0, "the reply is blank")
        if self.profile == "official":
            answer = ask(Question(kind="official", gold=gold, text=reply), timeout_s=self.timeout_s)
            if isinstance(answer, str):
                return Verdict(None, answer)
            return _verdict(answer["right"], answer["found"], gold, "official")
        found = find_answer(reply, truncated=response.finish_reason is FinishReason.truncated)
        if found is None:
            return Verdict(0.0, "no answer found")
        if found.place == "last" and not self.last_number:
            return Verdict(0.0, f"no answer is stated; the last number is {_short(str(found))}")
        verdict = self._compared(gold, found, folded=_is_one_case(reply))
        return replace(verdict, note="last_number") if found.place == "last" else verdict

    def _compared(self, gold: str, found: Found, *, folded: bool) -> Verdict:
        """The verdict on an answer: right if each of its texts is, or if they are as one list.

        A list may also be boxed item by item, with words between.
        """
        kind = "different boxes" if found.place == "boxed" else "alternatives"
        place: str = found.place
        if len(found.texts) > 1:
            place = f"{len(found.texts)} {kind}" + ("; last" if place == "last" else "")
        right = False
        every_box = ", ".join(found.earlier + found.texts)
        for reading in dict.fromkeys([found.texts, (str(found),), (every_box,)]):
            sames = []
            for text in reading:
                same = self._same(gold, text)
                if same is False and folded:
                    same = self._same(gold.lower(), text.lower())
                if isinstance(same, str):
                    return Verdict(None, f"{same}: {_short(text)} ({place})")
                sames.append(same)
            right = right or all(sames)
        if not right and not all(read(text) for text in found.texts):
            place += ", not read whole"
        return _verdict(right, str(found), gold, place)

    def _same(self, gold: str, text: str) -> bool | str:
        """Whether two answers are equal, or why that is unknown."""
        same = settled(gold, text)
        if same is not None:
            return same
        answer = ask(Question(kind="same", gold=gold, text=text), timeout_s=self.timeout_s)
        return answer if isinstance(answer, str) else answer["right"]


def _is_one_case(reply: str) -> bool:
    """Whether a reply was written in capitals or small letters throughout, as a rule may ask."""
    words = re.findall(r"(?<!\\)\b[^\W\d_]{2,}", reply)
    return reply.isupper() or (reply.islower() and len(words) >= 3)


def _verdict(right: bool, found: str, gold: str, place: str) -> Verdict:
    sign = "=" if right else "≠"
    return Verdict(float(right), f"{_short(found)} {sign} {_short(gold)} ({place})")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:59] + "…"
