"""Does the reply have so many bullets, highlights, sections?

The published checkers count signs; the `fixed` ones count what the signs stand for. The forms that
are met or not, without a count, are in `template.py`; `FAMILY` holds both.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.constraints import structure
from twofold.constraints.counting import both_sides, hold, require_threshold
from twofold.constraints.markup import mask_code, mask_math
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict


def _verdict(obeys: bool, reason: str) -> Verdict:
    return Verdict(1.0 if obeys else 0.0, reason)


@final
@dataclass(frozen=True)
class BulletLists(Constraint):
    r"""Exactly so many bullet points. Nested ones count: each is a point of its own.

    Args:
        num_bullets: How many, at least 0 (0 forbids bullets).

    Raises:
        ProblemError: If `num_bullets` is negative or absurdly large.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` takes any line that begins
        with `-`, and `*` before anything but another `*`, so rules, `-5` and italics count.

    Example:
        >>> BulletLists(num_bullets=1, profile="fixed").check("* one\n---\n-5").reason
        '1 bullet, 1 wanted'
    """

    name: ClassVar[str] = "detectable_format:number_bullet_lists"
    group: ClassVar[str] = "format"
    departure: ClassVar[str] = (
        "a bullet is one of `* - + • –`, a space and words, in a block quote too, and the first after "
        "a quotation mark; rules, code and formulas hold none"
    )
    num_bullets: int
    profile: Profile

    def __post_init__(self) -> None:
        require_threshold(self.num_bullets, "at least", "num_bullets")

    def instruction(self) -> str:
        """The sentence that states the rule."""
        noun = "bullet point" if self.num_bullets == 1 else "bullet points"
        return (
            f"Your answer must contain exactly {self.num_bullets} markdown {noun}; "
            "begin each with `* ` on its own line."
        )

    def witnesses(self) -> tuple[str, str]:
        """So many bullets, and one more."""
        obeys = "The points:" + "\n* This is a point." * self.num_bullets
        return obeys, obeys + "\n* One more."

    def _official(self, text: str) -> Verdict:
        # The published `^\s*` may cross blank lines; stopping at the line gives the same count.
        stars = re.findall(r"^[^\S\n]*\*[^*].*$", text, flags=re.MULTILINE)
        dashes = re.findall(r"^[^\S\n]*-", text, flags=re.MULTILINE)
        return self._judged(len(stars) + len(dashes))

    def _fixed(self, text: str) -> Verdict:
        lines = _OPENING_QUOTE.sub("", mask_math(mask_code(text))).split("\n")
        bullets = [line for line in lines if _BULLET.match(line) and not _RULE.fullmatch(line)]
        return self._judged(len(bullets))

    def _judged(self, found: int) -> Verdict:
        noun = "bullet" if found == 1 else "bullets"
        return _verdict(found == self.num_bullets, f"{found} {noun}, {self.num_bullets} wanted")


_BULLET = re.compile(r"[\s>]*[*+•–-]\s+\S")
_OPENING_QUOTE = re.compile(r"\A\s*[\"“„«]")  # of a reply that stands in quotation marks
_RULE = re.compile(r"[\s>]*([*_-])(?:[ \t]*\1){2,}\s*")


@final
@dataclass(frozen=True)
class HighlightedSections(Constraint):
    """At least so many stretches set off by markdown asterisks.

    Args:
        num_highlights: The least number, at least 0 (0 is met by every reply that is not blank).

    Raises:
        ProblemError: If `num_highlights` is negative or absurdly large.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` pairs any two asterisks of a
        line, so `2 * 3 * 4` counts 1 and `***a***` counts 2.

    Example:
        >>> HighlightedSections(num_highlights=2, profile="fixed").check("***a***").reason
        '1 highlights, at least 2 wanted'
    """

    name: ClassVar[str] = "detectable_format:number_highlighted_sections"
    group: ClassVar[str] = "format"
    departure: ClassVar[str] = (
        "asterisks must hug their words and stand free; products, bullets, code, formulas do not "
        "count, and nested ones count once with the whole"
    )
    num_highlights: int
    profile: Profile

    def __post_init__(self) -> None:
        require_threshold(self.num_highlights, "at least", "num_highlights")

    def instruction(self) -> str:
        """The sentence that states the rule."""
        noun = "part" if self.num_highlights == 1 else "parts"
        return (
            f"Highlight at least {self.num_highlights} {noun} of your answer in markdown, "
            "like *this part*."
        )

    def witnesses(self) -> tuple[str, str]:
        """So many highlights, and one fewer."""
        return both_sides(
            self.num_highlights, "at least", lambda n: "The answer:" + "\nThis is *a point*." * n
        )

    def _official(self, text: str) -> Verdict:
        single = re.findall(r"\*([^\n*]*)\*", text)
        double = re.findall(r"\*\*([^\n*]*)\*\*", text)
        return self._judged(sum(1 for inner in single + double if inner.strip()))

    def _fixed(self, text: str) -> Verdict:
        return self._judged(len(_HIGHLIGHT.findall(mask_math(mask_code(text)))))

    def _judged(self, found: int) -> Verdict:
        return hold(found, "at least", self.num_highlights, "highlights")


# Closed by as many asterisks as opened it; three may open or close two stretches at once. Runs of
# another length inside are nested, and count with the whole.
_HIGHLIGHT = re.compile(
    r"""
      (?<![*\\A-Za-z0-9]) ((\*{3})|\*{1,2}) (?![*\s])
      (?: \\\* | (?!\\\*)[^*\n] | (?<!\*)(?!\1(?!\*))\*{1,3}(?!\*) )*?
      (?<![\s\\*]) (?: \1 | \*{3} | (?(2)\*{1,2}|(?!)) ) (?![*A-Za-z0-9])
    """,
    re.VERBOSE,
)


@final
@dataclass(frozen=True)
class MultipleSections(Constraint):
    r"""Exactly so many sections, each under a heading of a fixed word and a number.

    The sentence says "must have N sections", so `fixed` takes N as exact. It counts different
    numbers: the same heading twice is one section, and so is a heading that is named again.

    Args:
        section_spliter: The word before the number (the registry's spelling of the argument).
        num_sections: How many, at least 0.

    Raises:
        ProblemError: If the word is blank or holds signs of a regular expression, as which the
            published checker reads it; or if `num_sections` is negative or absurdly large.

    Source:
        IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` takes N or more, and counts
        the word with a number anywhere, inside other words too.

    Example:
        >>> two = MultipleSections(section_spliter="Part", num_sections=2, profile="fixed")
        >>> two.check("Part 1\nWe add.\n## Part 2\nWe stop, see Part 1.").reason
        '2 sections with words in them, 2 wanted'
    """

    name: ClassVar[str] = "detectable_format:multiple_sections"
    group: ClassVar[str] = "format"
    departure: ClassVar[str] = (
        "exactly N; only headings at the start of a line with words under them, each number once"
    )
    section_spliter: str
    num_sections: int
    profile: Profile

    def __post_init__(self) -> None:
        require_threshold(self.num_sections, "at least", "num_sections")
        if not self.section_spliter.strip() or re.search(r"[\\^$*+?{}\[\]|()]", self._word):
            raise ProblemError(
                f"{self.name}: section_spliter is {self.section_spliter!r}; give a word or words "
                r"without the signs \ ^ $ * + ? { } [ ] | ( )"
            )

    @property
    def _word(self) -> str:
        return self.section_spliter.strip()

    def instruction(self) -> str:
        """The sentence that states the rule."""
        noun = "section" if self.num_sections == 1 else "sections"
        return (
            f"Divide your answer into exactly {self.num_sections} {noun}. Begin each with a line "
            f"that says {self._word} and its number: {self._word} 1, {self._word} 2, and so on."
        )

    def witnesses(self) -> tuple[str, str]:
        """So many sections with words in them, and none (blank if none are wanted)."""
        numbers = range(1, self.num_sections + 1)
        none = "First some words."
        obeys = none + "".join(f"\n{self._word} {number}\nMore words." for number in numbers)
        return obeys, none if self.num_sections else ""

    def _official(self, text: str) -> Verdict:
        found = len(re.findall(rf"\s?{self._word}\s?\d+\s?", text))
        return hold(found, "at least", self.num_sections, f"times {self._word} with a number")

    def _fixed(self, text: str) -> Verdict:
        heading = rf"^[ \t#>*_=(\[\"“'-]*{re.escape(self._word)}[ \t]*(\d+)(?!\w|\.\d)"
        _, *rest = re.split(heading, text, flags=re.MULTILINE)
        bodies = zip(rest[::2], rest[1::2], strict=True)
        found = len({number for number, body in bodies if re.search(r"\w", body)})
        reason = f"{found} sections with words in them, {self.num_sections} wanted"
        return _verdict(found == self.num_sections, reason)


FAMILY: tuple[type[Constraint], ...] = (
    BulletLists,
    HighlightedSections,
    MultipleSections,
    *structure.FAMILY,
)
