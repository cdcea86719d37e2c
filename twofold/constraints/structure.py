"""Does the reply have a set form: JSON, a title in brackets, one of three sentences?"""

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal, final

from twofold.constraints.fillers import TITLES, chosen
from twofold.types import Constraint, Profile, Verdict
from twofold.types.problem import READING


@final
@dataclass(frozen=True)
class JsonFormat(Constraint):
    """The whole reply is JSON; a code fence around it is allowed, whatever its mark and label.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` also accepts a bare number
    or string, NaN, and half a fence; it knows only the fence "```" labelled `json` or not at all.
    """

    name = "detectable_format:json_format"
    group = "format"
    family = "layout"
    departure = "an object or a list, no bare value, NaN or Infinity; a fence opens and closes"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (("Give your entire answer as JSON; a markdown code fence around it is allowed."),)

    def witnesses(self) -> tuple[str, str]:
        """An object, and a sentence."""
        return '{"answer": 4}', "The answer is 4."

    def _edited(self, text: str) -> str | None:
        return json.dumps({"reply": text.strip()}, ensure_ascii=False)

    def _official(self, text: str) -> Verdict:
        body = text.strip()
        for opening in ("```json", "```Json", "```JSON", "```"):
            body = body.removeprefix(opening)
        return _parsed(body.removesuffix("```").strip(), object)

    def _fixed(self, text: str) -> Verdict:
        fenced = _FENCE.fullmatch(text.strip())
        body = fenced[2] if fenced else text
        return _parsed(body, (dict, list), parse_constant=_refused, parse_int=str)


# A fence, its label (which cannot begin JSON), the body, the same fence.
_FENCE = re.compile(
    r"(`+|~{3,})[^\S\n]*(?:[A-Za-z][\w.+-]*(?:[^\S\n][^\n{\[]*(?=\n))?)?(?=[\s{\[])(.*?)\s*\1[`~]*",
    re.DOTALL,
)


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

    No title: the calculator marks of GSM8K (`<<48/2=24>>`), shifts and streams (`1 << 3`), and
    here-documents of a shell.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` reads from the first `<<`
    of a line to its last `>>`, so text between two empty pairs counts as a title.

    Example:
        >>> check = Title(profile="fixed").check
        >>> check("<<A Short Sum>> It is 4.").score, check("48/2=<<48/2=24>>24").score
        (1.0, 0.0)
    """

    name = "detectable_format:title"
    group = "format"
    family = "layout"
    departure = "one pair of brackets around words; no calculator marks, shifts or streams"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            ("Give your answer a title in double angular brackets, like <<a short title>>."),
            "Your answer must contain a title between << and >>.",
        )

    def witnesses(self) -> tuple[str, str]:
        """With a title, and without."""
        return "<<A Short Sum>>\nThe answer is 4.", "The answer is 4."

    def _edited(self, text: str) -> str | None:
        return f"<<{chosen(TITLES, text)}>>\n{text.lstrip()}"

    def _official(self, text: str) -> Verdict:
        for line in text.split("\n"):
            start, end = line.find("<<"), line.rfind(">>")
            title = line[start : end + 2].lstrip("<").rstrip(">").strip()
            if 0 <= start <= end - 3 and title:
                return Verdict(1.0, f"title: {title[:80]!r}")
        return Verdict(0.0, "no <<title>>")

    def _fixed(self, text: str) -> Verdict:
        for found in re.finditer(r"<<((?:(?!<<|>>)[^\n])+)>>", text):
            if re.search(r"[^\W_]", found[1]) and not _is_code(text, found):
                return Verdict(1.0, f"title: {found[1].strip()[:80]!r}")
        return Verdict(0.0, "no <<title>> with words in it")


def _is_code(text: str, found: re.Match[str]) -> bool:
    """Whether `<<` and `>>` are operators: a calculation, shifts, streams, a here-document."""
    inside = found[1]
    reckons = _CALCULATION.fullmatch(inside) or _EQUATION.fullmatch(inside)
    if reckons and re.search(r"\d", inside) and not inside.strip().isdecimal():
        return True
    before = text[max(0, found.start() - 80) : found.start()].rpartition("\n")[2]
    after = text[found.end() : found.end() + 80].partition("\n")[0]
    if _STREAM.search(before) or _OTHER_CODE.match(inside) or after.startswith("="):
        return True
    tight = re.search(r"[A-Za-z\d_)\]]\Z", before) and re.match(r"[A-Za-z\d_(]", after)
    operands = re.search(r"[\w)\]\"']\s*\Z", before) and re.match(r"\s*[\w(\"'-]", after)
    spaced = operands and inside[0].isspace() and inside[-1].isspace()
    return bool(tight or (spaced and _OPERANDS.match(inside)))


_CALCULATION = re.compile(r"[\d\s.,+\-−*/×÷·^%$€£=()<>!:xX]*(?:\d[\d\s.,]*[a-zA-Z]?)?")
# It begins and ends with numbers, with units between: `5 apples*2=10`.
_EQUATION = re.compile(
    r"\s*[$€£(]*[\d.][^=]*[+\-−*/×÷][^=]*=\s*[-−$€£]*[\d.,]+\s*%?\s*|[^=\w]*\d+[a-z][^=]*=.*"
)
_STREAM = re.compile(r"\b(?:cout|cerr|clog|endl|ostream|out|os|ss|stream)\b[^.!?]*\Z")
_OTHER_CODE = re.compile(r"=|\s*(?:cin|stdin)\b|-?['\"]?(?:EOF|EOT|END|HEREDOC)\b")
# A number next to a bracket, or a sign that no title has.
_OPERANDS = re.compile(r"\s*\d+\b(?!\s+[^\W\d_])|.*\b\d+\s*\Z|.*[;=(){}&|~]")


@final
@dataclass(frozen=True)
class ConstrainedResponse(Constraint):
    """The reply is one of three set sentences.

    `fixed` reads where: the reply is the sentence ("Answer with one of the following options", the
    registry's sentence); if the prompt says "contain" or "include", it has one somewhere; if it asks
    to think first ("Think out loud, then answer with"), it ends with one.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` needs an option anywhere,
    so a reply that names all three passes.

    Example:
        >>> rule = ConstrainedResponse(profile="fixed")
        >>> rule.check("It is true. My answer is yes.").score
        0.0
        >>> rule.worded("Think out loud, then answer.").check("It is true. My answer is yes.").score
        1.0
    """

    name = "detectable_format:constrained_response"
    group = "format"
    family = "layout"
    departure = "the reply is one option (or has one, or ends with one, as the prompt says)"
    profile: Profile
    place: Literal["whole", "anywhere", "end"] = field(
        default="whole", kw_only=True, metadata=READING
    )

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return ((f"Answer with one of these sentences and nothing else: {' / '.join(_OPTIONS)}"),)

    def witnesses(self) -> tuple[str, str]:
        """An option, and something else."""
        return _OPTIONS[0], "Yes."

    def _official(self, text: str) -> Verdict:
        found = [option for option in _OPTIONS if option in text]
        return Verdict(float(bool(found)), f"contains: {' '.join(found) or 'no option'}")

    def _fixed(self, text: str) -> Verdict:
        options = [found[0] for found in re.finditer("|".join(map(re.escape, _OPTIONS)), text)]
        if self.place == "anywhere" and len(set(options)) > 1:
            return Verdict(None, f"names {len(set(options))} options; which one answers is open")
        if self.place == "anywhere":
            return Verdict(
                float(bool(options)), f"contains: {' '.join(options[:1]) or 'no option'}"
            )
        bare = text.strip(_AROUND)
        if self.place == "end":
            obeys = bare.endswith(_OPTIONS)
            return Verdict(float(obeys), f"ends with {'an' if obeys else 'no'} option")
        obeys = bare in _OPTIONS
        return Verdict(float(obeys), f"the reply is {'an' if obeys else 'no'} option")

    def worded(self, prompt: str) -> Constraint:
        """As the prompt says where the option stands."""
        if re.search(r"\bthink\b[^.]*\bthen\b[^.]*\banswer\b", prompt, re.IGNORECASE):
            return replace(self, place="end")
        if re.search(
            r"\b(?:contains?|includes?|including)\b[^.]*\bphrases?\b", prompt, re.IGNORECASE
        ):
            return replace(self, place="anywhere")
        return replace(self, place="whole")


_OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_AROUND = " \t\r\n\"'“”‘’„«»「」*_`()[]"
