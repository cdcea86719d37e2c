r"""How is an answer spelled? One normal form for the many spellings of the same answer.

`\text{12 cm}`, `$12$`, `１２` and `12.` are one answer. What spelling alone can decide (equal
spellings, plain numbers, words) is decided here, exactly; everything else goes to a computer
algebra system in the worker.
"""

import re
import unicodedata
from fractions import Fraction
from functools import lru_cache

MAX_CHARS = 1000  # a longer answer is right only if it is spelled as the reference
TOLERANCE = Fraction(1, 10**6)  # relative difference at which two numbers are still equal

_SIGNS = {
    "−": "-", "–": "-", "—": "-", "﹣": "-", "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ",
    "÷": "/", "⁄": "/", "∕": "/", "π": r"\pi ", "∞": r"\infty ", "°": "", "√": r"\sqrt ",
    "∪": r"\cup ", "±": r"\pm ", "≤": r"\le ", "≥": r"\ge ", "²": "^2", "³": "^3",
    "½": r"\frac{1}{2}", "¼": r"\frac{1}{4}", "¾": r"\frac{3}{4}", "٫": ".", "٬": ",", "٪": "%",
    "。": ".", "、": ",", "،": ",", "“": '"', "”": '"', "’": "'", "\u200b": "", "\u200c": "",
    "\u200d": "", "\ufeff": "", "\u2061": "", "\u2062": "", "€": "", "£": "", "¥": "",
}  # fmt: skip

_TEXT = re.compile(
    r"\\(?:text(?:bf|it|rm|normal|tt|sf)?|math(?:rm|bf|it|sf|tt)|mbox|operatorname|emph)\s*"
    r"\{([^{}]*)\}"
)
_REWRITES = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"\\[dtc]frac(?![a-zA-Z])", r"\\frac"),
        (r"\\frac\s*(\d)\s*(\d)(?!\d)", r"\\frac{\1}{\2}"),
        (r"\\sqrt\s*(\d)(?!\d)", r"\\sqrt{\1}"),
        (r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|limits)(?![a-zA-Z])", ""),
        (r"\\q?quad(?![a-zA-Z])|(?<!\\)\\[ ;:]|~", " "),
        (r"(?<=\d),\\!\s*(?=\d{3})|(?<!\\)\\[!,]", ""),
        (r"\\?\$|(?<!\\)\\[()\[\]]|\*\*|`", ""),
        (r"\^\s*\{?\s*\\circ(?![a-zA-Z])\s*\}?|\\degree(?![a-zA-Z])|\bdegrees?\b", ""),
        (r"\\?%|\b[Pp]er\s?cent\b", "%"),
        (r"\\lbrace(?![a-zA-Z])", r"\\{"),
        (r"\\rbrace(?![a-zA-Z])", r"\\}"),
        (r"(?<![A-Za-z\\])pi(?![A-Za-z])", r"\\pi"),
        (r"\\le(?:q|qslant)(?![a-zA-Z])", r"\\le"),
        (r"\\ge(?:q|qslant)(?![a-zA-Z])", r"\\ge"),
        (r"\{,\}", ","),
        (r"([_^])\{(\w)\}", r"\1\2"),
        (r",?\s+(?:or|and|\\lor|\\vee)\s+|\s*;\s*", ", "),
        (r"^\s*[A-Za-z]\s*\\in(?![a-zA-Z])", ""),
        (r"\s+", " "),
    )
)
_THOUSANDS = re.compile(r"(?<![\d.,])[1-9]\d{0,2}(?:,\d{3})+(?![\d,])")
_DECIMAL_COMMA = re.compile(r"(?:[A-Za-z]\s*=\s*)?([-+]?)(\d{1,3}(?:\.\d{3})+|\d+),(\d+)(\s*%)?")
_LARGE = re.compile(
    r"(?<=\d)(?:\s|\\[ ,]|~)*(?:\\text\s*\{\s*)?(thousand|[mb]illion|trillion)\b(?:\s*\})?"
)
_POWERS = {"thousand": "e3", "million": "e6", "billion": "e9", "trillion": "e12"}
_WORD = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{3,}")
_FUNCTIONS = r"(?:arc)?(?:sin|cos|tan|cot|sec|csc|log|exp|sqrt|mod)(?![a-z])"
_SHORT_UNITS = "cm|mm|km|kg|mg|ml|mL|ft|in|lb|lbs|oz|mi|hr|hrs|yd|am|pm|AM|PM|mph|USD"
_MARKED_UNIT = re.compile(
    r"(?<=[\d}%])\s*\\(?:text|mathrm|mbox|rm)\s*\{(?![~\s\\]*(?:[eidjk]\s*\}|(?:or|and)\b))"
    r"[^{}\d,]*\}"
    r"(?:\^\{?-?\d\}?)?\W*$"
)
_UNIT = re.compile(
    rf"(?<=[\d}}%])(?:\s+(?!{_FUNCTIONS})[^\W\d_]{{3,}}|\s*(?:{_SHORT_UNITS})(?![a-zA-Z]))"
    r"[^\d\\{}=+*()\[\],]*(?:\^\d)?$"
)
# Two values with a sign between them that is not an equals sign.
_HEDGE = re.compile(
    r"[^\s\\]\s*(?:\\\\|\\(?:approx|sim|simeq|in|ni|cup|to|ne|neq|mp|(?:[lL]ong)?[rR]ightarrow|implies|iff)"
    r"(?![a-zA-Z]))\s*\S"
)
_ASSIGNMENT = re.compile(r"([A-Za-z]\w*(?:\([a-zA-Z, ]*\))?)\s*=\s*(?!=)(.+)", re.DOTALL)
_NUMBER = re.compile(
    r"([-+]?)\s*(\d+(?:\.\d*)?|\.\d+)"
    r"(?:[eE]([-+]?\d{1,3})|\s*(?:\\times|\\cdot|\*)\s*10\s*\^\s*\{?\s*(-?\d{1,3})\s*\}?)?\s*(%?)"
)
_FRACTION = re.compile(
    r"([-+]?)\s*(?:(\d+)(?:\s+|\s*(?=\\)))?"
    r"(?:\\frac\s*\{\s*(-?\d+)\s*\}\s*\{\s*(\d+)\s*\}|(\d+)\s*/\s*(\d+))\s*(%?)"
)


def _to_ascii(char: str) -> str:
    """A non-ASCII sign as the equivalent ASCII or LaTeX; a digit of any script as its value."""
    if char in _SIGNS:
        return _SIGNS[char]
    value = unicodedata.decimal(char, None)
    if value is not None:
        return str(value)
    if "！" <= char <= "～":  # full-width forms of ASCII
        return chr(ord(char) - 0xFEE0)
    return " " if char.isspace() else char


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    r"""The normal form of an answer: no dollar signs, wrappers, units or thousands separators.

    Digits of any script count as their value; letters that only look like digits do not.

    Example:
        >>> plain(r"$\dfrac{3}{4}$"), plain(r"1,250 \text{ dollars}."), plain("x ∈ ٥")
        ('\\frac{3}{4}', '1250', 'x ∈ 5')
    """
    if not text.isascii():
        text = "".join(char if char.isascii() else _to_ascii(char) for char in text)
    text = _MARKED_UNIT.sub("", text)
    for _ in range(3):  # wrappers inside wrappers
        text = _TEXT.sub(r"\1", text)
    for pattern, new in _REWRITES:
        text = pattern.sub(new, text)
    text = text.strip(" \"'*_").rstrip(".:,").strip()
    braces = text.count(r"\{"), text.count(r"\}")
    if text.startswith(r"\{") and text.endswith(r"\}") and braces == (1, 1):
        text = text[2:-2].strip()
    if not re.search(r"[(\[{]\s*\d[\d,]*,", text):  # (1,234) is a pair, not a number
        text = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text)
    text = re.sub(r"^\(([A-Za-z])\)$", r"\1", text)
    return _UNIT.sub("", text).strip()


def in_full(text: str) -> str:
    """An answer with `million` and the like as powers of ten; `plain` treats them as units.

    A question may ask for millions, so both readings of "2 million" are right.

    Example:
        >>> in_full("1.5 million dollars")
        '1.5e6 dollars'
    """
    return _LARGE.sub(lambda found: _POWERS[found[1]], text)


def elements(text: str) -> list[str]:
    """The parts of a list: `text` split at its commas, except those inside brackets."""
    parts, depth, start = [], 0, 0
    for i, char in enumerate(text):
        depth += (char in "([{") - (char in ")]}")
        if char == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    return [*parts, text[start:].strip()]


def name_and_value(text: str) -> tuple[str, str]:
    """The name and the value of an answer such as `x = 5`; the name is "" if there is none."""
    found = _ASSIGNMENT.fullmatch(text)
    if found is None or "," in text:
        return "", text
    return found[1].replace(" ", ""), found[2].rsplit("=", 1)[-1].strip()


def number(text: str) -> tuple[Fraction, bool] | None:
    r"""The exact value of a plain number or fraction, and whether it is a percentage."""
    if len(text) > MAX_CHARS:
        return None
    found = _NUMBER.fullmatch(text)
    if found:
        sign, digits, e, power, percent = found.groups()
        value = Fraction(f"{digits}e{e or power or 0}")
    else:
        found = _FRACTION.fullmatch(text)
        if found is None or not int(found[4] or found[6]):
            return None
        sign, whole, *_, percent = found.groups()
        value = int(whole or 0) + Fraction(int(found[3] or found[5]), int(found[4] or found[6]))
    return (-value if sign == "-" else value), bool(percent)


def _decimal_comma(gold: Fraction, answer: str) -> tuple[Fraction, bool] | None:
    """The value of 2,5 read as 2.5; None where it may be a list.

    It may be one if the reference answer is whole, except for 12,00: no list contains 00.
    """
    found = _DECIMAL_COMMA.fullmatch(answer)
    if found is None:
        return None
    sign, whole, digits, percent = found.groups(default="")
    if gold.denominator == 1 and not (len(digits) > 1 and set(digits) == {"0"}):
        return None
    return number(f"{sign}{whole.replace('.', '')}.{digits}{percent.strip()}")


def _same_number(gold: tuple[Fraction, bool], answer: tuple[Fraction, bool]) -> bool:
    """Equal values; with a percent sign on either side, 10% is both 10 and 0.1."""
    golds = {gold[0], gold[0] / 100} if gold[1] else {gold[0]}
    answers = {answer[0], answer[0] / 100} if answer[1] else {answer[0]}
    return any(
        g == a or (not g.denominator == a.denominator == 1 and abs(g - a) <= TOLERANCE * abs(g))
        for g in golds
        for a in answers
    )


def settled(gold: str, answer: str) -> bool | None:
    r"""Whether two answers in `plain` form are equal; None where spelling alone cannot decide."""
    if gold.replace(" ", "") == answer.replace(" ", ""):
        return True
    if not answer or len(answer) > MAX_CHARS:
        return False
    (gold_name, gold_value), (name, value) = name_and_value(gold), name_and_value(answer)
    if not (gold_name and name and gold_name != name):
        gold, answer = gold_value, value
        if gold.replace(" ", "") == answer.replace(" ", ""):
            return True
    numbers = number(gold), number(answer)
    if numbers[0] and (given := numbers[1] or _decimal_comma(numbers[0][0], answer)):
        return _same_number(numbers[0], given)
    if numbers[0] and _HEDGE.search(answer):
        return False
    words = _WORD.search(gold), _WORD.search(answer)
    if words[0] and "\\" not in gold and not any(map(str.isdigit, gold)):
        return gold.casefold() == answer.casefold()
    if numbers[0] and words[1] and "\\" not in answer and not any(map(str.isdigit, answer)):
        return False
    if r"\pm" not in gold + answer and len(elements(gold)) != len(elements(answer)):
        return False
    return None
