"""Is the reply the one list, table or sentence that a fixed question asks for?

Each type of IFBench's `custom` group belongs to one question of its own.
"""

import csv
import datetime
import io
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

from twofold.constraints.counting import every
from twofold.constraints.ifbench.lists import AFRICA, CAPITALS
from twofold.constraints.ifbench.pieces import bare, stripped
from twofold.types import Constraint, Profile, Verdict

_MULTIPLES = ("14", "21", "28", "35", "42", "49")
_QUESTION = re.compile(r"Question \d+[.|):;]?")
_CHOICE = re.compile(r"^[A-Za-z][).|]\s*\w", re.MULTILINE)
_FENCE = re.compile(r"\A\s*```[\w-]*\n(.*?)\n```\s*\Z", re.DOTALL)
# Napoleon's lifetime, which the published checker allows for a battle.
_YEARS = range(1769, 1822)


class _Custom(Constraint):
    """What the types of the group share."""

    group = "content"
    family = "listing"
    profile: Profile


def _ascii(text: str) -> str:
    """`text` without accents and without what ASCII cannot hold."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()


def _unfenced(text: str) -> str:
    """The block of code that is the whole reply, or the reply."""
    found = _FENCE.match(text)
    return found[1] if found else text.strip()


@final
@dataclass(frozen=True)
class Multiples(_Custom):
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
class McqCountLength(_Custom):
    """Four questions of growing length, each with five options. Source: IFBench."""

    name = "custom:mcq_count_length"
    departure = "emphasis around a label is free"
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
        return self._official(text.replace("*", "").strip())


@final
@dataclass(frozen=True)
class ReverseNewline(_Custom):
    """The countries of Africa, one a line, in reverse alphabetical order.

    Source: IFBench. Departs: `official` does not look whether the lines are countries; `fixed` compares with
    the 54 members of the United Nations, by common names.
    """

    name = "custom:reverse_newline"
    departure = "at least 52 of the lines are countries of Africa; list numbers are skipped"
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
        lines = [re.sub(r"^[\W\d_]+|[\W_]+$", "", line) for line in text.splitlines()]
        start = next((i for i, line in enumerate(lines) if "Zimbabwe" in line), len(lines))
        names = [_ascii(line) for line in lines[start:] if line]
        known = sum(name.casefold() in _AFRICAN for name in names)
        if known < 52:
            return Verdict(0.0, f"{known} lines are countries of Africa, at least 52 wanted")
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


class _Reversed(_Custom):
    """What the two types that turn a sentence around share."""

    def _contains(self, text: str, wanted: str) -> Verdict:
        return Verdict(float(wanted in text), f"{wanted!r} wanted")


@final
@dataclass(frozen=True)
class WordReverse(_Reversed):
    """The answer, the bald eagle, in a sentence whose words are reversed. Source: IFBench."""

    name = "custom:word_reverse"
    departure = ""
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Name the animal that is the national symbol of the US in one sentence, its words reversed.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "eagle bald the is It", "It is the bald eagle"

    def _official(self, text: str) -> Verdict:
        return self._contains(" ".join(reversed(bare(text.lower()).split())), "bald eagle")


@final
@dataclass(frozen=True)
class CharacterReverse(_Reversed):
    """The answer, the bald eagle, in a sentence whose letters are reversed. Source: IFBench."""

    name = "custom:character_reverse"
    departure = ""
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Name the animal that is the national symbol of the US in a sentence, letters reversed.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "elgae dlab eht si tI", "the bald eagle"

    def _official(self, text: str) -> Verdict:
        return self._contains(text.lower(), "elgae dlab")


@final
@dataclass(frozen=True)
class EuropeanCapitalsSort(_Custom):
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
class DateFormatList(_Custom):
    """Dates of battles as YYYY-MM-DD, by commas.

    Source: IFBench. Departs: `official` passes month and day 00 and each 29 February.
    """

    name = "custom:date_format_list"
    departure = "each date exists"
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
        return every([_date(part) for part in parts], "parts are dates")


def _published_date(part: str) -> bool:
    """Whether the published checker takes it for a date of Napoleon's life."""
    found = re.fullmatch(r"(\d{4})-(\d{2})-(\d{2})", part)
    if found is None:
        return False
    year, month, day = map(int, found.groups())
    longest = {0: 99, 2: 29, 4: 30, 6: 30, 9: 30, 11: 30}.get(month, 31)
    return year in _YEARS and month <= 12 and day <= longest


def _date(part: str) -> bool:
    """Whether it is a date of Napoleon's life."""
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", part):
        return False
    try:
        return datetime.date.fromisoformat(part).year in _YEARS
    except ValueError:
        return False


class _Table(_Custom):
    """What the three types of comma or tab separated tables share."""

    header: tuple[str, ...]

    def _rows(self, text: str, delimiter: str) -> list[list[str]]:
        """The rows, a blank line being an empty one; none if the text is no table."""
        try:
            return list(csv.reader(io.StringIO(text), delimiter=delimiter))
        except csv.Error:
            return []

    def _shape(self, rows: Sequence[Sequence[str]], wanted: int) -> Verdict | None:
        """What is wrong with the number of rows and fields; None if nothing."""
        if len(rows) != wanted:
            return Verdict(0.0, f"{len(rows)} rows, {wanted} wanted")
        widths = {len(row) for row in rows}
        return None if widths == {5} else Verdict(0.0, f"rows of {sorted(widths)} fields, 5 wanted")


@final
@dataclass(frozen=True)
class CsvCity(_Table):
    """A table of 7 rows and 5 given columns, by commas. Source: IFBench."""

    name = "custom:csv_city"
    departure = "a fence of code and blank lines are free"
    header = ("ID", "Country", "City", "Year", "Count")
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write CSV data with 7 rows and the columns ID, Country, City, Year, Count, by commas.",
        )

    def witnesses(self) -> tuple[str, str]:
        return "\n".join(
            [",".join(self.header)] + ["1,a,b,2,3"] * 7
        ), "ID,Country,City,Year,Count\n1,a"

    def _official(self, text: str) -> Verdict:
        return self._hold(self._rows(text, ","))

    def _fixed(self, text: str) -> Verdict:
        return self._hold(
            [[f.strip() for f in row] for row in self._rows(_unfenced(text), ",") if row]
        )

    def _hold(self, rows: Sequence[Sequence[str]]) -> Verdict:
        if not rows or tuple(rows[0]) != self.header:
            return Verdict(0.0, f"the header must be {','.join(self.header)}")
        return self._shape(rows, 8) or Verdict(1.0, "8 rows of 5 fields")


@final
@dataclass(frozen=True)
class CsvSpecialCharacter(_Table):
    """A table of 14 rows and 5 given columns; a field with a special character is quoted.

    Source: IFBench. Departs: `official` stops at the first such row and does not look at the rest.
    """

    name = "custom:csv_special_character"
    departure = "all rows are looked at; a fence of code is free"
    header = ("ProductID", "Category", "Brand", "Price", "Stock")
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write CSV data with 14 rows and the columns ProductID, Category, Brand, Price, Stock, by "
            "commas; put a special character in one field and that field in double quotes.",
        )

    def witnesses(self) -> tuple[str, str]:
        rows = [",".join(self.header)] + ["1,Toys,Acme,9,4"] * 13 + ['1,Toys,"A&B",9,4']
        return "\n".join(rows), "ProductID,Category,Brand,Price,Stock\n1,a,b,2,3"

    def _official(self, text: str) -> Verdict:
        if not re.match(_header(self.header, ","), text):
            return Verdict(0.0, f"the header must be {','.join(self.header)}")
        rows = self._rows(text.replace('"', '"""'), ",")
        if len(rows) != 15:
            return Verdict(0.0, f"{len(rows)} rows, 15 wanted")
        for row in rows:
            if len(row) != 5:
                return Verdict(0.0, f"a row of {len(row)} fields, 5 wanted")
            if any(map(_special, row)):
                return Verdict(1.0, "a quoted field has a special character")
        return Verdict(0.0, "no quoted field has a special character")

    def _fixed(self, text: str) -> Verdict:
        text = "\n".join(line for line in _unfenced(text).splitlines() if line.strip())
        wrong = self._shape(self._rows(text, ","), 15)
        if wrong is not None:
            return wrong
        return self._official(text)


def _special(field: str) -> bool:
    """Whether a field stands in double quotes and holds a sign that is no letter, digit or blank."""
    quoted = len(field) > 1 and field.startswith('"') and field.endswith('"')
    return quoted and re.search(r"[^\w\s]", field[1:-1]) is not None


def _header(names: Sequence[str], delimiter: str) -> str:
    """A pattern of a header line: names may stand in quotes and blanks may follow the delimiter."""
    return rf"\A{rf'{delimiter} *'.join(f'{chr(34)}?{name}{chr(34)}?' for name in names)} *\r?(?:\n|\Z)"


@final
@dataclass(frozen=True)
class CsvQuotes(_Table):
    """A table of 3 rows and 5 given columns, by tabs, each field in double quotes. Source: IFBench."""

    name = "custom:csv_quotes"
    departure = "a fence of code is free"
    header = ("StudentID", "Subject", "Grade", "Semester", "Score")
    profile: Profile

    def wordings(self) -> tuple[str, ...]:
        return (
            "Write data with 3 rows and the columns StudentID, Subject, Grade, Semester, Score, by tabs, "
            "each field in double quotes.",
        )

    def witnesses(self) -> tuple[str, str]:
        rows = [self.header] + [("1", "a", "b", "c", "d")] * 3
        quoted = ["\t".join(f'"{field}"' for field in row) for row in rows]
        return "\n".join(quoted), "\n".join("\t".join(row) for row in rows)

    def _official(self, text: str) -> Verdict:
        if not re.match(_header(self.header, "\t"), text):
            return Verdict(0.0, f"the header must be {' '.join(self.header)}, by tabs")
        rows = self._rows(text.replace('"', '"""'), "\t")
        wrong = self._shape(rows, 4)
        if wrong is not None:
            return wrong
        fields = [field.strip(" ") for row in rows for field in row]
        return every([f[:1] == f[-1:] == '"' for f in fields], "fields are in double quotes")

    def _fixed(self, text: str) -> Verdict:
        return self._official(_unfenced(text))
