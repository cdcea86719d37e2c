"""The replies of the fuzz of constraints: what models write, and what nobody would."""

import unicodedata
from collections.abc import Callable, Sequence

import numpy as np

from twofold.constraints import CONSTRAINTS
from twofold.constraints.language import LANGUAGES

Rng = np.random.Generator

QUESTIONS = (
    "A baker sells 12 loaves in the morning and 7 after it. How many does she sell in all?",
    'Find $x$ with "$x^2 = 9$", or say it’s **impossible**: a) 3 b) -3\n\n```py\nprint(x)\n```',
    "  Was ist 3,5 · 2?\r\nAntworte kurz…  ",
    "数は？ 今天の café\u0301 — n\u0303 \u200bis\u00a0here; ﬁnd 1\u202f000 «or» ½.",
    "Why?",
    "👩‍🔬 asks: <b>how</b> many?</s>",
)
PLAIN = (
    "The answer is 12. We add 7 and 5, so it is right.",
    "First, we count the loaves; then we add them. Why? Because she asked!",
    "It cannot be known.\n\nStill, here is a guess: **42**.",
    "Dr. Lee paid $3.50 at 5 p.m. on Jan. 3. He said so, e.g. to the U.S. press.",
    "a bee is in a tree and it is big",
)
SIGNS = (
    *("* ", "- ", "+ ", "1. ", "2) ", "• ", "# ", "## ", "> ", "| a | b |", "---", "***", "******"),
    *(
        "`",
        "```",
        "~~~",
        "$",
        "$$",
        r"\[",
        r"\]",
        r"\(",
        r"\)",
        r"\frac{1}{2}",
        r"\boxed{",
        "}",
        "{",
    ),
    *(
        "[",
        "]",
        "(",
        ")",
        "<",
        ">",
        "<<",
        ">>",
        "<i>",
        "</i>",
        "<em>",
        "</em>",
        "<!--",
        "-->",
        "&amp;",
    ),
    *(
        '"',
        "'",
        "“",
        "”",
        "‘",
        "’",
        "«",
        "»",
        "「",
        "」",
        "''",
        '""',
        "(a)",
        "[b]",
        "{c}",
        "...",
        "…",
    ),
    *(
        ".",
        "?",
        "!",
        "?!",
        "‽",
        ";",
        ":",
        ",",
        "。",
        "！",
        "؟",
        "।",
        "—",
        "–",
        "-",
        "_",
        "/",
        "\\",
        "%",
    ),
    *(
        "P.S.",
        "Section 1",
        "My Answer:",
        "Question 1:",
        "Zimbabwe",
        "yes",
        "Maybe",
        "Mr.",
        "www.x.com",
    ),
)
SCRIPTS = (
    *(
        "привет мир",
        "γειά σου Κόσμε",
        "नमस्ते दुनिया।",
        "สวัสดีชาวโลก",
        "안녕 세상",
        "今天很冷。",
        "四です。",
    ),
    *(
        "مرحبا بالعالم",
        "שלום עולם",
        "গাছ",
        "კარგი",
        "Բարեւ",
        "ກາ ນ",
        "မြန်မာ",
        "ភាសា",
        "İstanbul ıI ß ŉ ǆ",
    ),
    *("Ⅻ ² ¼ ٣ ३ ④ ｆｕｌｌ ﬃ K Å", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟛", "\u0345\u0390\u03b0\u1fd3", "ﷺ ﷽"),
)
EMOJI = ("😀", "👍🏽", "👩‍🔬", "🇫🇷", "1️⃣", "❤️", "☺", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👨‍👩‍👧‍👦", "©", "‼️", "🫠")
NUMBERS = (
    *("3.14", "1,000", "1 000", "2-3", "1/2", "-7", "1e9", "1800-02-30", "1805-12-02", "007", "½"),
    *("10:30", "5%", "$5", "x2", "2nd", "14, 21, 28, 35, 42, 49", "٣٤", "1.2.3", "9" * 40),
)
ENDS = (
    "\n",
    "\r\n",
    "\r",
    "\n\n",
    "\n \n",
    "\v",
    "\f",
    "\x1c",
    "\x1d",
    "\x1e",
    "\x85",
    "\u2028",
    "\u2029",
)
HIDDEN = (
    "\u200b",
    "\u200c",
    "\u200d",
    "\u2060",
    "\ufeff",
    "\u00ad",
    "\u202e",
    "\u2066",
    "\ufe0f",
    "\u034f",
)
TOKENS = ("<|im_end|>", "</s>", "<s>", "<|im_start|>assistant\n", "<think>", "</think>", "[/INST]")


def one(rng: Rng, among: Sequence[str]) -> str:
    return among[int(rng.integers(len(among)))]


def some(rng: Rng, among: Sequence[str], most: int, joint: str = " ") -> str:
    return joint.join(one(rng, among) for _ in range(int(rng.integers(1, most + 1))))


def blank(rng: Rng) -> str:
    return some(
        rng, ("", " ", "\n", "\t", "\u3000", "\u200b", "\ufeff", "</s>", "\x00", "\u2028"), 5, ""
    )


def unicode(rng: Rng) -> str:
    """Any signs, half surrogates and unassigned ones among them."""
    high = one(rng, ("\x7f", "\u024f", "\uffff", "\U0010ffff"))
    return "".join(map(chr, rng.integers(0, ord(high) + 1, size=int(rng.integers(1, 80)))))


def markdown(rng: Rng) -> str:
    return some(rng, (*SIGNS, *PLAIN, "word", "Two words", *ENDS), 40, one(rng, ("", " ", "\n")))


def long_line(rng: Rng) -> str:
    pieces = (
        "a",
        "ab ",
        "word. ",
        "(",
        '"',
        "*",
        "- ",
        "😀",
        "e\u0301",
        "1,",
        "A",
        "\\",
        "猫",
        "[x] ",
    )
    return one(rng, pieces) * int(rng.integers(200, 4000))


def fences(rng: Rng) -> str:
    body = some(rng, (*PLAIN, '{"a": 4}', "x = 1", "- a", "a,b\n1,2", ""), 3, "\n")
    mark = one(rng, ("```", "~~~", "```json", "``` csv", "````", "`"))
    end = one(rng, (mark[:3], "", "```", "~~~", "\nEnd."))
    return some(rng, ("", *PLAIN), 1) + f"\n{mark}\n{body}\n{end}"


def marks(rng: Rng) -> str:
    """Letters under many marks, and marks without a letter."""
    accents = [chr(c) for c in range(0x300, 0x370)]
    return "".join(one(rng, "aeiou nAÉß") + some(rng, accents, 6, "") for _ in range(20)) + one(
        rng, accents
    )


def line_ends(rng: Rng) -> str:
    return "".join(one(rng, (*PLAIN, "a", "* a", "")) + one(rng, ENDS) for _ in range(8))


def prose(rng: Rng) -> str:
    words = (
        "we",
        "The",
        "river",
        "and",
        "it",
        "Anna",
        "level",
        "apple",
        "cat's",
        "well-known",
        "I",
    )
    ends = (".", "?", "!", "...", ",", "")
    parts = [some(rng, words, 12) + one(rng, ends) for _ in range(int(rng.integers(1, 12)))]
    return one(rng, (" ", "\n", "\n\n")).join(parts)


def other_language(rng: Rng) -> str:
    return some(rng, (*SCRIPTS, *(sentence for _, sentence in LANGUAGES.values())), 5)


def witness(rng: Rng) -> str:
    """A witness of some type."""
    cls = CONSTRAINTS[one(rng, sorted(CONSTRAINTS))]
    rule = cls(**cls.draw(rng, one(rng, QUESTIONS)), profile=one(rng, ("official", "fixed")))  # type: ignore[call-arg]
    return rule.witnesses()[int(rng.integers(2))]


KINDS: dict[str, Callable[[Rng], str]] = {
    "blank": blank,
    "unicode": unicode,
    "plain": lambda rng: some(rng, PLAIN, 4, one(rng, (" ", "\n", "\n\n"))),
    "markdown": markdown,
    "long line": long_line,
    "fences": fences,
    "other language": other_language,
    "marks": marks,
    "emoji": lambda rng: some(rng, (*EMOJI, *PLAIN, "."), 8, one(rng, ("", " "))),
    "quotes": lambda rng: some(rng, (*"\"'“”‘’«»`", "word", "it's", " "), 20, ""),
    "numbers": lambda rng: some(rng, (*NUMBERS, "is", "1. "), 12, one(rng, (" ", ", ", "\n"))),
    "line ends": line_ends,
    "prose": prose,
    "witness": witness,
    "request": lambda rng: one(rng, QUESTIONS),
    "tokens": lambda rng: some(rng, (*TOKENS, *PLAIN, *HIDDEN), 6, one(rng, ("", " ", "\n"))),
}


def changed(rng: Rng, text: str) -> str:
    """`text` with something small done to it."""
    at = int(rng.integers(len(text) + 1))
    piece = one(rng, (*SIGNS, *ENDS, *HIDDEN, *EMOJI, *NUMBERS, " ", "\u0301", "é", "\u00a0", "so"))
    ways: tuple[Callable[[], str], ...] = (
        lambda: text[:at] + piece + text[at:],
        lambda: text[:at] + text[at + 1 :],
        lambda: text[at:] + text[:at],
        lambda: text.swapcase(),
        lambda: text.replace(" ", piece),
        lambda: text + piece,
        lambda: piece + text,
        lambda: unicodedata.normalize(one(rng, ("NFC", "NFD", "NFKD")), text),
        lambda: text * 2,
        lambda: text.replace("\n", "\r\n"),
    )
    return ways[int(rng.integers(len(ways)))]()


def reply(rng: Rng, own: Sequence[str]) -> str:
    """One reply; `own` are texts close to the rule."""
    kind = int(rng.integers(len(KINDS) + 6))
    if kind < len(KINDS):
        return [*KINDS.values()][kind](rng)
    if kind < len(KINDS) + 4 and own:
        text = one(rng, own)
        for _ in range(int(rng.integers(1, 4))):
            text = changed(rng, text)
        return text
    makers = [*KINDS.values()]
    parts = [makers[int(rng.integers(len(makers)))](rng) for _ in range(int(rng.integers(2, 4)))]
    return one(rng, ("", " ", "\n", "\n\n", "\r\n")).join(parts)
