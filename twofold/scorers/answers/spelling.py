r"""How is an answer spelled? One normal form for the many spellings of the same answer.

Characters of all scripts become ASCII or LaTeX, commands that only set type are removed, digits are
no longer grouped. Nothing that may mean something is removed: a sign that goes leaves a space, so
that no two numbers become one.
"""

import re
import unicodedata
from functools import lru_cache

MAX_CHARS = 1000  # a longer answer is right only if it is spelled as the reference

_SIGNS = {
    **dict.fromkeys("−–—‒‐‑﹣－⁃", "-"), **dict.fromkeys("×✕✖", r"\times "),
    **dict.fromkeys("·⋅∙•", r"\cdot "), **dict.fromkeys("÷⁄∕／", "/"), "∗": "*", "＊": "*",
    "π": r"\pi ", "∞": r"\infty ", "°": r"^\circ ", "º": r"^\circ ", "√": r"\sqrt ",
    "∛": r"\sqrt[3] ", "∪": r"\cup ", "∩": r"\cap ", "∖": r"\setminus ", "±": r"\pm ",
    "∓": r"\mp ", "≤": r"\le ", "⩽": r"\le ", "≥": r"\ge ", "⩾": r"\ge ", "≠": r"\ne ",
    "≈": r"\approx ", "≃": r"\approx ", "≅": r"\approx ", "∈": r"\in ", "∅": r"\emptyset ",
    "⌀": r"\emptyset ", "Ø": r"\emptyset ", "ℝ": r"\mathbb{R} ", "ℤ": r"\mathbb{Z} ",
    "ℕ": r"\mathbb{N} ", "ℚ": r"\mathbb{Q} ", "ℂ": r"\mathbb{C} ", "∣": "|", "⌊": r"\lfloor ",
    "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "→": r"\to ", "⇒": r"\implies ",
    "⟨": r"\langle ", "⟩": r"\rangle ", "〈": r"\langle ", "〉": r"\rangle ", "∧": r"\land ",
    "∨": r"\lor ", "∠": r"\angle ", "△": r"\triangle ", "′": "'", "″": "''", "’": "'",
    "‘": "'", "“": '"', "”": '"', "µ": r"\mu ", "Ω": r"\Omega ", "ℓ": "L", "℃": r"^\circ C",
    "℉": r"^\circ F", "٫": ".", "٬": ",", "٪": "%", "。": ".", "、": ",", "،": ",", "…": "...",
    "⋯": "...", "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "", "\u2060": "",
    "\u2061": "", "\u2062": "", "\u2063": "", "\u200e": "", "\u200f": "", "\u00ad": "",
    "\ufe0e": "", "\ufe0f": "", "№": "",
}  # fmt: skip
_GREEK = {
    chr(code): rf"\{name} "
    for first, names in (
        (0x3B1, "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi "
         "rho sigma sigma tau upsilon phi chi psi omega"),
        (0x391, "Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi "
         "Rho . Sigma Tau Upsilon Phi Chi Psi Omega"),
    )
    for code, name in enumerate(names.split(), start=first)
}  # fmt: skip
_RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ", "0123456789+-()nix", strict=True))
_LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₙₓᵢ", "0123456789+-nxi", strict=True))
_RUNS = (
    (re.compile(f"[{''.join(_RAISED)}]+"), "^", _RAISED),
    (re.compile(f"[{''.join(_LOWERED)}]+"), "_", _LOWERED),
)

_GROUP = r"\s*\{([^{}]*)\}"
_END = r"(?![a-zA-Z])"
_REWRITES = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (r"\\(?:[dtcs]|nice)frac" + _END, r"\\frac"),
        (r"\{([^{}]+)\\over" + _END + r"([^{}]+)\}", r"\\frac{\1}{\2}"),
        (r"^\$?\s*([^{}$]+)\\over" + _END + r"([^{}$]+?)\$?$", r"\\frac{\1}{\2}"),
        (r"\^\{?(\d+)\}?\s*/\s*_\{?(\d+)\}?", r"\\frac{\1}{\2}"),
        (r"(?<=\d)\s*[xX]\s*(?=10\s*\^)|(?<=\d)\s+[xX]\s+(?=\d)", r"\\times "),
        (  # 5^{th}
            r"(?<=\d)\s*\^\s*\{?\s*(?:\\(?:text|mathrm|textrm)\s*\{)?\s*(?:st|nd|rd|th)\s*\}{0,2}"
            + _END,
            " ",
        ),
        (r"\\(?:begin|end)\s*\{(?:aligned|align\*?|gathered|gather\*?|split|equation\*?)\}", " "),
        (r"^\s*\\\\|\\\\\s*$", " "),
        (r"\\[dt]binom" + _END, r"\\binom"),
        (
            r"\\(?:left|right|[bB]igg?[lrm]?|displaystyle|textstyle|scriptstyle|limits|nolimits"
            r"|nonumber|boldmath|rm|bf|it|sf|tt|cal|normalsize|small|large|Large|LARGE|huge|Huge|tiny"
            r"|footnotesize|centering|relax|strut|bold|mathstrut)" + _END,
            " ",
        ),
        (r"\\(?:colorbox|textcolor|color)\s*(?:\[\w*\])?\s*\{[^{}]*\}", " "),
        (r"\\(?:hspace|vspace|hskip|kern|phantom|hphantom|label|tag)\*?" + _GROUP, " "),
        (r"\\(?:boxed|fbox|framebox|underline|uline|ensuremath|mathstrut|displaylines)" + _END, " "),
        (r"\\(?:math(?:bf|it|sf|tt|cal|scr|frak|normal)|boldsymbol|bm|pmb)" + _END, " "),
        (r"\\(?:emph|mbox|hbox|math(?:rm|up)|operatorname\*?|text(?:bf|it|rm|normal|tt|sf|up|md|sc"
         r"|sl)|mathop)" + _END, r"\\text"),
        (r"\\(?:q?quad|enspace|enskip|space|thinspace|nobreakspace)" + _END, " "),
        (r"(?<=\d),\\!\s*(?=\d{3})", ","),
        (r"(?<!\\)\\!", ""),
        (r"(?<!\\)\\[ ;:,>/]|~|\\~", " "),
        (r"(?<!\\)\\[()]|(?<!\\)\\\[|(?<!\\)\\\]", " "),
        (r"\{\s*,\s*\}", ","),
        (r"\{\s*([.:])\s*\}", r"\1"),
        (r"\\(?:degree|textdegree)" + _END, r"^\\circ "),
        (r"\^\s*\{?\s*\\(?:circ|textdegree)" + _END + r"\s*\}?", r"^\\circ "),
        (r"\b([ap])\.\s?m\.", r"\1m"),
        (r"\\%|\b[Pp]er\s?cent\b", "%"),
        (r"\\(?:lbrace|lbrack)" + _END, r"\\{"),
        (r"\\(?:rbrace|rbrack)" + _END, r"\\}"),
        (r"\\(?:leq|leqslant|leqq)" + _END, r"\\le"),
        (r"\\(?:geq|geqslant|geqq)" + _END, r"\\ge"),
        (r"\\(?:neq)" + _END, r"\\ne"),
        (r"\\(?:simeq|cong|thickapprox|doteq)" + _END, r"\\approx"),
        (r"\\(?:varnothing)" + _END, r"\\emptyset"),
        (r"\\(?:lvert|rvert|vert|mid)" + _END, "|"),
        (r"\\(?:dots|ldots|cdots)" + _END, "..."),
        (r"\\(?:dotsc|dotsb)" + _END, "..."),
        (r"\\(?:pounds|textsterling)" + _END, "£"),
        (r"\\(?:euro|texteuro|EUR)" + _END, "€"),
        (r"\\var(epsilon|phi|theta|rho|sigma)" + _END, r"\\\1"),
        (r"\\textasciicircum" + _END, "^"),
        (r"\\cdotp" + _END, r"\\cdot"),
        (r"<=|=<", r"\\le "),
        (r">=", r"\\ge "),
        (r"!=(?!=)", r"\\ne "),
    )
)  # fmt: skip
_ALIGNED = re.compile(r"\\begin\s*\{(?:aligned|align\*?|gathered|split)\}")
_EMPHASIS = re.compile(r"(\*\*|__|\*|_|')(?![*_])(.+?)\1")
_BEFORE = r"(?<![\d.,'])"
_GROUPED = tuple(
    (re.compile(pattern), separator)
    for pattern, separator in (
        (_BEFORE + r"[1-9]\d{0,2}(?: \d{3})+(?! ?\d)(?!,\d{3})", " "),
        (_BEFORE + r"[1-9]\d{0,2}(?:'\d{3})+(?![\d'])", "'"),
        (_BEFORE + r"[1-9]\d{0,2}(?:\.\d{3}){2,}(?![\d.])", "."),
        (_BEFORE + r"[1-9]\d{0,2}(?:_\d{3}){2,}(?![\d_])", "_"),
    )
)
_GROUPED_BY_COMMAS = re.compile(
    _BEFORE + r"(?:[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})+,\d{3})(?![\d,])"
)
_EUROPEAN = re.compile(_BEFORE + r"([1-9]\d{0,2}(?:\.\d{3})+),(\d+)(?![\d.,])")
_IN_BRACKETS = re.compile(r"[(\[]\s*\d[\d,]*,|\\\{\s*\d[\d,]*,")
_COMMA = re.compile(r"(?<![\d,.])(?![1-9]\d{0,2},\d{3}(?!\d))(\d+),(\d+)(?![\d,.])")


def _to_ascii(char: str) -> str:
    """A non-ASCII character as the equivalent ASCII or LaTeX; a digit of any script as its value."""
    if char in _SIGNS:
        return _SIGNS[char]
    if char in _GREEK:
        return _GREEK[char]
    value = unicodedata.decimal(char, None)
    if value is not None:
        return str(value)
    if char.isspace():
        return " "
    simple = unicodedata.normalize("NFKC", char)
    if "⁄" in simple:  # ½
        above, below = simple.split("⁄")
        return rf"\frac{{{above}}}{{{below}}}"
    # Full-width and mathematical letters; a Roman numeral stays what it is.
    return simple if simple.isascii() and not unicodedata.category(char).startswith("N") else char


def folded(text: str) -> str:
    """A text in ASCII and LaTeX as far as its characters have such a form."""
    if text.isascii():
        return text
    for run, mark, digits in _RUNS:
        text = run.sub(lambda found: f"{mark}{{{''.join(digits[c] for c in found[0])}}}", text)  # noqa: B023
    # A combining overline belongs to the digit before it.
    text = re.sub(r"((?:\d[\u0305\u0304])+)", lambda m: rf"\overline{{{m[1][::2]}}}", text)
    text = re.sub(r"((?:\d\u0307)+)", lambda m: rf"\overline{{{m[1][::2]}}}", text)
    return "".join(char if char.isascii() else _to_ascii(char) for char in text)


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    r"""The normal form of an answer: no dollar signs, typesetting or grouped digits.

    Digits of any script count as their value; letters that only look like digits do not.

    Example:
        >>> plain(r"$\dfrac{3}{4}$"), plain(r"\textbf{1,250}"), plain("x ∈ ٥")
        ('\\frac{3}{4}', '\\text{1250}', 'x \\in 5')
    """
    text = folded(text)
    if _ALIGNED.search(text):
        text = text.replace("&", " ")
    for pattern, new in _REWRITES:
        text = pattern.sub(new, text)
    text = _without_dollars(text)
    text = re.sub(r"\s+", " ", text).strip(' "`')
    while (mark := _EMPHASIS.fullmatch(text)) is not None:
        text = mark[2].strip(' "`')
    text = re.sub(r"(?<!\.)\.$|[:,;]+$", "", text).strip()
    text = _EUROPEAN.sub(lambda found: f"{found[1].replace('.', '')}.{found[2]}", text)
    for pattern, separator in _GROUPED:
        text = pattern.sub(lambda found: found[0].replace(separator, ""), text)  # noqa: B023
    if not _IN_BRACKETS.search(text):  # (1,234) is a pair, not a number
        text = _GROUPED_BY_COMMAS.sub(lambda found: found[0].replace(",", ""), text)
    return text


def ungrouped(text: str) -> str:
    """`text` with a space behind each comma, so that none of them groups digits."""
    return re.sub(r",(?=\d)", ", ", text)


def with_decimal_points(text: str) -> str:
    r"""`text` with the commas inside numbers read as decimal signs.

    Example:
        >>> with_decimal_points(r"2,5 \text{ cm}")
        '2.5 \\text{ cm}'
    """
    return _COMMA.sub(r"\1.\2", text)


def _without_dollars(text: str) -> str:
    r"""Dollar signs that open and close formulas removed; one that is money written `\$`."""
    text = text.replace("$$", " ")
    single = re.findall(r"(?<!\\)\$", text)
    if len(single) % 2:  # not all of them can be pairs
        text = re.sub(r"(?<!\\)\$(?=\s*[\d.])", lambda _: r"\$", text, count=1)
    return re.sub(r"(?<!\\)\$", " ", text)


def key(text: str) -> str:
    r"""What two spellings of one answer share: its `plain` form without spaces, braces and fonts.

    Example:
        >>> key(r"\text{Evelyn}") == key("Evelyn "), key("x^{2}") == key("x^2")
        (True, True)
    """
    text = plain(text).replace(r"\text", "")
    text = re.sub(r"(?<=[\^_])\{(\w)\}", r"\1", text)
    text = re.sub(r"^\s*\{([^{}]*)\}$", r"\1", text)
    # A space that keeps two numbers or words apart says something.
    return re.sub(r"(?<!\w)\s+|\s+(?!\w)", "", re.sub(r"\s+", " ", text)).strip()
