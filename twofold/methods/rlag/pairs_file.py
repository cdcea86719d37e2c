"""Where are the pairs of a cycle kept, so that a resumed run learns from the same ones?

Replies that are drawn again may differ on other hardware, and cost time; so a cycle's pairs are saved
before it trains.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import final

from twofold.methods.method import TrainingError
from twofold.storage.jsonl import Row, dumps, replaced
from twofold.storage.leftovers import remove_incomplete
from twofold.storage.reading import InputFile, Kind, kind_of
from twofold.types import Share


@final
@dataclass(frozen=True)
class PairsFile:
    """A file of rows that is bound to what decided them.

    Args:
        path: The file, in a folder of its own.
        identity: A digest; pairs of another one are not read, and are replaced.
    """

    path: Path
    identity: str

    def read(self) -> list[Row] | None:
        """The rows; None if there are none of this identity.

        Raises:
            TrainingError: If the file is broken, or not ours.
        """
        if kind_of(self.path, TrainingError) is Kind.missing:
            return None
        remedy = "delete it, and the same command makes it again"
        lines = InputFile(self.path, TrainingError, remedy, is_ours=True).lines()
        rows = [row for _, row in lines]
        if not rows or "identity" not in rows[0]:
            raise TrainingError(
                f"{self.path} holds no pairs of rlag; move it away, or choose another --out"
            )
        return rows[1:] if rows[0]["identity"] == self.identity else None

    def write(self, rows: list[Row]) -> None:
        """Write all rows, or none; only the first process does."""
        if Share.here().rank == 0:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            remove_incomplete(self.path.parent)
            with replaced(self.path) as file:
                file.write(dumps({"identity": self.identity}) + "\n")
                file.writelines(dumps(row) + "\n" for row in rows)
