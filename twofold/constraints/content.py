"""Does the reply have placeholders to fill in, or a postscript?"""

import re
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from twofold.constraints.counting import Bound, both_sides, hold, plural, require_counts
from twofold.constraints.draws import number, one_of
from twofold.constraints.editing import first_met, mention, slipped_in
from twofold.constraints.fillers import BLANKS, POSTSCRIPTS, chosen, in_turn
from twofold.constraints.markup import mask_math
from twofold.constraints.wording import stated_bound
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict
from twofold.types.problem import READING
from twofold.types.seen import seen


@final
@dataclass(frozen=True)
class Placeholders(Constraint):
    """At least N words in square brackets that stand for something to fill in.

    Brackets in code count: a template may be an XML or JSON file.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` counts every pair of
    brackets on a line, empty ones too.
    """

    name = "detectable_content:number_placeholders"
    group = "content"
    family = "layout"
    departure = "words in brackets: no links, checkboxes, numbers, indices, formulas, lists"
    num_placeholders: int
    profile: Profile
    stated: Bound | None = field(default=None, kw_only=True, metadata=READING)

    def __post_init__(self) -> None:
        require_counts(num_placeholders=self.num_placeholders)

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            (
                f"Leave at least {plural(self.num_placeholders, 'placeholder')} to fill in, each in square "
                "brackets, like [name]."
            ),
            f"Your answer must contain {plural(self.num_placeholders, 'placeholder')} or more in square "
            "brackets, such as [address].",
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"num_placeholders": number(rng, 1, 6)}

    def witnesses(self) -> tuple[str, str]:
        """N placeholders, and one fewer."""
        return both_sides(self.num_placeholders, "at least", lambda n: "Dear all," + " [name]" * n)

    def _edited(self, text: str) -> str | None:
        blanks = in_turn([f"[{blank}]" for blank in BLANKS], text, self.num_placeholders + 1)
        asked = (mention(blanks[:n]) for n in range(1, len(blanks) + 1))
        return first_met(self, (slipped_in(text, each) for each in asked))

    def _official(self, text: str) -> Verdict:
        # An unclosed bracket matches too, with an empty group, which keeps many of them cheap.
        return self._judged(sum(map(bool, re.findall(r"\[[^\]\n]*(\]?)", text))))

    def worded(self, prompt: str) -> Constraint:
        """As the prompt bounds the number of placeholders."""
        bound = Bound("at least", self.num_placeholders)
        return replace(self, stated=stated_bound(prompt, "placeholders?", bound))

    def _fixed(self, text: str) -> Verdict:
        found = len(_PLACEHOLDER.findall(mask_math(text)))
        return self.stated.verdict(found, "placeholders") if self.stated else self._judged(found)

    def _judged(self, found: int) -> Verdict:
        return hold(found, "at least", self.num_placeholders, "placeholders")


_PLACEHOLDER = re.compile(
    r"""
    (?<![A-Za-z0-9_)\\!]) \[            # not an index, an escape, an image
    (?! \s*["'^\\] )                    # not a list of strings, a footnote, a formula
    (?= [^\[\]\n]* (?: [A-Za-z]{2} | [^\W\d_A-Za-z] ) )    # a word, or a letter of another script
    [^\[\]\n]+
    \] (?!\()                           # not a link
    """,
    re.VERBOSE,
)


@final
@dataclass(frozen=True)
class Postscript(Constraint):
    r"""The reply ends in a postscript that starts with a given marker (`P.S.`, `P.P.S`), in any case.

    For `fixed`, words come before it, and it starts in one of the last three paragraphs: a second
    postscript or a required last sentence may follow. It starts a line, or follows the end of a
    sentence on the last line. A marker with signs of a regular expression is an error, since the
    published checker reads it as one.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` finds the marker anywhere,
    with nothing after it, and `P.S.` inside `P.P.S.`.

    Example:
        >>> rule = Postscript(postscript_marker="P.S.", profile="fixed")
        >>> rule.check("It is 4.\n\nP.S. Check it.").score, rule.check("Use P.S. rarely.").score
        (1.0, 0.0)
    """

    name = "detectable_content:postscript"
    group = "content"
    family = "layout"
    departure = (
        "the marker starts a line or a last sentence near the end, with words before and after"
    )
    postscript_marker: str
    profile: Profile

    def __post_init__(self) -> None:
        if not re.search(r"\w", self._marker) or re.search(r"[\\^$*+?{}\[\]|()\n]", self._marker):
            raise ProblemError(
                f"{self.name}: postscript_marker is {self.postscript_marker!r}; give letters and "
                r"dots such as 'P.S.', without the signs \ ^ $ * + ? { } [ ] | ( )"
            )

    @property
    def _marker(self) -> str:
        return self.postscript_marker.strip()

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return ((f"Close your answer with a postscript that starts with {self._marker}"),)

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"postscript_marker": one_of(rng, ("P.S.", "P.P.S"))}

    def witnesses(self) -> tuple[str, str]:
        """With the postscript, and without."""
        return f"The answer is 4.\n\n{self._marker} Check the sum.", "!"

    def _edited(self, text: str) -> str | None:
        return f"{text.rstrip()}\n\n{self._marker} {chosen(POSTSCRIPTS, text)}"

    def _official(self, text: str) -> Verdict:
        pattern = _PUBLISHED.get(self._marker, self._marker.lower())
        found = re.search(pattern, text.lower())
        return Verdict(1.0, f"{found[0]!r} occurs") if found else self._missing()

    def _fixed(self, text: str) -> Verdict:
        said = seen(self._marker)
        marker = re.escape(said).replace(r"\.", r"\.[ ]?")
        edge = r"(?!\w)" if said[-1:].isalnum() else ""
        opening = r"[ \t#>*_\"“'‘«„「『(\[-]*"
        after_sentence = r"(?<=[.!?…。！？:;\"'”’»」)\]*_])[ \t]+[*_(\[\"“]*"
        line = rf"(?:^{opening}|{after_sentence}){marker}{edge}(?=\W*\w)"
        later = [found.end() for found in re.finditer(r"\n[ \t]*\n\s*", text.rstrip())]
        last_three = later[-3] if len(later) >= 3 else 0
        for found in re.finditer(line, text, flags=re.IGNORECASE | re.MULTILINE):
            in_line = text[found.start() - 1 : found.start()] not in ("", "\n")
            if in_line and "\n" in text[found.end() :].strip():
                continue
            if found.end() > last_three and re.search(r"\w", text[: found.start()]):
                return Verdict(1.0, f"the postscript begins with {found[0].strip()!r}")
        return self._missing()

    def _missing(self) -> Verdict:
        return Verdict(0.0, f"no postscript that starts with {self._marker!r}")


_PUBLISHED = {"P.P.S": r"p\.\s?p\.\s?s", "P.S.": r"p\.\s?s\."}
