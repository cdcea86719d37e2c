"""Does the reply have a set form: JSON, a title in brackets, one of three sentences?"""

import json
import re
from dataclasses import dataclass
from typing import Any, final

from twofold.types import Constraint, Profile, Verdict


@final
@dataclass(frozen=True)
class JsonFormat(Constraint):
    """The whole reply is JSON; a code fence around it is allowed.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` also accepts a bare number
    or string, NaN, and half a fence.
    """

    name = "detectable_format:json_format"
    group = "format"
    departure = "an object or a list, no bare value, NaN or Infinity; a fence opens and closes"
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
        return _parsed(body.removesuffix("```").strip(), object)

    def _fixed(self, text: str) -> Verdict:
        body = text.strip()
        if body.startswith("```") and body.endswith("```"):
            body = re.sub(r"\A\s*json\b", "", body[3:-3], flags=re.IGNORECASE)
        return _parsed(body, (dict, list), parse_constant=_refused, parse_int=str)


def _parsed(body: str, kinds: type | tuple[type, ...], **options: Any) -> Verdict:
    try:
        value = json.loads(body, **options)
    except ValueError as error:
        return Verdict(0.0, f"not JSON: {error}")
    except RecursionError:  # the published checker crashes here
        return Verdict(None, "nested too deep to read")
    if isinstance(value, kinds):
        return Verdict(1.0, "the reply is JSON")
    return Verdict(0.0, "a bare value, not an object or a list")


def _refused(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON value")


@final
@dataclass(frozen=True)
class Title(Constraint):
    """A title in double angular brackets on one line, anywhere.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` reads from the first `<<`
    of a line to its last `>>`, so text between two empty pairs counts as a title.
    """

    name = "detectable_format:title"
    group = "format"
    departure = "one pair of brackets around words, not two pairs around nothing"
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
                return Verdict(1.0, f"title: {title}")
        return Verdict(0.0, "no <<title>>")

    def _fixed(self, text: str) -> Verdict:
        for found in re.finditer(r"<<((?:(?!<<|>>)[^\n])+)>>", text):
            if re.search(r"\w", found[1]):
                return Verdict(1.0, f"title: {found[1].strip()}")
        return Verdict(0.0, "no <<title>> with words in it")


@final
@dataclass(frozen=True)
class ConstrainedResponse(Constraint):
    """The reply is one of three set sentences.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` needs an option anywhere,
    so a reply that names all three passes. Some IFEval prompts say "contain" or ask to think first;
    `fixed` follows the registry's sentence, "Answer with one of the following options".
    """

    name = "detectable_format:constrained_response"
    group = "format"
    departure = "the reply is one option; only quotes and emphasis may surround it"
    profile: Profile

    def instruction(self) -> str:
        """The sentence that states the rule."""
        return f"Answer with one of these sentences and nothing else: {' / '.join(_OPTIONS)}"

    def witnesses(self) -> tuple[str, str]:
        """An option, and something else."""
        return _OPTIONS[0], "Yes."

    def _official(self, text: str) -> Verdict:
        found = [option for option in _OPTIONS if option in text]
        return Verdict(float(bool(found)), f"contains: {' '.join(found) or 'no option'}")

    def _fixed(self, text: str) -> Verdict:
        obeys = text.strip(' \t\r\n"“”*_`') in _OPTIONS
        return Verdict(float(obeys), f"the reply is {'an' if obeys else 'no'} option")


_OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
