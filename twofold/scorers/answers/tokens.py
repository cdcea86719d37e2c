r"""Of which tokens does an answer consist? Every character of it is in one of them.

What is not known is an error: an answer that is not read whole is never equal to another.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal, final

from twofold.scorers.answers import units, words


class Unread(ValueError):
    """An answer, or a part of it, has no meaning that we know."""


@final
@dataclass(frozen=True)
class Token:
    r"""A token of an answer.

    Args:
        kind: `word` is a noun or unit; `symbol` a variable; `sign` and `command` are syntax.
        text: As written; of a function its LaTeX name.
        spaced: Whether a space comes before it.
        upright: Whether it stands in `\\text{}`.
        value: Of a number, exact.
        places: Of a decimal number, how many digits follow the point.
    """

    kind: Literal["number", "symbol", "word", "function", "command", "sign"]
    text: str
    spaced: bool = False
    upright: bool = False
    value: Fraction = Fraction(0)
    places: int | None = None


FUNCTIONS = words.words_of(
    "sin cos tan cot sec csc arcsin arccos arctan arccot arcsec arccsc sinh cosh tanh coth "
    "arcsinh arccosh arctanh log ln lg exp sqrt cbrt gcd lcm max min det mod abs floor ceil "
    "sgn Re Im"
)
_SYNONYMS = {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "tg": "tan", "ctg": "cot", "arctg": "arctan",
    "cosec": "csc", "asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh", "arsinh": "arcsinh",
    "arcosh": "arccosh", "artanh": "arctanh", "inf": "infty", "infinity": "infty", "oo": "infty",
    "root": "sqrt", "ceiling": "ceil",
}  # fmt: skip
GREEK = words.words_of(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho "
    "sigma tau upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi "
    "Omega hbar ell infty nabla partial odot oplus perp"
)
# Letters with a mark, as one symbol.
MARKS = frozenset(
    [
        "dot",
        "ddot",
        "vec",
        "hat",
        "bar",
        "overline",
        "tilde",
        "widehat",
        "widetilde",
        "overrightarrow",
        "mathbb",
        "angle",
        "triangle",
    ]
)
_COMMANDS = FUNCTIONS | GREEK | MARKS | words.words_of(
        "frac binom cdot times div pm mp le ge ne approx in cup cap setminus emptyset lfloor "
        "rfloor lceil rceil begin end prime circ text land lor choose bmod langle rangle lt gt "
        "backslash Rightarrow to lVert rVert sim notin"
)  # fmt: skip

_REPEATED = r"\\(?:overline|bar|dot|widebar)\s*(?:\{\s*\d+\s*\}|\d)"
_TOKEN = re.compile(
    rf"""(?P<space>\s+)
    |(?P<number>\d*\.(?P<start>\d*)(?:(?P<repeat>{_REPEATED}\d*(?:\\dot\s*(?:\{{\d\}}|\d))?)
        |\((?P<round>\d+)\)|(?P<dots>\.\.\.))
      |(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d{{1,4}}(?![\w.]))?|\d+\.(?!\d))
    |(?P<command>\\[A-Za-z]+)
    |(?P<escaped>\\[{{}}\\|$&])
    |(?P<letters>[^\W\d_]+)
    |(?P<sign>\*\*|\.\.\.|[-+*/^_=<>(){{}}\[\]|,;:!%&'.?"$€£¥₹₽₩₪₫฿¢])""",
    re.VERBOSE,
)
MOST = 400  # tokens


def tokens(text: str) -> list[Token]:
    r"""The tokens of an answer in `plain` form.

    Raises:
        Unread: If a character belongs to none.

    Example:
        >>> [token.text for token in tokens(r"2\cos x")]
        ['2', 'cos', 'x']
    """
    text = re.sub(r"\b(?:np|numpy|math|sympy)\.(?=[a-z])", "", text)
    found = _joined([*_tokens(text, upright=False)])
    if len(found) > MOST:
        raise Unread("too long")
    return found


def _tokens(text: str, *, upright: bool) -> Iterator[Token]:
    at, spaced = 0, False
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise Unread(text[at])
        said, at = match[0], match.end()
        if match["space"]:
            spaced = True
            continue
        if match["number"]:
            yield replace(_number(match), spaced=spaced, upright=upright)
        elif match["letters"]:
            yield from _letters(said, spaced, upright, called=text[at : at + 1] == "(")
        elif match["command"]:
            if said == r"\text":
                inner, at = _braced(text, at)
                first = True
                for token in _tokens(inner, upright=True):
                    gap = spaced or token.spaced if first else token.spaced
                    yield replace(token, spaced=gap)
                    first = False
                spaced = inner[-1:].isspace()
                continue
            yield _command(said[1:], spaced)
        else:
            yield Token("sign", said, spaced, upright)
        spaced = False


def _braced(text: str, at: int) -> tuple[str, int]:
    """The content of the braces that open at `at`, and where they end."""
    match = re.compile(r"\s*").match(text, at)
    start = match.end() if match else at
    if text[start : start + 1] != "{":
        return text[start : start + 1], start + 1
    depth = 0
    for i in range(start, len(text)):
        depth += (text[i] == "{") - (text[i] == "}")
        if depth == 0:
            return text[start + 1 : i], i + 1
    raise Unread("an open brace")


def _command(name: str, spaced: bool) -> Token:
    name = _SYNONYMS.get(name, name)
    if name not in _COMMANDS:
        raise Unread(rf"\{name}")
    if name in FUNCTIONS:
        return Token("function", name, spaced)
    return Token("symbol" if name in GREEK else "command", name, spaced)


def _number(match: re.Match[str]) -> Token:
    said = match[0]
    repeated = match["round"] or "".join(re.findall(r"\d", match["repeat"] or ""))
    if match["dots"]:
        digits = match["start"]
        block = re.fullmatch(r"(\d*?)(?:(\d)\2{2,}|(\d{2,}?)\3+)", digits)
        whole = said.split(".")[0] or "0"
        if block is None:  # 3.14159...: as good as its digits
            value = Fraction(f"{whole}.{digits or 0}")
            return Token("number", said, value=value, places=len(digits))
        repeated, start = block[2] or block[3], block[1]
        return Token("number", said, value=_repeating(whole, start, repeated))
    if repeated:
        return Token(
            "number", said, value=_repeating(said.split(".")[0] or "0", match["start"], repeated)
        )
    digits, _, power = said.lower().partition("e")
    places = len(digits.partition(".")[2]) - int(power or 0) if "." in said else None
    return Token("number", said, value=Fraction(said), places=places)


def _repeating(whole: str, start: str, repeated: str) -> Fraction:
    """The value of a decimal number whose last digits repeat for ever."""
    head = Fraction(int(whole + start), 10 ** len(start))
    return head + Fraction(int(repeated), (10 ** len(repeated) - 1) * 10 ** len(start))


def _letters(said: str, spaced: bool, upright: bool, *, called: bool = False) -> Iterator[Token]:
    """The tokens of a run of letters: a function, a word, or variables side by side.

    Some functions are words as well, unless they are `called`: a bracket opens directly behind them.
    """
    name = _SYNONYMS.get(said, _SYNONYMS.get(said.lower(), said))
    if name in FUNCTIONS and (called or name not in ("min", "max", "mod", "Re", "Im")):
        yield Token("function", name, spaced, upright)
    elif name in GREEK and len(name) > 1 and name not in ("ell", "perp", "partial"):
        yield Token("symbol", name, spaced, upright)
    elif len(said) == 1:
        kind: Literal["symbol", "word"] = "symbol"
        if (upright and said in units.LETTERS) or not said.isascii():
            kind = "word"
        yield Token(kind, said, spaced, upright)
    else:
        function = re.match(r"(?:arc)?(?:sin|cos|tan|cot|sec|csc|ln|log|sqrt)(?=[a-z]$|pi$)", said)
        if function and not upright and said.lower() not in ("sing", "cost", "lnx."):
            yield Token("function", function[0], spaced)
            yield from _letters(said[function.end() :], False, upright)
        else:
            yield Token("word", said, spaced, upright)


def _joined(found: list[Token]) -> list[Token]:
    """The tokens with each number in words as one token."""
    out: list[Token] = []
    at = 0
    while at < len(found):
        run = at
        while run < len(found) and _in_number(found, run, at):
            run += 1
        said = [token.text for token in found[at:run] if token.text != "-"]
        spelled = words.spelled_number(said) if said else None
        if spelled is None:
            out.append(found[at])
            at += 1
            continue
        value, n = spelled
        used = at
        while n:
            n -= found[used].text != "-"
            used += 1
        text = " ".join(token.text for token in found[at:used])
        out.append(replace(found[at], kind="number", text=text, value=value))
        at = used
    return out


def _in_number(found: list[Token], i: int, start: int) -> bool:
    """Whether the token at `i` can go on a number in words that begins at `start`."""
    token = found[i]
    if token.kind == "word":
        return True
    if i == start:
        return token.kind == "symbol" and token.text == "a" and len(found) > 1
    hyphen = token.text == "-" and not token.spaced and found[i - 1].text.lower() in words.SMALL
    return hyphen or (token.kind == "symbol" and token.text == "a" and token.spaced)
