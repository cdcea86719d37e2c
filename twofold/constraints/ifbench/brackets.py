"""Are brackets and quotation marks nested or placed as told?"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.constraints.counting import every, within
from twofold.constraints.editing import at_start, has_spaced_formulas, slipped_in
from twofold.constraints.ifbench.pieces import has_words, words
from twofold.types import Constraint, Profile, Verdict

_PAIRS = {")": "(", "]": "[", "}": "{"}
_DEPTH, _QUOTE_DEPTH = 5, 3
# Straight and curly quotation marks, each with its kind.
_DOUBLE, _SINGLE = '"“”', "'‘’"


@final
@dataclass(frozen=True)
class Parentheses(Constraint):
    """Brackets are nested at least five deep.

    Source: IFBench. Departs: `official` adds up openers that are never closed, so five `:(` and one `)` do;
    `fixed` wants five that are closed again.
    """

    name = "format:parentheses"
    group = "format"
    family = "layout"
    departure = "the five brackets must be closed again, each by its own kind"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Nest brackets of any kind, ( ), [ ] or { }, at least five deep.",
            "Somewhere in your answer, brackets must stand inside one another to a depth of 5.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "a (b [c {d (e [f] g) h} i] j) k", "a (b (c (d) e) f) g"

    def _edited(self, text: str) -> str | None:
        return slipped_in(text, "It holds (seen (from (one (and (every) other) side) or) back).")

    def _official(self, text: str) -> Verdict:
        stack: list[str] = []
        deepest = 0
        for ch in text:
            if ch in "([{":
                stack.append(ch)
                deepest = max(deepest, len(stack))
            elif ch in _PAIRS:
                if not stack or stack[-1] != _PAIRS[ch]:
                    stack, deepest = [], 0
                else:
                    stack.pop()
                    if deepest >= _DEPTH:
                        return self._depth(deepest)
        return self._depth(min(deepest, _DEPTH - 1))

    def _fixed(self, text: str) -> Verdict:
        stack: list[
            tuple[str, int]
        ] = []  # each open bracket, and how deep closed ones inside it go
        deepest = 0
        for ch in text:
            if ch in "([{":
                stack.append((ch, 0))
            elif ch in _PAIRS:
                while stack and stack[-1][0] != _PAIRS[ch]:
                    stack.pop()  # never closed
                if stack:
                    depth = stack.pop()[1] + 1
                    deepest = max(deepest, depth)
                    if stack:
                        stack[-1] = (stack[-1][0], max(stack[-1][1], depth))
        return self._depth(deepest)

    def _depth(self, depth: int) -> Verdict:
        return within(depth, _DEPTH, None, f"brackets {depth} deep, at least {_DEPTH} wanted")


@final
@dataclass(frozen=True)
class Quotes(Constraint):
    """Quotations are nested at least three deep, double and single marks in turn.

    Source: IFBench. Departs: `official` takes each apostrophe for a mark and sees no curly ones.
    """

    name = "format:quotes"
    group = "format"
    family = "layout"
    departure = "apostrophes inside words are no marks; curly marks count; words are quoted"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Put quotes within quotes within quotes, three deep, double and single marks in turn.",
            "Nest quotations at least 3 levels deep, alternating between \" and '.",
        )

    def witnesses(self) -> tuple[str, str]:
        return '"a \'b "c" b\' a"', "\"a 'b' a\""

    def _edited(self, text: str) -> str | None:
        return at_start(text, 'They said "we told \'all is "well" here\' to them" at last.')

    def _official(self, text: str) -> Verdict:
        return self._nested([ch for ch in text if ch in "\"'"])

    def _fixed(self, text: str) -> Verdict:
        text = re.sub(r"(?<=\w)['’](?=\w)", "", text)
        stack: list[tuple[str, int, int]] = []  # mark, place, how deep closed ones inside it go
        deepest, word = 0, -1  # the place of the last letter or digit
        for place, ch in enumerate(text):
            if ch not in _DOUBLE + _SINGLE:
                word = place if ch.isalnum() else word
                continue
            kind = '"' if ch in _DOUBLE else "'"
            if not stack or stack[-1][0] != kind:
                stack.append((kind, place, 0))
                continue
            _, start, inside = stack.pop()
            depth = inside + 1 if word > start else 0
            deepest = max(deepest, depth)
            if stack:
                stack[-1] = (*stack[-1][:2], max(stack[-1][2], depth))
        return self._closed(deepest)

    def _nested(self, marks: Sequence[str]) -> Verdict:
        stack: list[str] = []
        deepest = closed = 0
        for mark in marks:
            if stack and stack[-1] == mark:
                stack.pop()
                closed = max(closed, deepest - len(stack))
                if closed >= _QUOTE_DEPTH:
                    break
            else:
                stack.append(mark)
                deepest = max(deepest, len(stack))
        return self._closed(closed)

    def _closed(self, depth: int) -> Verdict:
        return within(depth, _QUOTE_DEPTH, None, f"{depth} levels closed, {_QUOTE_DEPTH} wanted")


@final
@dataclass(frozen=True)
class QuoteUnquote(Constraint):
    """Each quotation is followed by an explanation.

    Source: IFBench. Departs: `official` fails two marks that touch or a text that ends in one, and passes a
    text without quotations; `fixed` wants a quotation and words after each.
    """

    name = "format:quote_unquote"
    group = "format"
    family = "layout"
    departure = "needs a quotation; words stand in and follow each one; curly marks count"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Follow each quotation by an explanation of it outside the quotation marks.",
            "Every phrase in quotation marks must be explained right after it.",
        )

    def witnesses(self) -> tuple[str, str]:
        return '"Yes" means assent.', 'He said "yes".'

    def _edited(self, text: str) -> str | None:
        return at_start(text, '"Solved" means that it is worked out here.')

    def _official(self, text: str) -> Verdict:
        text = text.replace("'\"'", "")
        if '""' in "".join(text.split()):
            return Verdict(0.0, "two quotation marks touch")
        end = text.strip("0123456789" + "!#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" + " \t\n\r\x0b\x0c")
        return Verdict(float(not end.endswith('"')), f"the text ends {end[-20:]!r}")

    def _fixed(self, text: str) -> Verdict:
        parts = re.split(r"[\"“”]", text)
        quoted, after = parts[1::2], parts[2::2]  # what stands inside, and outside behind it
        good = [
            has_words(inside) and re.search(r"[^\W\d_]{2}|[^\W\d_A-Za-z]", part) is not None
            for inside, part in zip(quoted, after, strict=False)
        ]
        return every(good, "quotations are followed by words", least=1)


@final
@dataclass(frozen=True)
class SquareBrackets(Constraint):
    """Each word stands in square brackets. Source: IFBench's training types."""

    name = "detectable_format:square_brackets"
    group = "format"
    family = "layout"
    departure = "a mark may follow the bracket; the bracket holds one word"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Put each word in square brackets, [like] [this].",
            "Every single word of your answer must be enclosed in [ and ].",
        )

    def witnesses(self) -> tuple[str, str]:
        return "[All] [words]", "[All words]"

    def _edited(self, text: str) -> str | None:
        return None if has_spaced_formulas(text) else re.sub(r"(\S+)", r"[\1]", text.strip())

    def _official(self, text: str) -> Verdict:
        good = [w.startswith("[") and w.endswith("]") for w in text.split()]
        return every(good, "words stand in square brackets")

    def _fixed(self, text: str) -> Verdict:
        held = [re.fullmatch(r"\[([^\[\]\s]+)\]\W*", w) for w in text.split()]
        good = [each is not None and _n_words(each[1]) <= 1 for each in held]
        if not has_words(text):
            return Verdict(0.0, "no word at all", distance=1.0)
        return every(good, "words stand in square brackets")


@final
@dataclass(frozen=True)
class BigramWrapping(Constraint):
    """Each pair of words stands in double angle brackets.

    Source: IFBench's training types. Departs: `official` does not look at a last word without partner.
    """

    name = "detectable_format:bigram_wrapping"
    group = "format"
    family = "layout"
    departure = "a last word without partner is wrapped too, and a mark may follow"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Wrap every two words in double angle brackets, <<like this>> <<one here>>.",
            "Put << and >> around each pair of words of your answer.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "<<I am>> <<at home>>", "<<I am>> at home"

    def _edited(self, text: str) -> str | None:
        if has_spaced_formulas(text):
            return None
        return re.sub(r"(\S+)(\s+\S+)?", r"<<\1\2>>", text.strip())

    def _official(self, text: str) -> Verdict:
        parts = text.split()
        pairs = zip(parts[::2], parts[1::2], strict=False)
        good = [a.startswith("<<") and b.endswith(">>") for a, b in pairs]
        return every(good, "pairs are wrapped")

    def _fixed(self, text: str) -> Verdict:
        rest = re.sub(r"<<([^\s<>]+)[ \t\n]+([^\s<>]+)>>", self._kept, text)
        rest = re.sub(r"<<([^\s<>]+)>>\W*\Z", self._kept, rest)
        wrapped = text.count("<<") - rest.count("<<")
        bare = len(re.findall(r"\w+", rest))
        return every([True] * wrapped + [False] * bare, "pairs are wrapped", least=1)

    @staticmethod
    def _kept(found: re.Match[str]) -> str:
        """Nothing of a pair of words; a pair that is none."""
        return "" if all(has_words(w) and _n_words(w) <= 1 for w in found.groups()) else found[0]


def _n_words(piece: str) -> int:
    """How many words with letters a piece without spaces has."""
    return sum(any(map(str.isalpha, word)) for word in words(piece))
