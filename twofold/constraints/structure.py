"""Does the reply keep to a set form: JSON, a title in brackets, one of three sentences?"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.types import Constraint, Profile, Verdict


def _verdict(obeys: bool, reason: str) -> Verdict:
    return Verdict(1.0 if obeys else 0.0, reason)


@final
@dataclass(frozen=True)
class JsonFormat(Constraint):
    """The whole reply is JSON; a code fence around it is allowed.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` also takes a bare number or
        string, NaN, and half a fence.

    Example:
        >>> JsonFormat(profile="fixed").check("5").reason
        'a bare value, not an object or a list'
    """

    name: ClassVar[str] = "detectable_format:json_format"
    group: ClassVar[str] = "format"
    departure: ClassVar[str] = (
        "an object or a list, not a bare value; no NaN or Infinity; a fence opens and closes"
    )
    profile: Profile

    def instruction(self) -> str:
        """The sentence that states the rule."""
        return "Give your entire answer as JSON; a markdown code fence around it is allowed."

    def witnesses(self) -> tuple[str, str]:
        """An object, and a sentence."""
        return '{"answer": 4}', "The answer is 4."

    def _official(self, text: str) -> Verdict:
        body = text.strip()
        for opening in ("```json", "```Json", "```JSON", "```"):
            body = body.removeprefix(opening)
        try:
            json.loads(body.removesuffix("```").strip())
        except ValueError as error:
            return _verdict(False, f"not JSON: {error}")
        except RecursionError:  # here the published checker crashes
            return Verdict(None, "nested too deep to read")
        return _verdict(True, "the reply is JSON")

    def _fixed(self, text: str) -> Verdict:
        body = text.strip()
        if body.startswith("```") and body.endswith("```"):
            body = re.sub(r"\A\s*json\b", "", body[3:-3], flags=re.IGNORECASE)
        try:
            value = json.loads(body, parse_constant=_refused, parse_int=str)
        except ValueError as error:
            return _verdict(False, f"not JSON: {error}")
        except RecursionError:
            return Verdict(None, "nested too deep to read")
        if isinstance(value, (dict, list)):
            return _verdict(True, "the reply is JSON")
        return _verdict(False, "a bare value, not an object or a list")


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON value")


@final
@dataclass(frozen=True)
class Title(Constraint):
    """Somewhere a title in double angular brackets, on one line.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` reads from the first `<<` of
        a line to its last `>>`, so what lies between two empty pairs is taken for a title.

    Example:
        >>> Title(profile="fixed").check("<<Four>>").reason
        'title: Four'
    """

    name: ClassVar[str] = "detectable_format:title"
    group: ClassVar[str] = "format"
    departure: ClassVar[str] = "one pair of brackets closes around words, not two around nothing"
    profile: Profile

    def instruction(self) -> str:
        """The sentence that states the rule."""
        return "Give your answer a title in double angular brackets, like <<a short title>>."

    def witnesses(self) -> tuple[str, str]:
        """With a title, and without."""
        return "<<A Short Sum>>\nThe answer is 4.", "The answer is 4."

    def _official(self, text: str) -> Verdict:
        for line in text.split("\n"):
            start, end = line.find("<<"), line.rfind(">>")
            title = line[start : end + 2].lstrip("<").rstrip(">").strip()
            if 0 <= start <= end - 3 and title:
                return _verdict(True, f"title: {title}")
        return _verdict(False, "no <<title>>")

    def _fixed(self, text: str) -> Verdict:
        for found in re.finditer(r"<<((?:(?!<<|>>)[^\n])+)>>", text):
            if re.search(r"\w", found[1]):
                return _verdict(True, f"title: {found[1].strip()}")
        return _verdict(False, "no <<title>> with words in it")


@final
@dataclass(frozen=True)
class ConstrainedResponse(Constraint):
    """The reply is one of three set sentences.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` is content if an option
        occurs anywhere, so a reply that names all three passes. Some IFEval prompts say "contain"
        or ask to think out loud first; the registry's own sentence, which `fixed` follows, is
        "Answer with one of the following options".

    Example:
        >>> check = ConstrainedResponse(profile="fixed").check
        >>> check("**My answer is no.**").score, check("I say: My answer is no.").score
        (1.0, 0.0)
    """

    name: ClassVar[str] = "detectable_format:constrained_response"
    group: ClassVar[str] = "format"
    departure: ClassVar[str] = (
        "the reply is one option and nothing else (quotes and emphasis around it are allowed)"
    )
    profile: Profile

    def instruction(self) -> str:
        """The sentence that states the rule."""
        return f"Answer with one of these sentences and nothing else: {' / '.join(_OPTIONS)}"

    def witnesses(self) -> tuple[str, str]:
        """An option, and something else."""
        return _OPTIONS[0], "Yes."

    def _official(self, text: str) -> Verdict:
        found = [option for option in _OPTIONS if option in text]
        return _verdict(bool(found), f"contains: {' '.join(found) or 'no option'}")

    def _fixed(self, text: str) -> Verdict:
        obeys = text.strip(' \t\r\n"“”*_`') in _OPTIONS
        return _verdict(obeys, "the reply is an option" if obeys else "the reply is no option")


_OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")

FAMILY: tuple[type[Constraint], ...] = (JsonFormat, Title, ConstrainedResponse)
