"""Is the reply the one table that a fixed question asks for? Three of IFBench's `custom` types."""

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.constraints.counting import every
from twofold.constraints.ifbench.listings import Custom
from twofold.constraints.ifbench.pieces import has_words
from twofold.types import Profile, Verdict

_FENCE = re.compile(r"\A\s*```[\w-]*\n(.*?)\n```\s*\Z", re.DOTALL)


def _unfenced(text: str) -> str:
    """The block of code that is the whole reply, or the reply."""
    found = _FENCE.match(text)
    return found[1] if found else text.strip()


class _Table(Custom):
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
        filled = [sum(map(has_words, row)) for row in rows]
        if self.profile == "fixed" and not (all(filled) and 2 * sum(filled) > 5 * len(rows)):
            return Verdict(0.0, "most fields have no letter and no digit")
        widths = {len(row) for row in rows}
        return None if widths == {5} else Verdict(0.0, f"rows of {sorted(widths)} fields, 5 wanted")


@final
@dataclass(frozen=True)
class CsvCity(_Table):
    """A table of 7 rows and 5 given columns, by commas. Source: IFBench."""

    name = "custom:csv_city"
    departure = "a fence of code and blank lines are free; most fields have a letter or digit"
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
    departure = (
        "all rows are looked at, most fields have a letter or digit; a fence of code is free"
    )
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
    departure = "a fence of code is free; most fields have a letter or digit"
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
