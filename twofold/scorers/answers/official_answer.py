r"""How does MathIF grade an answer? Its published behaviour, quirks included, in our own code.

Two graders in a row: one compares normal forms and symbolic differences, the other floating-point
numbers with a tolerance. The quirks are kept, since results are compared with published ones: words
after "answer is" win over a box, `####` is unknown, 50 equals 0.5, `2/4` is not `1/2`.

Source:
    TingchenFu/MathIF at 0f92ee5, `code/prime_math`, which is PRIME's copy of the graders of
    prm800k and ToRA; measured without the optional antlr4 runtime, so LaTeX beyond what pylatexenc
    turns into text is compared as a string. Departs: a time-out is unscored and not wrong; the two
    branches for matrices, which a typing error makes unreachable, are left out.
"""

import math
import re

import sympy
from pylatexenc.latex2text import LatexNodes2Text
from sympy.parsing.sympy_parser import implicit_multiplication_application, standard_transformations

from twofold.scorers.answers.official_value import BRACKETS, FAILURES, as_float, parsed, same_value

_UNITS = (
    "degree", "cm", "centimeter", "meter", "mile", "second", "minute", "hour", "day", "week",
    "month", "year", "foot", "feet", "inch", "yard", "liter",
)  # fmt: skip


def grade(reply: str, gold: str) -> tuple[bool, str]:
    r"""Whether MathIF grades a reply (without its thought) as correct, and the answer it reads."""
    found = extract(reply)
    if _same_form(gold, found):
        return True, found
    pis = (math.pi, 3.14) if r"\pi" in found + gold else (math.pi,)
    try:
        close = [same_value(found, gold, pi=pi) for pi in pis]
        return any(close), found
    except FAILURES:
        return False, found


def extract(reply: str) -> str:
    """The answer in a reply: what remains after each marker has cut off text around it."""
    text = reply
    for marker in ("answer:", "answer is", "answers are"):
        text = _after(text, marker)
    for marker in ("is answer", "is the answer", "are answers", "are the answers"):
        at = text.lower().rfind(marker)
        text = text[:at].strip() if at >= 0 else text
    text = _last_box(text) or text
    if ". " in text:
        text = text[: text.rfind(". ")].strip()
    for marker in (
        "be ", "is ", "are ", "=", ": ", "get ", "be\n", "is\n", "are\n", ":\n", "get\n"
    ):  # fmt: skip
        text = _after(text, marker)
    return text


def _after(text: str, marker: str) -> str:
    at = text.lower().rfind(marker)
    return text[at + len(marker) :].strip() if at >= 0 else text


def _last_box(text: str) -> str:
    start = text.rfind(r"\boxed" if r"\boxed" in text else r"\fbox")
    if start < 0:
        return ""
    depth, opened = 0, None
    for i in range(start, len(text)):
        if text[i] == "{":
            depth += 1
            opened = i if opened is None else opened
        elif text[i] == "}":
            depth -= 1
            if depth == 0:
                return "" if opened is None else text[opened + 1 : i].strip()
    return ""


def _same_form(gold: str, found: str) -> bool:
    """The first grader: equal normal forms, or a difference that sympy simplifies to zero."""
    if _mathd(gold) == _mathd(found):
        return True
    gold, found = _normal(gold), _normal(found)
    if gold == found or not found:
        return gold == found
    golds, founds = _members(gold), _members(found)
    if len(golds) > 1 and (gold[0] != found[0] or gold[-1] != found[-1]):
        return False
    return len(golds) == len(founds) > 0 and all(map(_same_member, golds, founds))


def _same_member(gold: str, found: str) -> bool:
    """A fraction must be the same fraction; a whole number must be given as one."""
    fraction = re.compile(r"-?[0-9]+.?/0*[1-9][0-9]*.?$")
    if fraction.match(gold) and fraction.match(found):
        return gold == found
    if (_whole(gold) is None) != (_whole(found) is None):
        return False
    return _no_difference(gold, found)


def _no_difference(gold: str, found: str) -> bool:
    text = f"({gold})-({found})"
    letters = {char for char in text.replace("sqrt", "").replace("frac", "") if char.isalpha()}
    if len(letters) > 2 or re.search(r"\^\{|\^\(|\^[0-9]+\^|\^[0-9][0-9]+", text):
        return False
    rules = (*standard_transformations, implicit_multiplication_application)
    try:
        return bool(sympy.simplify(parsed(text.replace("^", "**"), rules)) == 0)
    except FAILURES:
        return False


def _mathd(text: str) -> str:
    """The normal form of the MATH data set's own comparison; malformed text is unchanged."""
    text = text.strip()
    wrapped = re.search(r"^\\text\{(.+?)\}$", text)
    text = wrapped[1].strip() if wrapped else text
    try:
        return _mathd_form(text)
    except (IndexError, ValueError):
        return text


def _mathd_form(text: str) -> str:
    for old, new in (
        ("\n", ""), (r"\!", ""), ("\\\\", "\\"), ("tfrac", "frac"), ("dfrac", "frac"),
        (r"\left", ""), (r"\right", ""), (r"^{\circ}", ""), (r"^\circ", ""), (r"\$", ""),
    ):  # fmt: skip
        text = text.replace(old, new)
    if r"\text{ " in text:  # a unit, and there can be only one
        text, _ = text.split(r"\text{ ")
    text = text.replace(r"\%", "").replace(" .", " 0.").replace("{.", "{0.")
    if not text:
        return text
    text = "0" + text if text[0] == "." else text
    sides = text.split("=")
    if len(sides) == 2 and len(sides[0]) <= 2:
        text = sides[1]
    head, *roots = text.split(r"\sqrt")
    text = head + "".join(r"\sqrt" + (r if r[0] == "{" else f"{{{r[0]}}}{r[1:]}") for r in roots)
    text = _braced_fractions(text.replace(" ", ""))
    text = r"\frac{1}{2}" if text == "0.5" else text
    return re.sub(r"^(0|-?[1-9][0-9]*)/(0|-?[1-9][0-9]*)\Z", r"\\frac{\1}{\2}", text)


def _braced_fractions(text: str) -> str:
    r"""`\frac12` as `\frac{1}{2}`; unchanged if a numerator has nothing after it."""
    head, *parts = text.split(r"\frac")
    out = head
    for part in parts:
        if part[0] == "{":
            out += r"\frac" + part
        elif len(part) < 2:
            return text
        else:
            below = part[1] if part[1] == "{" else f"{{{part[1]}}}"
            out += rf"\frac{{{part[0]}}}{below}{part[2:]}"
    return out


def _normal(text: str) -> str:
    """The normal form of the first grader: no units, no currency signs, LaTeX as plain text."""
    wrapped = re.search(r"^\\text\{(.+?)\}$", text)
    text = wrapped[1] if wrapped else text
    for old, new in (
        (r"\%", "%"), (r"\$", "$"), ("$", ""), ("%", ""), (" or ", " , "), (" and ", " , "),
        ("million", "*10^6"), ("billion", "*10^9"), ("trillion", "*10^12"),
    ):  # fmt: skip
        text = text.replace(old, new)
    for unit in _UNITS:
        text = re.sub(rf"{unit}(es)?(s)? *(\^[0-9]+)?", "", text)
    text = re.sub(r"\^ *\\circ", "", text)
    if text and text[0] == "{" and text[-1] == "}":
        text = text[1:-1]
    text = re.sub(r",\\! *", "", text)
    number = _near_integer(text)
    text = text if number is None else str(number)
    if "\\" in text:
        text = _latex_as_text(text)
    text = re.sub("- *", "-", text)
    text = re.sub("([0-9]) +([0-9])", r"\1+\2", text).lower()
    whole = _whole(text)
    return text if whole is None else str(whole)


def _latex_as_text(text: str) -> str:
    text = re.sub(r"\\[td]frac", r"\\frac", text).replace(r"\frac", r" \frac")
    try:
        text = LatexNodes2Text().latex_to_text(text)
    except FAILURES:
        return text
    for sign, name in zip("√π∞∪·×", ("sqrt", "pi", "inf", "U", "*", "*"), strict=True):
        text = text.replace(sign, name)
    return text.strip()


def _without_thousands(text: str) -> str:
    while (shorter := re.sub(r"(\d),(\d\d\d)($|\D)", r"\1\2\3", text)) != text:
        text = shorter
    return text


def _whole(text: str) -> int | None:
    """The text as a whole number; None if it is none."""
    plain = as_float(text.replace(",", ""))
    near = _near_integer(_without_thousands(text))
    return None if near is None or plain is None else int(plain)


def _near_integer(text: str) -> int | None:
    number = as_float(text)
    if number is None or not math.isfinite(number) or abs(number - round(number)) > 1e-7:
        return None
    return round(number)


def _members(text: str) -> list[str]:
    """The members of a tuple or interval without inner brackets; anything else is one member."""
    text = _without_thousands(text)
    if not text:
        return []
    bracketed = len(text) > 2 and text[0] in BRACKETS and text[-1] in BRACKETS
    if bracketed and not any(bracket in text[1:-1] for bracket in BRACKETS):
        return [member.strip() for member in text[1:-1].split(",")]
    return [text]
