"""Does the reply start or end as asked, and avoid commas?"""

import re
from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.constraints.counting import absent, plural
from twofold.constraints.draws import ENDINGS, one_of
from twofold.constraints.editing import at_end
from twofold.constraints.words import as_word, fold
from twofold.errors import ProblemError
from twofold.types import Constraint, Profile, Verdict


@final
@dataclass(frozen=True)
class EndPhrase(Constraint):
    """The reply ends with a given phrase (with a word in it), in any case.

    `fixed` also ignores line breaks inside the phrase, and closing quotes, brackets and emphasis
    after it. A phrase that ends in `"` is an error: the published checker strips it from the reply.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` allows only `"` after the
    phrase, and the phrase may start inside a word.

    Example:
        >>> rule = EndPhrase(end_phrase="Any other questions?", profile="fixed")
        >>> rule.check("It is 4. **Any other questions?**").score
        1.0
    """

    name = "startend:end_checker"
    group = "affix"
    family = "position"
    departure = "closing quotes, brackets, emphasis may follow; the phrase is not part of a word"
    end_phrase: str
    profile: Profile

    def __post_init__(self) -> None:
        phrase = self.end_phrase.strip()
        if not re.search(r"[^\W_]", phrase) or phrase.endswith('"'):
            raise ProblemError(
                f"{self.name}: end_phrase is {self.end_phrase!r}; give words, and no quotation mark "
                "at their end"
            )

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        phrase = self.end_phrase.strip()
        return (
            (f'End your answer with exactly this phrase and nothing after it: "{phrase}"'),
            f'The last words of your answer must be: "{self.end_phrase.strip()}"',
        )

    @classmethod
    def draw(cls, rng: np.random.Generator, question: str) -> dict[str, object]:
        """Arguments that a reply can meet."""
        return {"end_phrase": one_of(rng, ENDINGS)}

    def witnesses(self) -> tuple[str, str]:
        """An answer followed by the phrase, and the phrase followed by a letter."""
        phrase = self.end_phrase.strip()
        other = "y" if phrase.rstrip(_CLOSING).lower().endswith("x") else "x"
        return f"The answer is 4. {phrase}", f"{phrase} {other}"

    def _edited(self, text: str) -> str | None:
        return at_end(text, self.end_phrase.strip())

    def _official(self, text: str) -> Verdict:
        end = text.strip().strip('"').lower()
        return self._judged(end.endswith(self.end_phrase.strip().lower()), text)

    def _fixed(self, text: str) -> Verdict:
        phrase, reply = (
            fold(each.rstrip(_CLOSING)).rstrip(_CLOSING) for each in (self.end_phrase, text)
        )
        return self._judged(as_word(phrase).ends(reply), text)

    def _judged(self, obeys: bool, text: str) -> Verdict:
        return Verdict(float(obeys), f"ends with {text.strip()[-len(self.end_phrase) - 10 :]!r}")


# What may stand after the phrase.
_CLOSING = " \t\n\"'“”’»‹›「」『』〞*_`)]}"


@final
@dataclass(frozen=True)
class Quotation(Constraint):
    """The whole reply is in double quotation marks.

    A straight mark inside the reply opens a quotation if a space or a bracket is before it or a
    letter or digit after it; otherwise it closes one. The first mark must be closed by the last one,
    not earlier. An inch mark, as in `12" wide`, therefore counts as a closing mark. The double marks
    of other scripts count, single marks (`'a'`, `‚a‘`) do not.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` knows only the straight
    mark, and accepts two quotations such as `"a" or "b"`.

    Example:
        >>> check = Quotation(profile="fixed").check
        >>> check("“It is 4.”").score, check('"4" is less than "5"').score
        (1.0, 0.0)
    """

    name = "startend:quotation"
    group = "affix"
    family = "layout"
    departure = "also other scripts' double marks (“” «» 「」); the first closes only at the end"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            ("Put your entire answer in double quotation marks."),
            "Your answer must begin and end with a double quotation mark.",
        )

    def witnesses(self) -> tuple[str, str]:
        """A reply in quotation marks, and the same without."""
        return '"The answer is 4."', "The answer is 4."

    def _edited(self, text: str) -> str | None:
        return '"' + re.sub(f"[{''.join(_KINDS)}]", "'", text.strip()) + '"'

    def _official(self, text: str) -> Verdict:
        reply = text.strip()
        obeys = len(reply) > 1 and reply[0] == reply[-1] == '"'
        return Verdict(float(obeys), f"begins with {reply[0]!r} and ends with {reply[-1]!r}")

    def _fixed(self, text: str) -> Verdict:
        reply = text.strip()
        if reply[0] + reply[-1] not in _PAIRS or not reply[1:-1].strip():
            return Verdict(0.0, f"begins with {reply[0]!r} and ends with {reply[-1]!r}")
        depth = 1
        same_kind = next(kind for kind in _KINDS if reply[0] in kind)
        for mark in re.finditer(rf"(?<!\\)[{same_kind}]", reply[1:-1]):
            start = mark.start() + 1
            depth += 1 if _opens(reply, start) else -1
            if depth == 0:
                return Verdict(0.0, f"the first mark closes after {start} characters")
        return Verdict(1.0, "the reply is in quotation marks")


def _opens(reply: str, place: int) -> bool:
    mark, before, after = reply[place], reply[place - 1], reply[place + 1]
    if mark == reply[0] != reply[-1]:
        return True
    if reply[0] != reply[-1] and mark != "“":  # which closes `„` and opens `”`
        return mark == "„"
    return before.isspace() or before in '([{"“*_' or after.isalnum()


# First and last mark; Swedish and Finnish use the same one twice.
_PAIRS = (
    *('""', "“”", "„“", "„”", "””", "«»", "»«", "»»", "＂＂", "״״"),
    *("「」", "『』", "｢｣", "﹁﹂", "﹃﹄", "〝〞", "〝〟"),
)
_KINDS = ('"', "“”„", "«»", "＂", "״", "「」", "『』", "｢｣", "﹁﹂", "﹃﹄", "〝〞〟")


@final
@dataclass(frozen=True)
class NoComma(Constraint):
    r"""No comma anywhere, including those inside numbers and those of other scripts.

    Source: IFEval, https://arxiv.org/abs/2311.07911. Departs: `official` knows only `,`, and counts
    the LaTeX space `\,` as a comma.
    """

    name = "punctuation:no_comma"
    group = "format"
    family = "punctuation"
    departure = r"commas of every script count; the LaTeX space `\,` does not"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        """Sentences that state the rule."""
        return (
            ("Write your entire answer without commas."),
            "Your answer must not contain any comma.",
        )

    def witnesses(self) -> tuple[str, str]:
        """A sentence without commas, and one with."""
        return "Two and two make four.", "Well, four."

    def _edited(self, text: str) -> str | None:
        text = re.sub(r"(?<=\d)(?:,|\\,|\{,\})(?=\d{3}(?!\d))", "", text).replace("\\,", " ")
        text = re.sub(rf"(?<=[\d)\]}}])\s*[,{_COMMAS}]\s*(?=[\d(\[{{$+-])", "; ", text)
        return re.sub(rf"[,{_COMMAS}]", "", text)

    def _official(self, text: str) -> Verdict:
        return self._judged([found.start() for found in re.finditer(",", text)], text)

    def _fixed(self, text: str) -> Verdict:
        found = re.finditer(rf"(?<!\\)(?:\\\\)*(,)|([{_COMMAS}])", text)
        return self._judged([match.end() - 1 for match in found], text)

    def _judged(self, places: list[int], text: str) -> Verdict:
        before = text[max(0, places[0] - 20) : places[0]] if places else ""
        found = f"{plural(len(places), 'comma')}, the first after {before!r}"
        return absent(len(places), found if places else "no comma")


# Arabic, Armenian, Ethiopic, Mongolian, ideographic, small and full-width forms.
_COMMAS = "،՝፣᠂᠈、﹐﹑，､"
