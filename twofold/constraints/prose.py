"""What is prose in a reply, and how many words and paragraphs does it have?

The `fixed` profile counts as people do: code, formulas and LaTeX commands are not words.
"""

import re
from collections.abc import Callable
from functools import lru_cache

from twofold.constraints.words import apart

CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
# What opens a formula, or a whole one between single dollars: no space inside them and no digit after,
# so that "$5 and $10" is money.
_OPENING = re.compile(
    r"\$\$|\\\[|\\\(|\\begin\{((?:equation|align|gather|multline|eqnarray|array|[bpvV]?matrix|cases)"
    r"[a-z]*\*?)\}"
    r"|(?<![\\$])\$(?=[^\s$])(?:\\.|[^$\\\n]|\n(?!\s*\n))*+(?<=\S)\$(?!\d)",
    re.DOTALL,
)
_CLOSING = {"$$": "$$", r"\[": r"\]", r"\(": r"\)"}
# The longest formula, in characters: an opening that nothing closes is text.
_LONGEST_FORMULA = 4000
# Pieces up to so many signs join no three words.
_LONG = 7
_URL = re.compile(r"https?://\S+")
TEXT_COMMAND = re.compile(r"\\(?:text[a-z]*|emph|mbox|underline|(?:sub)*section|title|item)\b\*?")
_TEXT_ARGUMENT = re.compile(r"\\(?:text[a-z]*|mathrm|emph|mbox)\*?\{([^{}]*)\}")
COMMAND = re.compile(
    r"\\[A-Za-z]+\*?(?:\[[^\[\]\n]*\])?(?:\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*"
)
_COMMAND_NAME = re.compile(r"\\(?:begin|end)\{[^{}\n]*\}|\\[A-Za-z]+")
# Counted one by one. Thai, Lao, Khmer and Burmese words can only be told by a dictionary.
_EAST_ASIAN = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_BY_DICTIONARY = re.compile(
    "[\u0e01-\u0e30\u0e32\u0e33\u0e40-\u0e46\u0e81-\u0eb0\u1000-\u102a\u1780-\u17b3]"
)
_PIECE = re.compile(rf"[{_EAST_ASIAN}]|[^\s—…{_EAST_ASIAN}]+")


@lru_cache(maxsize=32)
def prose(text: str) -> str:
    r"""`text` without code, formulas, addresses and LaTeX commands.

    Commands that hold words (`\text{...}`, `\emph{...}`) keep them; other commands are removed with
    their arguments, so `\boxed{A}` is not a capital letter.

    Example:
        >>> prose(r"the answer is $X + 1$, so \boxed{A} is \text{right}").split()
        ['the', 'answer', 'is', ',', 'so', 'is', '{right}']
    """
    text = with_formulas(CODE.sub(" ", text), lambda formula: " ")
    for gone in (_URL, TEXT_COMMAND, COMMAND):
        text = gone.sub(" ", text)
    return text


def with_formulas(text: str, replaced: Callable[[str], str]) -> str:
    """`text` with each formula replaced, in time that grows with its length."""
    parts, place = [], 0
    nearest: dict[str, int] = {}  # where each closing sign comes next
    while opening := _OPENING.search(text, place):
        closing = _CLOSING.get(opening[0], f"\\end{{{opening[1]}}}" if opening[1] else "")
        start, end = opening.span()
        if closing:
            if nearest.get(closing, 0) <= end:
                there = text.find(closing, end + 1)
                nearest[closing] = there if there >= 0 else 2 * len(text) + _LONGEST_FORMULA
            if nearest[closing] > end + _LONGEST_FORMULA:
                parts.append(text[place : start + 1])
                place = start + 1
                continue
            end = nearest[closing] + len(closing)
        parts += [text[place:start], replaced(text[start:end])]
        place = end
    return "".join([*parts, text[place:]])


def words_in_formulas(text: str) -> list[str]:
    r"""The words of two or more letters inside `\text{...}`, `\mathrm{...}` and the like.

    `prose` drops those inside a formula: they say little about the language, but their case counts.

    Example:
        >>> words_in_formulas(r"it is $\text{Four} + \text{B}$, so \boxed{\text{not five}}")
        ['Four', 'not', 'five']
    """
    held = " ".join(_TEXT_ARGUMENT.findall(CODE.sub(" ", text)))
    return re.findall(r"[^\W\d_]{2,}", held)


# What no formula has between its letters: words in a row, or a long one.
_HIDDEN_PROSE = re.compile(r"[^\W\d_]{2,}(?:\s+[^\W\d_]{2,})+|[^\W\d_]{4,}")


def with_words_of_formulas(text: str) -> str:
    r"""`text` with the words that stand in a formula in its place: letters of variables are none.

    Words in `\text{...}` and the like are, and so is prose between dollars.

    Example:
        >>> with_words_of_formulas(r"It Is $x + \sin y = \text{half a}$, or $just as you like$").split()
        ['It', 'Is', 'half', ',', 'or', 'just', 'as', 'you', 'like']
    """

    def held(formula: str) -> str:
        rest = _COMMAND_NAME.sub("+", _TEXT_ARGUMENT.sub("+", formula))
        return f" {' '.join([*words_in_formulas(formula), *_HIDDEN_PROSE.findall(rest)])} "

    return with_formulas(text, held)


@lru_cache(maxsize=32)
def n_words(text: str) -> int:
    r"""How many words a person counts.

    A word has a letter or a digit and is separated by spaces or em dashes: `don't`, `well-known`,
    `3.14` and `f(x)=2` are one each, a lone `=` is none. A LaTeX command's name is not a word, its
    arguments are: `\frac{1}{2}` is one, `\alpha` none. Each Chinese or Japanese character counts, as
    in word processors. Many words joined without spaces are many (`words.apart`).

    Example:
        >>> n_words(r"Don't guess: \frac{1}{2} = 0.5 — a well-known fact.")
        7
        >>> n_words("答えは 5")
        4
    """
    pieces = _PIECE.findall(_COMMAND_NAME.sub(" ", text))
    return sum(
        any(ch.isalnum() for ch in word)
        for piece in pieces
        for word in (apart(piece) if len(piece) > _LONG else (piece,))
    )


def most_words(text: str) -> int:
    r"""The most words that `text` may have: more than `n_words` where only a dictionary tells.

    Example:
        >>> n_words("ฉันเรียนภาษาไทย"), most_words("ฉันเรียนภาษาไทย"), most_words("two words")
        (1, 13, 2)
    """
    return n_words(text) + max(0, len(_BY_DICTIONARY.findall(text)) - 1)


def paragraphs(text: str) -> list[str]:
    r"""The paragraphs of `text`, which blank lines separate; blank ones are left out.

    Example:
        >>> paragraphs("One.\n \n\n\nTwo,\nstill two.")
        ['One.', 'Two,\nstill two.']
    """
    parts = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n"))
    return [part.strip() for part in parts if part.strip()]
