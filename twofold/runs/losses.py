"""How much was lost, and is it too much? One rule for replies, diagnostics and judges.

If more than 5 % of what was asked of a model in a condition, of a diagnostic or of a judge could not be
had, the numbers do not describe the model: every command then ends with status 3.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import final

from twofold.storage.jsonl import Row

# The share that may be lost.
LOST_LIMIT = 0.05


def is_too_many(n: int, of: int) -> bool:
    """Whether `n` lost of `of` are more than 5 %.

    Example:
        >>> is_too_many(1, 20), is_too_many(2, 20), is_too_many(0, 0)
        (False, True, False)
    """
    return n > LOST_LIMIT * of


@final
class LossCount:
    """Counts what was lost: failed calls, missing replies, scorers and judges that failed.

    Unclosed thinking is not lost: it is what the model did with its budget. Nor is a constraint of which a
    reply leaves open whether it is met; but one that was not checked, for want of a package, is.
    """

    def __init__(self) -> None:
        self.n = 0
        self.of = 0
        self.reasons: Counter[str] = Counter()
        self._cells: dict[str, list[int]] = {}

    def counted(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same verdict rows, counted by role and condition."""
        for row in rows:
            self.of += 1
            reason = _lost(row)
            self._count(f"{row['role']}, {row['condition']}", bool(reason))
            if reason:
                self.n += 1
                self.reasons[reason] += 1
            yield row

    def asked(self, table: str, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows of a diagnostic, counted by role and by diagnostic or judge.

        They count against the limit, but not in `n`, which is about replies. A judge loses a reply of
        which it could not decide every criterion; of a reply that is not there it loses nothing.
        """
        for row in rows:
            if "key" in row and "skipped" not in row:
                by = f"judge {row['judge']}" if "judge" in row else f"diagnostic {table}"
                undecided = "judge" in row and row.get("score") is None and bool(row.get("scores"))
                self._count(f"{row['role']}, {by}", undecided or bool(row.get("retry")))
            yield row

    def _count(self, cell: str, lost: bool) -> None:
        counts = self._cells.setdefault(cell, [0, 0])
        counts[0] += lost
        counts[1] += 1

    @property
    def share(self) -> float:
        """The share of lost responses."""
        return self.n / self.of if self.of else 0.0

    @property
    def worst(self) -> tuple[str, float]:
        """The cell with the largest lost share (role and condition, diagnostic or judge), and that share."""
        shares = {cell: n / of for cell, (n, of) in self._cells.items()}
        return max(shares.items(), key=lambda pair: pair[1], default=("", 0.0))

    @property
    def is_too_many(self) -> bool:
        """Whether more than 5 % was lost of any cell."""
        return any(is_too_many(n, of) for n, of in self._cells.values())

    def in_words(self) -> str:
        """The largest loss: how many of how many, and of what."""
        where, share = self.worst
        n, of = self._cells.get(where, (0, 0))
        return f"{n} of {of} responses were lost ({where}: {share:.0%}, more than 5 %)"

    def to_json(self) -> Row:
        """The counts, and the ten most frequent reasons."""
        return {
            "n": self.n,
            "of": self.of,
            "share": self.share,
            "too_many": self.is_too_many,
            "reasons": dict(self.reasons.most_common(10)),
        }


def _lost(row: Row) -> str:
    """Why a response was lost; "" if it was not."""
    if row["finish_reason"] == "failed":
        verdict = row.get("correct") or row.get("compliant") or {}
        return str(verdict.get("reason", "failed"))
    correct = row.get("correct", {"score": 0})
    if row["finish_reason"] != "unclosed_thinking" and correct["score"] is None:
        return str(correct.get("reason", "unscored"))
    parts = row.get("compliant", {}).get("parts", {}).values()
    missing = (part for part in parts if part.get("note") == "not_installed")
    return next((str(part.get("reason", "not installed")) for part in missing), "")
