"""What is prose in a reply, and how many words and sentences does it have?

The `fixed` profile counts as people do: code, formulas and LaTeX commands are not words, a decimal
point ends no sentence, and a keyword is a separate word.
"""

import re
from functools import cache, lru_cache

import punkt

_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
# Bounded lengths keep a reply that opens a formula a thousand times cheap.
_MATH = re.compile(
    r"\$\$.{1,4000}?\$\$"
    r"|\\\[.{1,4000}?\\\]"
    r"|\\\(.{1,4000}?\\\)"
    r"|\\begin\{((?:equation|align|gather|multline|eqnarray|array|[bpvV]?matrix|cases)[a-z]*\*?)\}"
    r".{1,4000}?\\end\{\1\}"
    # $...$: no space inside the dollars and no digit after, so that "$5 and $10" is money
    r"|(?<![\\$])\$(?=[^\s$])(?:\\.|[^$\\\n]|\n(?!\s*\n))*+(?<=\S)\$(?!\d)",
    re.DOTALL,
)
_URL = re.compile(r"https?://\S+")
_TEXT_COMMAND = re.compile(r"\\(?:text[a-z]*|emph|mbox|underline|(?:sub)*section|title|item)\b\*?")
_TEXT_ARGUMENT = re.compile(r"\\(?:text[a-z]*|mathrm|emph|mbox)\*?\{([^{}]*)\}")
_COMMAND = re.compile(
    r"\\[A-Za-z]+\*?(?:\[[^\]\n]*\])?(?:\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\})*"
)
_COMMAND_NAME = re.compile(r"\\(?:begin|end)\{[^{}\n]*\}|\\[A-Za-z]+")
_EAST_ASIAN = "\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_PIECE = re.compile(rf"[{_EAST_ASIAN}]|[^\s—…{_EAST_ASIAN}]+")
_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(.*)$", re.MULTILINE)
_LIST_MARK = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+", re.MULTILINE)
_NEVER_LAST = re.compile(r"\b(?:e\.g|i\.e|cf|viz|vs)\.", re.IGNORECASE)
_OTHER_STOP = re.compile(r"[。！？।॥۔؟]+")


@lru_cache(maxsize=32)
def prose(text: str) -> str:
    r"""`text` without code, formulas, addresses and LaTeX commands.

    Commands that hold words (`\text{...}`, `\emph{...}`) keep them; other commands are removed with
    their arguments, so `\boxed{A}` is not a capital letter.

    Example:
        >>> prose(r"the answer is $X + 1$, so \boxed{A} is \text{right}").split()
        ['the', 'answer', 'is', ',', 'so', 'is', '{right}']
    """
    for gone in (_CODE, _MATH, _URL, _TEXT_COMMAND, _COMMAND):
        text = gone.sub(" ", text)
    return text


def words_in_formulas(text: str) -> list[str]:
    r"""The words of two or more letters inside `\text{...}`, `\mathrm{...}` and the like.

    `prose` drops those inside a formula: they say little about the language, but their case counts.

    Example:
        >>> words_in_formulas(r"it is $\text{Four} + \text{B}$, so \boxed{\text{not five}}")
        ['Four', 'not', 'five']
    """
    held = " ".join(_TEXT_ARGUMENT.findall(_CODE.sub(" ", text)))
    return re.findall(r"[^\W\d_]{2,}", held)


@lru_cache(maxsize=32)
def n_words(text: str) -> int:
    r"""How many words a person counts.

    A word has a letter or a digit and is separated by spaces or em dashes: `don't`, `well-known`,
    `3.14` and `f(x)=2` are one each, a lone `=` is none. A LaTeX command's name is not a word, its
    arguments are: `\frac{1}{2}` is one, `\alpha` none. Each Chinese or Japanese character counts, as
    in word processors.

    Example:
        >>> n_words(r"Don't guess: \frac{1}{2} = 0.5 — a well-known fact.")
        7
        >>> n_words("答えは 5")
        4
    """
    pieces = _PIECE.findall(_COMMAND_NAME.sub(" ", text))
    return sum(any(ch.isalnum() for ch in piece) for piece in pieces)


@cache
def _cutter() -> punkt.PunktSentenceTokenizer:
    return punkt.tokenizer_for("english", line_breaks="paragraph", prefixes=True)


@lru_cache(maxsize=32)
def n_sentences(text: str) -> int:
    r"""How many sentences a person counts.

    Punkt cuts, with abbreviations such as `e.g.` added. A formula is a noun of its sentence; a heading,
    a list item and a paragraph end a sentence; list numbers are not sentences; full stops of Chinese,
    Japanese, Hindi and Urdu count. A piece without a letter or a digit, or a block of code, is not a
    sentence.

    Example:
        >>> n_sentences("It is 3.5, e.g. Fig. 2 shows it. So $f(x) = 1$. Done!")
        3
        >>> n_sentences("1. Add 2.\n2. Halve it")
        2
    """
    text = _CODE.sub(lambda m: "\n\n" if m[0].startswith("```") else "code", text)
    text = _MATH.sub(_noun, text)
    text = _COMMAND.sub("formula", _TEXT_COMMAND.sub(" ", text))
    text = _NEVER_LAST.sub("eg", text)
    text = _HEADING.sub(r"\n\n\1\n\n", text)
    text = _LIST_MARK.sub("\n\n", text)
    text = _OTHER_STOP.sub(r"\g<0>\n\n", text)
    return sum(any(ch.isalnum() for ch in piece) for piece in _cutter().tokenize(text))


def _noun(formula: re.Match[str]) -> str:
    """A noun in place of a formula, with a full stop if a displayed formula ends its sentence."""
    ends = formula[0].startswith(("$$", "\\[")) and formula[0].rstrip("$] \\\n").endswith(".")
    return "formula." if ends else "formula"


def paragraphs(text: str) -> list[str]:
    r"""The paragraphs of `text`, which blank lines separate; blank ones are left out.

    Example:
        >>> paragraphs("One.\n \n\n\nTwo,\nstill two.")
        ['One.', 'Two,\nstill two.']
    """
    parts = re.split(r"\n[ \t]*\n", text.replace("\r\n", "\n"))
    return [part.strip() for part in parts if part.strip()]


@lru_cache(maxsize=512)
def as_word(keyword: str) -> re.Pattern[str]:
    r"""A pattern that finds `keyword` as a separate word or phrase, in any case.

    No letter or digit may touch it, but an underscore may, as in `_note_`. The name of a LaTeX command
    is not the word (`\bar` is not `bar`). Any white space may separate the words of a phrase.

    Example:
        >>> as_word("bar").findall(r"A Bar, a _bar_, a barn and $\bar{x}$")
        ['Bar', 'bar']
        >>> bool(as_word("C#").search("in C#, say"))
        True
    """
    body = r"\s+".join(re.escape(part) for part in keyword.split())
    before = r"(?<![^\W_])(?<!\\)" if keyword.strip()[:1].isalnum() else ""
    after = r"(?![^\W_])" if keyword.strip()[-1:].isalnum() else ""
    return re.compile(before + body + after, re.IGNORECASE)
