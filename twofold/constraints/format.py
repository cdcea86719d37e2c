"""Does the reply have N bullets, highlights or sections?

`official` counts signs; `fixed` counts what the signs stand for. Forms without a count are in
`structure.py`.
"""

import re
from dataclasses import dataclass, field, replace
from typing import Literal, final

import numpy as np

from twofold.constraints.counting import Bound, both_sides, hold, plural, require_counts, within
from twofold.constraints.draws import SECTIONS, number, one_of
from twofold.constraints.editing import bulleted, first_met, parted, some_words_changed, with_more
from twofold.constraints.markup import mask_code, mask_math
from twofold.constraints.wording import stated_bound
from twofold.constraints.words import plain
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict
from twofold.types.problem import READING


@final
@dataclass(frozen=True)
class BulletLists(Constraint):
    r"""Exactly N bullet points; nested ones count too.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` counts any line that
    begins with `-`, or with `*` and anything but another `*`: rules, `-5` and italics. `fixed` also
    finds bullets in a block quote, and the first one after an opening quotation mark. It takes the
    bound of the prompt's words if they state another ("at least 3 bullet points").

    Example:
        >>> BulletLists(num_bullets=1, profile="fixed").check("* one\n---\n-5").reason
        '1 bullet, 1 wanted'
    """

    name = "detectable_format:number_bullet_lists"
    group = "format"
    family = "layout"
    departure = "a bullet is one of `* - + • –`, a space and words; not rules, code or formulas"
    num_bullets: int
    profile: Profile
    stated: Bound | None = field(default=None, kw_only=True, metadata=READING)

    def __post_init__(self) -> None:
        require_counts(num_bullets=self.num_bullets)

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (
                f"Your answer must contain exactly {plural(self.num_bullets, 'markdown bullet point')}; "
                "begin each with `* ` on its own line."
            ),
            f"Use {plural(self.num_bullets, 'bullet')} in your answer, no more and no fewer, each a line "
            "that starts with `* `.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"num_bullets": number(rng, 1, 6)}

    def witnesses(self) -> tuple[str, str]:
        """N bullets, and one more."""
        obeys = "The points:" + "\n* This is a point." * self.num_bullets
        return obeys, obeys + "\n* One more."

    def _edited(self, text: str) -> str | None:
        bound = self.stated or Bound("exactly", self.num_bullets)
        return bulleted(text, bound.wanted)

    def _official(self, text: str) -> Verdict:
        # The published `^\s*` may cross blank lines; stopping at the line end counts the same.
        stars = re.findall(r"^[^\S\n]*\*[^*].*$", text, flags=re.MULTILINE)
        dashes = re.findall(r"^[^\S\n]*-", text, flags=re.MULTILINE)
        return self._judged(len(stars) + len(dashes))

    def worded(self, prompt: str) -> Constraint:
        """As the prompt bounds the number of bullets."""
        bound = Bound("exactly", self.num_bullets)
        return replace(self, stated=stated_bound(prompt, r"bullet(?:ed)?s?(?: points?)?", bound))

    def _fixed(self, text: str) -> Verdict:
        lines = _OPENING_QUOTE.sub("", mask_math(mask_code(text))).split("\n")
        bullets = [line for line in lines if _BULLET.match(line) and not _RULE.fullmatch(line)]
        return (
            self.stated.verdict(len(bullets), "bullets")
            if self.stated
            else self._judged(len(bullets))
        )

    def _judged(self, found: int) -> Verdict:
        wanted = self.num_bullets
        return within(found, wanted, wanted, f"{plural(found, 'bullet')}, {wanted} wanted")


_BULLET = re.compile(r"[\s>]*[*+•–-]\s+\S")
_OPENING_QUOTE = re.compile(r"\A\s*[\"“„«「『]")  # of a reply in quotation marks
_RULE = re.compile(r"[\s>]*([*_-])(?:[ \t]*\1){2,}\s*")


@final
@dataclass(frozen=True)
class HighlightedSections(Constraint):
    """At least N stretches of text between markdown asterisks.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` pairs any two asterisks of
    a line, so `2 * 3 * 4` counts 1 and `***a***` counts 2. For `fixed`, nested highlights count
    once with the whole, and one may run over a line end, as in markdown. If the prompt's words ask for
    italics, `**bold**` does not count; it takes their bound if they state another.
    """

    name = "detectable_format:number_highlighted_sections"
    group = "format"
    family = "layout"
    departure = "asterisks must touch their text; not products, bullets, code or formulas"
    num_highlights: int
    profile: Profile
    style: Literal["any", "italic", "bold"] = field(default="any", kw_only=True, metadata=READING)
    stated: Bound | None = field(default=None, kw_only=True, metadata=READING)

    def __post_init__(self) -> None:
        require_counts(num_highlights=self.num_highlights)

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (
                f"Highlight at least {plural(self.num_highlights, 'part')} of your answer in markdown, "
                "like *this part*."
            ),
            f"At least {plural(self.num_highlights, 'passage')} of your answer must be highlighted with "
            "asterisks, *like this*.",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"num_highlights": number(rng, 1, 5)}

    def witnesses(self) -> tuple[str, str]:
        """N highlights, and one fewer."""
        return both_sides(
            self.num_highlights, "at least", lambda n: "The answer:" + "\nThis is *a point*." * n
        )

    def _edited(self, text: str) -> str | None:
        mark = "**" if self.style == "bold" else "*"

        def highlighted(more: str) -> str | None:
            return first_met(self, some_words_changed(more, lambda w: f"{mark}{w}{mark}", least=3))

        return with_more(highlighted, text)

    def _official(self, text: str) -> Verdict:
        single = re.findall(r"\*([^\n*]*)\*", text)
        double = re.findall(r"\*\*([^\n*]*)\*\*", text)
        return self._judged(sum(1 for inner in single + double if inner.strip()))

    def worded(self, prompt: str) -> Constraint:
        """As the prompt says what a highlight is, and bounds their number."""
        said = [one for one in re.split(r"(?<=[.!?])\s+|\n", prompt) if _SAYS_STYLE.search(one)]
        styles = {found[1].lower() for one in said for found in _SAYS_STYLE.finditer(one)}
        style = _STYLES.get("".join(styles), "any")
        bound = Bound("at least", self.num_highlights)
        return replace(self, style=style, stated=stated_bound(" ".join(said), _HIGHLIGHTED, bound))

    def _fixed(self, text: str) -> Verdict:
        runs = [found[1] for found in _HIGHLIGHT.finditer(mask_math(mask_code(text)))]
        not_counted = {"italic": "**", "bold": "*"}.get(self.style)
        found = sum(run != not_counted for run in runs)
        return self.stated.verdict(found, "highlights") if self.stated else self._judged(found)

    def _judged(self, found: int) -> Verdict:
        return hold(found, "at least", self.num_highlights, "highlights")


# Not a bold claim, nor Italian.
_SAYS_STYLE = re.compile(
    r"\b(italic|highlight|emphasi[sz]|bold(?=ed\b|face\b|\s+(?:text|font|type|section|part|word|phrase)))",
    re.IGNORECASE,
)
_STYLES: dict[str, Literal["any", "italic", "bold"]] = {"italic": "italic", "bold": "bold"}
_HIGHLIGHTED = r"(?:highlights?|sections?|parts?|phrases?|spans?)"
# Closed by as many asterisks as opened it; three may open or close two highlights at once. Runs of
# another length inside are nested and count with the whole. A line end inside is no blank line and
# begins no bullet.
_HIGHLIGHT = re.compile(
    r"""
      (?<![*\\A-Za-z0-9]) ((\*{3})|\*{1,2}) (?![*\s])
      (?: \\\* | (?!\\\*)[^*\n] | \n(?![ \t]*(?:\n|[-+*•>\#][ \t]|\d{1,3}[.)][ \t]))
        | (?<!\*)(?!\1(?!\*))\*{1,3}(?!\*) )*?
      (?<![\s\\*]) (?: \1 | \*{3} | (?(2)\*{1,2}|(?!)) ) (?![*A-Za-z0-9])
    """,
    re.VERBOSE,
)


@final
@dataclass(frozen=True)
class MultipleSections(Constraint):
    r"""Exactly N sections, each under a heading of a fixed word and a number.

    The published sentence says "must have N sections", so `fixed` takes N as exact, unless the
    prompt's words say otherwise ("at least two sections"). It counts different numbers: a repeated
    heading, or a reference to one, adds no section. A word with signs of a regular expression is an
    error, since the published checker reads it as one.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` accepts N or more, and
    counts the word with a number anywhere, also inside other words.

    Example:
        >>> two = MultipleSections(section_spliter="Part", num_sections=2, profile="fixed")
        >>> two.check("Part 1\nWe add.\n## Part 2\nWe stop, see Part 1.").reason
        '2 sections with words in them, 2 wanted'
    """

    name = "detectable_format:multiple_sections"
    group = "format"
    family = "layout"
    departure = "exactly N headings at the start of a line, with text below, each number once"
    section_spliter: str
    num_sections: int
    profile: Profile
    stated: Bound | None = field(default=None, kw_only=True, metadata=READING)

    def __post_init__(self) -> None:
        require_counts(num_sections=self.num_sections)
        if not self.section_spliter.strip() or re.search(r"[\\^$*+?{}\[\]|()]", self._word):
            raise ProblemError(
                f"{self.name}: section_spliter is {self.section_spliter!r}; give a word or words "
                r"without the signs \ ^ $ * + ? { } [ ] | ( )"
            )

    @property
    def _word(self) -> str:
        return self.section_spliter.strip()

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (
                f"Divide your answer into exactly {plural(self.num_sections, 'section')}. Begin each with "
                "a line "
                f"that says {self._word} and its number: {self._word} 1, {self._word} 2, and so on."
            ),
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"section_spliter": one_of(rng, SECTIONS), "num_sections": number(rng, 2, 5)}

    def witnesses(self) -> tuple[str, str]:
        """N sections with words in them, and none (blank if 0 are wanted)."""
        numbers = range(1, self.num_sections + 1)
        none = "First some words."
        obeys = none + "".join(f"\n{self._word} {number}\nMore words." for number in numbers)
        return obeys, none if self.num_sections else ""

    def _edited(self, text: str) -> str | None:
        n = (self.stated or Bound("exactly", self.num_sections)).wanted
        bodies = enumerate(parted(text, n), 1) if n else ()
        return "\n".join(f"{self._word} {i}\n{body}" for i, body in bodies)

    def _official(self, text: str) -> Verdict:
        found = len(re.findall(rf"\s?{self._word}\s?\d+\s?", text))
        return hold(found, "at least", self.num_sections, f"times {self._word} with a number")

    def worded(self, prompt: str) -> Constraint:
        """As the prompt bounds the number of sections."""
        noun = rf"(?:sections?|parts?|{re.escape(self._word)}s?)"
        return replace(self, stated=stated_bound(prompt, noun, Bound("exactly", self.num_sections)))

    def _fixed(self, text: str) -> Verdict:
        words = r"[ \t]+".join(map(re.escape, plain(self._word).split()))
        heading = rf"^[ \t#>*_=(\[\"“«„「『'-]*{words}[ \t]*(\d+)(?!\w|\.\d)"
        _, *rest = re.split(heading, plain(text), flags=re.MULTILINE)
        bodies = zip(rest[::2], rest[1::2], strict=True)
        found = len({number for number, body in bodies if re.search(r"\w", body)})
        if self.stated:
            return self.stated.verdict(found, "sections with words in them")
        wanted = self.num_sections
        return within(
            found, wanted, wanted, f"{found} sections with words in them, {wanted} wanted"
        )
