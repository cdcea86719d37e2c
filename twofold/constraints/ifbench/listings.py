"""Is the reply the one list, table or sentence that a fixed question asks for?

Each type of IFBench's `custom` group belongs to one question of its own.
"""

import datetime
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

from twofold.constraints.counting import every
from twofold.constraints.draws import listed
from twofold.constraints.ifbench.lists import AFRICA, CAPITALS, STOP_WORDS
from twofold.constraints.ifbench.pieces import bare, stripped, trimmed
from twofold.types import Constraint, Profile, Verdict

_MULTIPLES = ("14", "21", "28", "35", "42", "49")
_QUESTION = re.compile(r"Question \d+[.|):;]?")
_CHOICE = re.compile(r"^[A-Za-z][).|]\s*\w", re.MULTILINE)
# Napoleon's lifetime, which the published checker allows for a battle.
_YEARS = range(1769, 1822)
# La Maddalena and Waterloo.
_FIRST, _LAST = datetime.date(1793, 2, 22), datetime.date(1815, 6, 18)


class Custom(Constraint):
    """What the types of the group share."""

    group = "content"
    family = "listing"
    profile: Profile


def _ascii(text: str) -> str:
    """`text` without accents and without what ASCII cannot hold."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


@final
@dataclass(frozen=True)
class Multiples(Custom):
    """The multiples of 7 from 10 to 50. Source: IFBench."""

    name = "custom:multiples"
    departure = "numbers of list items are skipped"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return ("Count from 10 to 50, but write only the multiples of 7.",)

    def witnesses(self) -> tuple[str, str]:
        return ", ".join(_MULTIPLES), ", ".join(_MULTIPLES[:-1])

    def _official(self, text: str) -> Verdict:
        return self._hold(text)

    def _fixed(self, text: str) -> Verdict:
        return self._hold(re.sub(r"^[ \t]*\d{1,2}[.)][ \t]+(?=\d)", "", text, flags=re.MULTILINE))

    def _hold(self, text: str) -> Verdict:
        found = re.findall(r"\d+", text)
        return Verdict(float(found == list(_MULTIPLES)), f"numbers: {' '.join(found[:8])}")


@final
@dataclass(frozen=True)
class McqCountLength(Custom):
    """Four questions of growing length, each with five options. Source: IFBench."""

    name = "custom:mcq_count_length"
    departure = "emphasis around a label is free; marks make no question longer"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write 4 multiple choice questions with 5 options each. Start each with the label Question and "
            "its number, and make every question longer than the one before.",
        )

    def witnesses(self) -> tuple[str, str]:
        options = "".join(f"\n{letter}) choice" for letter in "ABCDE")
        obeys = "\n\n".join(f"Question {i}: What{' now' * i}?{options}" for i in range(1, 5))
        return obeys, "Question 1: What?\nA) a"

    def _official(self, text: str) -> Verdict:
        if not text.startswith("Question"):
            return Verdict(0.0, "it does not begin with Question")
        parts = _QUESTION.split(text)[1:]
        if len(parts) != 4:
            return Verdict(0.0, f"{len(parts)} questions, 4 wanted")
        options = [len(_CHOICE.findall(part)) for part in parts]
        if options != [5] * 4:
            return Verdict(0.0, f"{options} options, 5 each wanted")
        lengths = [len(_CHOICE.split(part, maxsplit=1)[0].strip()) for part in parts]
        return every([b > a for a, b in pairwise(lengths)], "questions are longer")

    def _fixed(self, text: str) -> Verdict:
        text = text.replace("*", "").strip()
        found = self._official(text)
        if found.score != 1.0:
            return found
        stems = [_CHOICE.split(part, maxsplit=1)[0] for part in _QUESTION.split(text)[1:]]
        lengths = [sum(map(str.isalnum, stem)) for stem in stems]
        return every([b > a for a, b in pairwise(lengths)], "questions have more letters")


@final
@dataclass(frozen=True)
class ReverseNewline(Custom):
    """The countries of Africa, one a line, in reverse alphabetical order.

    Source: IFBench. Departs: `official` does not look whether the lines are countries; `fixed` compares with
    the 54 members of the United Nations, by common names.
    """

    name = "custom:reverse_newline"
    departure = (
        "at least 52 of the lines are different countries of Africa; list numbers are skipped"
    )
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return ("List the countries of Africa in reverse alphabetical order, each on a new line.",)

    def witnesses(self) -> tuple[str, str]:
        return "\n".join(AFRICA), "Zimbabwe\nZambia"

    def _official(self, text: str) -> Verdict:
        lines = [line for raw in text.split("\n") if (line := stripped(raw).strip())]
        start = next((i for i, line in enumerate(lines) if "Zimbabwe" in line), len(lines))
        return self._hold([_ascii(line) for line in lines[start:]])

    def _fixed(self, text: str) -> Verdict:
        lines = [re.sub(r"^[\W\d_]+", "", trimmed(line)) for line in text.splitlines()]
        start = next((i for i, line in enumerate(lines) if "Zimbabwe" in line), len(lines))
        names = [_ascii(line) for line in lines[start:] if line]
        known = len({name.casefold() for name in names} & _AFRICAN)
        if known < 52:
            return Verdict(
                0.0, f"{known} different lines are countries of Africa, at least 52 wanted"
            )
        return self._hold(names)

    def _hold(self, names: Sequence[str]) -> Verdict:
        if len(names) < 52:
            return Verdict(0.0, f"{len(names)} lines from Zimbabwe on, at least 52 wanted")
        return every([a >= b for a, b in pairwise(names)], "lines are in reverse order")


# The countries under other names in use, beside `AFRICA`.
_AFRICAN = frozenset(name.casefold() for name in AFRICA) | frozenset(
    name.casefold()
    for name in (
        "Cote d'Ivoire",
        "Cabo Verde",
        "Swaziland",
        "The Gambia",
        "Republic of the Congo",
        "Congo-Brazzaville",
        "Congo-Kinshasa",
        "DR Congo",
        "Democratic Republic of Congo",
        "Congo (Brazzaville)",
        "Congo, Republic of the",
        "Congo, Democratic Republic of the",
        "Gambia, The",
        "Western Sahara",
    )
)


# Words that follow one another in a sentence about it, and not the other way round.
_PAIRS = frozenset(
    listed(
        """
    it is, is the, of the, in the, is a, the bald, a bald, the national, symbol of, symbol is,
    animal is, eagle is, known as, that is, this is, the us, the united, united states
    """
    )
)


def _in_order(found: Sequence[str]) -> int:
    """How many pairs of neighbours are in the order of a sentence."""
    return sum(f"{a} {b}" in _PAIRS for a, b in pairwise(found))


class _Reversed(Custom):
    """What the two types that turn a sentence around share."""

    def _contains(self, text: str, wanted: str) -> Verdict:
        return Verdict(float(wanted in text), f"{wanted!r} wanted")


@final
@dataclass(frozen=True)
class WordReverse(_Reversed):
    """The answer, the bald eagle, in a sentence whose words are reversed. Source: IFBench."""

    name = "custom:word_reverse"
    departure = "the sentence is reversed, not the answer alone"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Name the animal that is the national symbol of the US in one sentence, its words reversed.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "eagle bald the is It", "It is the bald eagle"

    def _official(self, text: str) -> Verdict:
        return self._contains(" ".join(reversed(bare(text.lower()).split())), "bald eagle")

    def _fixed(self, text: str) -> Verdict:
        found = bare(text.lower()).split()
        if _in_order(found) >= _in_order(found[::-1]):
            return Verdict(0.0, "the words of the sentence are not reversed")
        return self._official(text)


@final
@dataclass(frozen=True)
class CharacterReverse(_Reversed):
    """The answer, the bald eagle, in a sentence whose letters are reversed. Source: IFBench."""

    name = "custom:character_reverse"
    departure = "the sentence is reversed, not the answer alone"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Name the animal that is the national symbol of the US in a sentence, letters reversed.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "elgae dlab eht si tI", "the bald eagle"

    def _official(self, text: str) -> Verdict:
        return self._contains(text.lower(), "elgae dlab")

    def _fixed(self, text: str) -> Verdict:
        forth, back = (
            sum(word in STOP_WORDS for word in bare(each.lower()).split())
            for each in (text, text[::-1])
        )
        if forth >= back:
            return Verdict(0.0, "the letters of the sentence are not reversed")
        return self._official(text)


@final
@dataclass(frozen=True)
class EuropeanCapitalsSort(Custom):
    """The European capitals north of 45 degrees, from north to south.

    Source: IFBench. Departs: the published key lacks Kyiv (50.45 degrees north); `fixed` accepts it in its
    place, and a full stop at the end.
    """

    name = "custom:european_capitals_sort"
    departure = "Kyiv may stand in its place; a full stop may end the list"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "List all European capitals north of 45 degrees, by commas, from north to south, without "
            "country names.",
        )

    def witnesses(self) -> tuple[str, str]:
        return ",".join(CAPITALS), "Oslo, Paris"

    def _official(self, text: str) -> Verdict:
        found = [name for part in _ascii(text).split(",") if (name := part.strip())]
        return self._hold(found)

    def _fixed(self, text: str) -> Verdict:
        found = [name.strip() for name in _ascii(text).strip().rstrip(".").split(",")]
        after = found.index("Prague") if "Prague" in found else -1
        beside = {"Kyiv", "Kiev"} & set(found[max(after - 1, 0) : after + 2])
        return self._hold([name for name in found if name not in beside])

    def _hold(self, found: Sequence[str]) -> Verdict:
        good = sum(a == b for a, b in zip(found, CAPITALS, strict=False))
        alike = tuple(found) == CAPITALS
        return Verdict(
            float(alike), f"{good} of {len(CAPITALS)} capitals in place, {len(found)} given"
        )


@final
@dataclass(frozen=True)
class DateFormatList(Custom):
    """Dates of battles as YYYY-MM-DD, by commas.

    Source: IFBench. Departs: `official` passes month and day 00 and each 29 February.
    """

    name = "custom:date_format_list"
    departure = "each date exists and lies between his first battle and his last; there are two"
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "List the start dates of the battles that Napoleon fought, by commas, as YYYY-MM-DD, and "
            "nothing else.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "1796-04-12, 1805-12-02", "1796-04-12 to 1805-12-02"

    def _official(self, text: str) -> Verdict:
        parts = [part.strip() for part in text.strip().split(",")]
        return every([_published_date(part) for part in parts], "parts are dates")

    def _fixed(self, text: str) -> Verdict:
        parts = [part.strip() for part in text.strip().rstrip(".").split(",")]
        good = [_date(part) for part in parts]
        if len(set(parts)) < 2:
            return Verdict(0.0, "no two different dates", distance=1.0)
        return every(good, "parts are dates")


def _published_date(part: str) -> bool:
    """Whether the published checker takes it for a date of Napoleon's life."""
    found = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", part)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    longest = {0: 99, 2: 29, 4: 30, 6: 30, 9: 30, 11: 30}.get(month, 31)
    return year in _YEARS and month <= 12 and day <= longest


def _date(part: str) -> bool:
    """Whether it is a date between Napoleon's first battle and his last."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", part):
        return False
    try:
        return _FIRST <= datetime.date.fromisoformat(part) <= _LAST
    except ValueError:
        return False
