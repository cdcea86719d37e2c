"""How are lines, bullets and paragraphs laid out?"""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import final

import numpy as np

from twofold.constraints.counting import every, exactly, hold
from twofold.constraints.draws import one_of
from twofold.constraints.editing import bare_pieces, filled, first_met, parted, pieces
from twofold.constraints.ifbench.lists import SEPARATORS
from twofold.constraints.ifbench.pieces import bare, has_words, words
from twofold.constraints.length import NumberParagraphs
from twofold.constraints.prose import paragraphs
from twofold.constraints.published import punkt_sentences
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict
from twofold.types.seen import seen

# The most lines that an edit indents one after the other: more would be blanks above all.
_MOST_STAIRS = 200


@final
@dataclass(frozen=True)
class Newline(Constraint):
    """Each word stands on a line of its own.

    Source: IFBench. Departs: `official` compares the number of lines with that of words, so a blank line
    makes up for a line of two words.
    """

    name = "format:newline"
    group = "format"
    family = "layout"
    departure = "each line is looked at"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return ("Write each word on a new line.", "Put only one word on each line of your answer.")

    def witnesses(self) -> tuple[str, str]:
        return "one\ntwo\nthree", "one two\nthree"

    def _official(self, text: str) -> Verdict:
        text = bare(text)
        lines = sum(line != "" for line in text.strip().split("\n"))
        return exactly(lines, len(text.split()), "lines for as many words")

    def _fixed(self, text: str) -> Verdict:
        counts = [n for line in text.split("\n") if (n := len(words(line)))]
        return every([n == 1 for n in counts], "lines have one word", least=1)


@final
@dataclass(frozen=True)
class LineIndent(Constraint):
    """Each line is indented further than the one before.

    Source: IFBench. Departs: `official` keeps one of two blank lines, and ignores tabs.
    """

    name = "format:line_indent"
    group = "format"
    family = "layout"
    departure = "blank lines are skipped, tabs indent, and two lines are needed"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Indent each line further than the line before, like stairs.",
            "Every new line must start with more spaces than the line above it.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "a\n b\n  c", "a\n b\n b"

    def _edited(self, text: str) -> str | None:
        lines = [part.strip() for part in filled(pieces(text), 2)]
        if len(lines) > _MOST_STAIRS:
            return None
        return "\n".join(" " * i + line for i, line in enumerate(lines))

    def _official(self, text: str) -> Verdict:
        lines = _without_blank_lines(text)
        return self._stairs([len(line) - len(line.lstrip(" ")) for line in lines], least=0)

    def _fixed(self, text: str) -> Verdict:
        lines = [line.expandtabs(4) for line in text.split("\n") if line.strip()]
        return self._stairs([len(line) - len(line.lstrip()) for line in lines], least=1)

    def _stairs(self, indents: Sequence[int], *, least: int) -> Verdict:
        good = [b > a for a, b in pairwise(indents)]
        return every(good, "lines are indented further", least=least)


def _without_blank_lines(text: str) -> list[str]:
    """The lines as the published checker keeps them, in time that grows with their number.

    At a blank line it removes the first line that is equal to it, and does not look at the line behind.
    """
    kept: list[str | None] = []
    blank: dict[str, deque[int]] = {}  # where each blank line that was kept is

    def keep(line: str) -> None:
        if not line.strip():
            blank.setdefault(line, deque()).append(len(kept))
        kept.append(line)

    lines = iter(text.split("\n"))
    for line in lines:
        if line.strip():
            keep(line)
            continue
        if places := blank.get(line):
            kept[places.popleft()] = None
            keep(line)
        for behind in islice(lines, 1):
            keep(behind)
    return [line for line in kept if line is not None]


@final
@dataclass(frozen=True)
class ListMarker(Constraint):
    """The reply lists items with a marker of its own.

    Source: IFBench. Departs: `official` wants the marker twice anywhere, also inside words.
    """

    name = "format:list"
    group = "format"
    family = "layout"
    departure = "the marker starts at least two lines, with words behind it"
    sep: str
    profile: Profile

    def __post_init__(self) -> None:
        if self.profile == "fixed" and not seen(self.sep):
            raise ProblemError(f"{self.name}: sep is {self.sep!r}; give the marker of a list item")

    def wordings(self) -> tuple[str, ...]:
        return (
            f"Answer with a list, and use {self.sep} in place of bullet points.",
            f"Give at least two items, each on a line that starts with {self.sep}",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        return {"sep": one_of(rng, SEPARATORS)}

    def witnesses(self) -> tuple[str, str]:
        return f"{self.sep} one\n{self.sep} two", f"{self.sep} one"

    def _edited(self, text: str) -> str | None:
        items = [item.strip() for item in filled(bare_pieces(text), 2)]
        return "\n".join(f"{self.sep.strip()} {item}" for item in items)

    def _official(self, text: str) -> Verdict:
        return hold(text.count(self.sep), "at least", 2, f"markers {self.sep!r}")

    def _fixed(self, text: str) -> Verdict:
        item = re.compile(rf"^[ \t]*{re.escape(seen(self.sep))}[^\n]*", re.MULTILINE)
        items = [each for each in item.findall(text) if has_words(each.replace(seen(self.sep), ""))]
        return hold(len(items), "at least", 2, f"items that start with {self.sep!r}")


@final
@dataclass(frozen=True)
class SubBullets(Constraint):
    """Each bullet `*` has a sub-bullet `-`.

    Source: IFBench. Departs: `official` wants a `-` anywhere between two `*`, and passes a text without
    bullets; `fixed` wants lines.
    """

    name = "format:sub-bullets"
    group = "format"
    family = "layout"
    departure = "bullets and sub-bullets start lines and have words, and there is at least one"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write bullet points with * and under each at least one sub-bullet with -.",
            "Your answer needs bullets that start with * and, below every one, a line that starts with -.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "* a\n  - b\n* c\n  - d", "* a\n  - b\n* c"

    def _edited(self, text: str) -> str | None:
        return "\n".join(["* Steps", *(f"  - {item}" for item in bare_pieces(text))])

    def _official(self, text: str) -> Verdict:
        return every(["-" in part for part in text.split("*")[1:]], "bullets have a dash")

    def _fixed(self, text: str) -> Verdict:
        parts = re.split(r"^[ \t]*\*[ \t]+(?=\S)", text, flags=re.MULTILINE)[1:]
        subs = [re.findall(r"^[ \t]*-[ \t]+(.*)", part, re.MULTILINE) for part in parts]
        good = [
            any(map(has_words, found)) and has_words(part.split("\n")[0])
            for part, found in zip(parts, subs, strict=True)
        ]
        return every(good, "bullets have a sub-bullet", least=1)


@final
@dataclass(frozen=True)
class NoBulletsBullets(Constraint):
    """At least two sentences, then at least two bullets `*`.

    Source: IFBench. Departs: `official` forgets the sentences at each blank line and fails on a line
    break at the end.
    """

    name = "format:no_bullets_bullets"
    group = "format"
    family = "layout"
    departure = "blank lines are free; the sentences end in a full stop"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write at least two sentences that end in a full stop, and then at least two bullets with *.",
            "Begin with two or more sentences, follow with two or more lines that start with *, and end "
            "there.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "One here. Two here.\n* a\n* b", "One here. Two here.\n* a"

    def _edited(self, text: str) -> str | None:
        for n in (4, 5, 6):
            *prose, one, two = (part.strip() for part in filled(bare_pieces(text), n))
            if edited := first_met(self, [f"{' '.join(prose)}\n* {one}\n* {two}"]):
                return edited
        return None

    def _official(self, text: str) -> Verdict:
        n_sentences = bullets = 0
        prose = True  # until a blank line or a bullet
        for line in text.split("\n"):
            if line.strip().startswith("*"):
                prose = False
                bullets += 1
                if n_sentences < 2:
                    return Verdict(0.0, f"{n_sentences} sentences before the first bullet")
            elif prose:
                found = len(punkt_sentences(line.strip()))
                n_sentences += found
                prose = found > 0
            else:
                return Verdict(0.0, "a line behind a blank line or a bullet")
        return hold(bullets, "at least", 2, "bullets")

    def _fixed(self, text: str) -> Verdict:
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        first = next((i for i, line in enumerate(lines) if _is_bullet(line)), len(lines))
        parts = (part for line in lines[:first] for part in punkt_sentences(line))
        stops = sum(part.endswith(".") and has_words(part) for part in parts)
        if stops < 2:
            return Verdict(0.0, f"{stops} sentences with a full stop before the first bullet")
        if not all(map(_is_bullet, lines[first:])):
            return Verdict(0.0, "other lines follow the first bullet")
        return hold(len(lines) - first, "at least", 2, "bullets")


def _is_bullet(line: str) -> bool:
    """Whether a line is a bullet with words."""
    return re.match(r"\*[ \t]", line) is not None and has_words(line)


@final
@dataclass(frozen=True)
class ParagraphsStars(Constraint):
    """Two paragraphs with `***` between. Source: IFBench's training types."""

    name = "paragraphs:paragraphs"
    group = "length"
    family = "layout"
    departure = "the divider is a line of its own"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write two paragraphs with a line *** between them.",
            "Your answer has exactly 2 paragraphs, separated by the markdown divider ***.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "One\n***\nTwo", "One\n***\nTwo\n***\nThree"

    def _edited(self, text: str) -> str | None:
        return NumberParagraphs(2, self.profile).apply(text)

    def _official(self, text: str) -> Verdict:
        return NumberParagraphs(2, self.profile).check(text)


@final
@dataclass(frozen=True)
class ParagraphsBlankLine(Constraint):
    """Two paragraphs with a blank line between. Source: IFBench's training types."""

    name = "paragraphs:paragraphs2"
    group = "length"
    family = "layout"
    departure = "any number of blank lines parts two paragraphs; marks alone are none"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write two paragraphs with a blank line between them.",
            "Your answer has exactly 2 paragraphs, separated by two line breaks.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "One\n\nTwo", "One\nTwo"

    def _edited(self, text: str) -> str | None:
        return "\n\n".join(parted(text, 2))

    def _official(self, text: str) -> Verdict:
        filled = [bool(part.strip()) for part in text.split("\n\n")]
        if not all(filled[1:-1]):
            return Verdict(0.0, "nothing stands between two blank lines")
        return exactly(sum(filled), 2, "paragraphs")

    def _fixed(self, text: str) -> Verdict:
        return exactly(sum(map(has_words, paragraphs(text))), 2, "paragraphs")
