"""How do the marks of a thought look?

Most are a word in brackets (`<think>`, `[THINK]`, `<|begin_of_thought|>`), and the word says that it
is a thought, whatever the brackets and the prefix (`<seed:think>`). So they are read by a grammar;
the few without such a word are listed.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, final

from twofold.errors import ModelError


@final
@dataclass(frozen=True)
class ThinkingPolicy:
    """A model's thinking marks, matched without regard to case.

    A text in which they do not occur is read by all known marks; so the default also stands for marks
    that nobody named.

    `prefilled`: the chat template ends the prompt with `open_tag`, so the text begins in the thought.

    Raises:
        ModelError: If a mark is blank.
    """

    open_tag: str = "<think>"
    close_tag: str = "</think>"
    prefilled: bool = False

    def __post_init__(self) -> None:
        if not (self.open_tag.strip() and self.close_tag.strip()):
            raise ModelError(
                f"the marks of a thought are {self.open_tag!r} and {self.close_tag!r}; a blank one is "
                "everywhere in a text, so give two texts (such as <think> and </think>)"
            )


# Left and right bracket of a mark, the longer ones first.
BRACKETS = {"<|": "|>", "<｜": "｜>", "<": ">", "[": "]", "◁": "▷", "⟨": "⟩", "＜": "＞"}
# What may follow the name of an element: `<think time="5">`.
_ATTRIBUTES = r"(?:\s+[\w:-]{1,40}=[^<>\n]{0,80})?"
_IN_BRACKETS = re.compile(
    "|".join(
        rf"{re.escape(a)}/?[^\W\d][\w:.▁-]{{0,40}}{_ATTRIBUTES if a == '<' else ''}{re.escape(b)}"
        for a, b in BRACKETS.items()
    )
)
_GLUED = re.compile(r"(begin|start|end)of", re.IGNORECASE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\da-zA-Z_]+")

# Names of thoughts: words that mean nothing else in brackets, and names of XML elements as well.
_SURE = {"think", "thinking", "thought", "thoughts", "思考"}
_LOOSE = {"reasoning", "reason", "reflection", "reflect", "scratchpad", "monologue", "cot"}
_NEGATED = {"no", "not", "off", "without", "skip"}
_EDGES = {"begin": "end", "start": "end", "stop": "start", "end": "start"}
_FILLERS = {*_EDGES, "of", "the", "process", "tag", "block"}


@final
class Mark(NamedTuple):
    """A word in brackets at `start` of a text."""

    start: int
    text: str

    @property
    def end(self) -> int:
        """The position behind it."""
        return self.start + len(self.text)

    @property
    def left(self) -> str:
        """The left bracket."""
        return next(left for left in BRACKETS if self.text.startswith(left))

    @property
    def name(self) -> str:
        """What is between the brackets, without a slash and attributes."""
        inside = self.text[len(self.left) : -len(BRACKETS[self.left])]
        return inside.removeprefix("/").split(maxsplit=1)[0]

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the name in lower case: `antThinking` and `START_THINKING` have two."""
        return tuple(word.lower() for word in _WORD.findall(_GLUED.sub(r"\1_of_", self.name)))

    @property
    def closes(self) -> bool:
        """Whether it closes something: `</a>`, `END_A`, `a_end`."""
        ends = bool({*self.words[:1], *self.words[-1:]} & {"end", "stop"})
        return ends or self.text.startswith(self.left + "/")

    @property
    def core(self) -> tuple[str, ...]:
        """The words of the name without those that say that something begins or ends."""
        return tuple(word for word in self.words if word not in _FILLERS)

    @property
    def is_special(self) -> bool:
        """Whether the brackets are those of a special token, which markup does not have."""
        return self.left not in ("<", "[")

    @property
    def is_thought(self) -> bool:
        """Whether the name says that it marks a thought."""
        return self.names_a_thought and (
            self.left != "[" or self.name.isupper()  # `[thinking]` is a stage direction
        )

    @property
    def names_a_thought(self) -> bool:
        """Whether the name is that of a thought, whatever the brackets are."""
        core = self.core
        return bool(core) and not _NEGATED & {*core} and core[-1] in _SURE | _LOOSE

    @property
    def is_sure(self) -> bool:
        """Whether nothing but a thought has this mark."""
        return self.is_special or (self.core[-1:] != () and self.core[-1] in _SURE)

    @property
    def other(self) -> str:
        """The mark at the other end of the thought."""
        right = BRACKETS[self.left]
        if self.text.startswith(self.left + "/"):
            return self.left + self.name + right
        edge = re.search(
            rf"(?<![a-z])({'|'.join(_EDGES)})(?=of|[^a-z]|$)", self.name, re.IGNORECASE
        )
        if edge is None:
            return f"{self.left}/{self.name}{right}"
        word = _EDGES[edge[0].lower()]
        if word == "start" and "of" in self.words:
            word = "begin"
        word = word.upper() if edge[0].isupper() else word
        return self.left + self.name[: edge.start()] + word + self.name[edge.end() :] + right


def marks_in(text: str, at: int = 0) -> Iterator[Mark]:
    """Every word in brackets from `at` on, in order."""
    return (Mark(found.start(), found[0]) for found in _IN_BRACKETS.finditer(text, at))


def mark_at(text: str, at: int = 0) -> Mark | None:
    """The word in brackets that starts at `at`."""
    found = _IN_BRACKETS.match(text, at)
    return Mark(at, found[0]) if found else None


@final
@dataclass(frozen=True)
class Style:
    """How a pair of marks is found in a text.

    `is_sure`: also where a thought does not come first. `closes_alone`: the closing mark says something
    without the opening one.
    """

    opens: re.Pattern[str]
    closes: re.Pattern[str]
    is_sure: bool = True
    closes_alone: bool = True


@final
class Listed(NamedTuple):
    """Patterns of an opening and a closing mark; `hints`: one of them is in every text with either."""

    opens: str
    closes: str
    hints: tuple[str, ...]
    is_sure: bool = True
    closes_alone: bool = True


_HARMONY = ThinkingPolicy(
    "<|channel|>analysis<|message|>", "<|start|>assistant<|channel|>final<|message|>"
)
_HEADER = r"(?:\s*<\|constrain\|>\s*\w+)?\s*<\|message\|>"
_FINAL = (
    r"(?-i:assistantfinal)|(?:<\|(?:end|call|return)\|>\s*)?<\|start\|>assistant[^<\n]{0,80}"
    r"<\|channel\|>final" + _HEADER
)

# Marks without a thought's word.
LISTED: dict[ThinkingPolicy, Listed] = {
    # gpt-oss: raw, and without its special tokens
    _HARMONY: Listed(
        r"(?:<\|start\|>assistant)?<\|channel\|>(?:analysis|commentary)[^<\n]{0,80}" + _HEADER,
        _FINAL,
        ("<|channel|>", "assistantfinal"),
    ),
    ThinkingPolicy("analysis", "assistantfinal"): Listed(
        r"(?-i:analysis)(?=[^\s.,:;!?)\]}'’–—/&_-])", _FINAL, ("analysis",), is_sure=False
    ),
    # Gemma 4, MedGemma, Pangu, Apertus, s1
    ThinkingPolicy("<|channel>thought", "<channel|>"): Listed(
        r"<\|channel>(?:thought\b)?", r"<channel\|>", ("<|channel>", "<channel|>")
    ),
    ThinkingPolicy("<unused94>thought", "<unused95>"): Listed(
        r"<unused94>(?:thought\b)?", "<unused95>", ("<unused9",)
    ),
    ThinkingPolicy("[unused16]", "[unused17]"): Listed(
        r"\[unused16\]", r"\[unused17\]", ("[unused1",)
    ),
    ThinkingPolicy("<|inner_prefix|>", "<|inner_suffix|>"): Listed(
        r"<\|inner_prefix\|>", r"<\|inner_suffix\|>", ("<|inner_",)
    ),
    ThinkingPolicy("<|im_start|>think", "<|im_start|>answer"): Listed(
        r"<\|im_start\|>think(?:ing)?\b",
        r"(?:<\|im_end\|>\s*)?<\|im_start\|>answer\b",
        ("<|im_start|>",),
    ),
    # Granite 3.2, and what Open WebUI exports
    ThinkingPolicy("Here is my thought process:", "Here is my response:"): Listed(
        r"Here(?: i|')s my thought process:",
        r"Here(?: i|')s my response:",
        ("my thought process:",),
        is_sure=False,
        closes_alone=False,
    ),
    ThinkingPolicy('<details type="reasoning">', "</details>"): Listed(
        r'<details type="reasoning"[^>\n]*>(?:\s*<summary>[^<\n]*</summary>)?',
        "</details>",
        ('<details type="reasoning"',),
        closes_alone=False,
    ),
}
_BY_TAGS = {(each.open_tag, each.close_tag): found for each, found in LISTED.items()}


@lru_cache(maxsize=256)
def style_of(policy: ThinkingPolicy) -> Style:
    """How the marks of `policy` are found."""
    flags = re.IGNORECASE | re.MULTILINE
    if listed := _BY_TAGS.get((policy.open_tag, policy.close_tag)):
        opens, closes = re.compile(listed.opens, flags), re.compile(listed.closes, flags)
        return Style(opens, closes, listed.is_sure, listed.closes_alone)
    mark = mark_at(policy.open_tag)
    loose = mark is not None and mark.text == policy.open_tag and mark.is_thought
    return Style(
        re.compile(re.escape(policy.open_tag), flags),
        re.compile(re.escape(policy.close_tag), flags),
        is_sure=mark is None or not loose or mark.is_sure,
    )


def listed_in(text: str) -> list[ThinkingPolicy]:
    """The listed marks that a text may hold."""
    return [each for each, found in LISTED.items() if any(hint in text for hint in found.hints)]


def is_harmony(policy: ThinkingPolicy) -> bool:
    """Whether these are the channels of gpt-oss, with or without their special tokens."""
    return policy.open_tag in (_HARMONY.open_tag, "analysis")


def pair_of(mark: Mark) -> ThinkingPolicy:
    """The pair that a mark belongs to; plain tags in lower case."""
    text = mark.text.lower() if mark.left == "<" else mark.text
    mark = Mark(0, text)
    return ThinkingPolicy(mark.other, text) if mark.closes else ThinkingPolicy(text, mark.other)
