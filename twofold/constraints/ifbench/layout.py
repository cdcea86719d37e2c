"""Does the whole reply have a given form: an option, a template, title case, emoji, a thesis?"""

import re
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import final

import numpy as np

from twofold.constraints.counting import every
from twofold.constraints.draws import listed, one_of
from twofold.constraints.editing import at_start, capital, ended_by, pieces, words_changed
from twofold.constraints.fillers import SENTENCES, chosen, in_turn
from twofold.constraints.ifbench.pieces import bare, has_words, told, trimmed, words
from twofold.constraints.prose import with_words_of_formulas
from twofold.constraints.published import punkt_sentences
from twofold.constraints.tokens import tokens
from twofold.constraints.words import clusters
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict

_TEMPLATE = ("My Answer:", "My Conclusion:", "Future Outlook:")
_UNFILLED = re.compile(r"\[[^\[\]\n]*\b(?:answer|conclusion|outlook)\b[^\[\]\n]*\]", re.IGNORECASE)
_OPTIONS = ("yes/no/maybe", "agree/disagree/unsure", "true/false", "more/less/equal")
# Words that title case leaves small unless they come first or last.
_SMALL = frozenset(
    listed(
        """
    a, an, and, as, at, but, by, for, from, if, in, into, nor, of, off, on, or, over, per, so,
    than, the, to, up, via, vs, with, yet
    """
    )
)
_EMOJI = "🙂👍😀✨🌱"
# Names that are written with a small letter first: iPhone, eBay, mRNA.
_CAMEL = r"[^\W\d_]?[a-z][A-Z](?:[a-z]+.*|[A-Z0-9]{0,2})"
_NO_EMOJI = Verdict(
    None, "emoji cannot be told apart: pip install 'twofold[ifbench]'", note="not_installed"
)


@final
@dataclass(frozen=True)
class Options(Constraint):
    """The reply is one of the options.

    Source: IFBench. Departs: `official` cuts the list at `or` inside words, and minds a line break at the
    end.
    """

    name = "format:options"
    group = "content"
    family = "layout"
    departure = (
        "`or` cuts as a word alone; quotes, emphasis and a full stop may surround the option"
    )
    options: str
    profile: Profile

    def __post_init__(self) -> None:
        if self.profile == "fixed" and len(self._choices) < 2:
            raise ProblemError(f"{self.name}: options is {self.options!r}; give two or more, by /")

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Answer with one of these options and nothing else: {self.options}.",
            f"Your whole answer must be one of: {self.options}.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"options": one_of(rng, _OPTIONS)}

    @property
    def _choices(self) -> list[str]:
        if "/" in self.options:
            parts = self.options.split("/")
        elif re.search(r"\bor\b", self.options):
            parts = re.split(r",?\s*\bor\b|,", self.options)
        else:
            parts = self.options.split(",")
        return [part.strip() for part in parts if part.strip()]

    def witnesses(self) -> tuple[str, str]:
        return self._published_choices()[0][0], "none of them at all"

    def _published_choices(self) -> tuple[list[str], bool]:
        """The options as the published checker cuts them, and whether they are letters."""
        cut = next((mark for mark in ("/", "or") if mark in self.options), ",")
        letters = re.match(r"\W*[aA]\W*[bB]\W*[cC]\W*", self.options) is not None
        return [part.strip() for part in self.options.split(cut)], letters

    def _official(self, text: str) -> Verdict:
        choices, letters = self._published_choices()
        if not letters:
            text, choices = _core(text), [_core(choice) for choice in choices]
        return self._among(text, choices)

    def _fixed(self, text: str) -> Verdict:
        reply, choices = _option(text), [_option(choice) for choice in self._choices]
        return self._among(reply, choices)

    def _among(self, reply: str, choices: list[str]) -> Verdict:
        return Verdict(float(reply in choices), f"{reply[:40]!r}; one of {self.options!r} wanted")


def _core(text: str) -> str:
    """A text without ASCII marks and blanks at its ends, in lower case."""
    return text.strip(string.punctuation + " ").lower()


def _option(text: str) -> str:
    """An option without what may surround it, in lower case, white space as one blank."""
    return " ".join(trimmed(text).casefold().split())


@final
@dataclass(frozen=True)
class Emoji(Constraint):
    """Each sentence ends with an emoji (`emoji` tells them; without it the reply is unscored).

    Source: IFBench. Departs: `official` takes a single code point, last or last but one, so flags and
    keycaps fail.
    """

    name = "format:emoji"
    group = "format"
    family = "layout"
    departure = "flags and keycaps are emoji; the emoji is the last sign, or follows the mark"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "End each sentence with an emoji.",
            "Put an emoji at the end of every sentence of your answer.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "I am happy 😀. You too 👍!", "I am happy 😀. You too!"

    def _edited(self, text: str) -> str | None:
        parts = pieces(text)
        signs = in_turn(_EMOJI, text, len(parts))
        return "".join(ended_by(p, f" {sign}") for p, sign in zip(parts, signs, strict=True))

    def _official(self, text: str) -> Verdict:
        try:
            is_emoji = _emoji()
        except ModuleNotFoundError:
            return _NO_EMOJI
        parts = punkt_sentences(text)
        good = []
        for i, part in enumerate(parts):
            end = bare(part).strip()
            follows = parts[i + 1][:1] if i + 1 < len(parts) else ""
            good.append(bool(end) and (any(map(is_emoji, end[-2:])) or is_emoji(follows)))
        return every(good, "sentences end with an emoji")

    def _fixed(self, text: str) -> Verdict:
        try:
            is_emoji = _emoji()
        except ModuleNotFoundError:
            return _NO_EMOJI
        parts = [part.strip() for block in told(text) for part in punkt_sentences(block)]
        if not any(map(has_words, parts)):
            return Verdict(0.0, "no sentence at all", distance=1.0)
        good: list[bool] = []
        for piece in map(clusters, parts):
            n_behind = sum(1 for _ in takewhile(is_emoji, piece if good else ()))
            if n_behind:  # they stand behind the mark before
                good[-1] = True
            core = [p for p in piece[n_behind:] if not p.isspace()]
            while core and not core[-1].isalnum() and not is_emoji(core[-1]):
                core.pop()
            if core:
                good.append(is_emoji(core[-1]))
        return every(good, "sentences end with an emoji", least=1)


@cache
def _emoji() -> Callable[[str], bool]:
    """Whether a string is one emoji.

    Raises:
        ModuleNotFoundError: If `emoji` is not installed.
    """
    import emoji

    is_emoji: Callable[[str], bool] = emoji.is_emoji
    return is_emoji


@final
@dataclass(frozen=True)
class Thesis(Constraint):
    """The reply begins with a thesis in HTML italics.

    Source: IFBench. Departs: `official` looks anywhere, and its offsets let an empty `<em></em>` pass.
    """

    name = "format:thesis"
    group = "format"
    family = "layout"
    departure = "the thesis comes first (a heading may precede), is not empty, and text follows"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Begin with a thesis statement in italics, with the HTML tags <i> and </i>.",
            "Start your answer with your main claim between <i> and </i>, and then go on.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "<i>Thesis.</i> Body.", "<i>Thesis.</i>"

    def _edited(self, text: str) -> str | None:
        return at_start(text, f"<i>{chosen(SENTENCES, text)}</i>")

    def _official(self, text: str) -> Verdict:
        start = max(text.find("<i>"), -1) if "<i>" in text else text.find("<em>")
        if start < 0:
            return Verdict(0.0, "no <i> and no <em>")
        text = text[start:]
        end = text.find("</i>") if "</i>" in text else text.find("</em>")
        if end < 0:
            return Verdict(0.0, "the italics are not closed")
        obeys = bool(text[3:end].strip()) and bool(text[end + 4 :].strip())
        return Verdict(float(obeys), f"thesis {text[3:end][:40]!r}")

    def _fixed(self, text: str) -> Verdict:
        found = re.match(r"\s*(?:#[^\n]*\n\s*)?<(i|em)>(.*?)</\1>(.*)", text, re.DOTALL)
        obeys = found is not None and all(
            has_words(re.sub(r"<[^<>]*>", "", each)) for each in found.groups()[1:]
        )
        return Verdict(float(obeys), f"the reply begins {text.strip()[:40]!r}")


@final
@dataclass(frozen=True)
class TitleCase(Constraint):
    """The whole reply is in title case.

    Source: IFBench. Departs: `official` wants every token capitalised, small words and `n't` too.
    """

    name = "format:title_case"
    group = "format"
    family = "case"
    departure = "small words such as `of` and formulas are free; a contraction is one word"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write everything in title case: capitalise the first letter of every major word.",
            "Every important word of your answer must start with a capital letter.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "The Quick Brown Fox", "The quick Fox"

    def _edited(self, text: str) -> str | None:
        return words_changed(text, capital)

    def _official(self, text: str) -> Verdict:
        found = [t for t in tokens(text) if t[0].isalpha()]
        good = [
            not (t[0].islower() and (len(t) == 1 or t[1:].islower() or t[1:].isupper()))
            for t in found
        ]
        return every(good, "tokens are capitalised")

    def _fixed(self, text: str) -> Verdict:
        found = words(with_words_of_formulas(text))
        major = [w for w in found if w[0].isalpha() and w.lower() not in _SMALL]
        upper = [not w[0].islower() for w in major]
        names = [re.fullmatch(_CAMEL, w) is not None for w in major]
        few = sum(names) <= sum(w[0].isupper() for w in found)
        good = [first or (name and few) for first, name in zip(upper, names, strict=True)]
        return every(good, "major words are capitalised")


@final
@dataclass(frozen=True)
class OutputTemplate(Constraint):
    """The reply follows a template of three labels.

    Source: IFBench. Departs: `official` finds the labels anywhere and in any order.
    """

    name = "format:output_template"
    group = "format"
    family = "layout"
    departure = "the labels stand in order, each with words of its own, and the first comes first"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Use exactly this template: My Answer: [answer] My Conclusion: [conclusion] Future Outlook: "
            "[outlook]",
            "Write three parts, labelled My Answer:, My Conclusion: and Future Outlook:, in this order and "
            "nothing else.",
        )

    def witnesses(self) -> tuple[str, str]:
        return (
            "My Answer: yes\nMy Conclusion: ok\nFuture Outlook: fine",
            "My Answer: yes\nMy Conclusion: ok",
        )

    def _edited(self, text: str) -> str | None:
        end, hope = in_turn(SENTENCES, text, 2)
        return f"My Answer: {text.strip()}\nMy Conclusion: {end}\nFuture Outlook: {hope}"

    def _official(self, text: str) -> Verdict:
        return every([label in text for label in _TEMPLATE], "labels occur")

    def _fixed(self, text: str) -> Verdict:
        plain = text.replace("*", "")
        parts = re.split("|".join(map(re.escape, _TEMPLATE)), plain)
        order = re.findall("|".join(map(re.escape, _TEMPLATE)), plain)
        good = [a == b for a, b in zip(order, _TEMPLATE, strict=False)]
        if len(order) != 3 or parts[0].strip():
            return Verdict(0.0, f"labels found: {order[:4]}; text before: {parts[0][:20]!r}")
        filled = [has_words(_UNFILLED.sub("", part)) for part in parts[1:]]
        return every([a and b for a, b in zip(good, filled, strict=True)], "parts are in place")
