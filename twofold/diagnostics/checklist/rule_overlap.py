"""A judge's verdicts, split by whether a rule decides the criterion too."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from twofold.stats.agreement import THRESHOLD
from twofold.storage.jsonl import Row


class Items(NamedTuple):
    """Judged criteria."""

    judged: list[int]  # the judge's verdicts
    truth: list[int]  # the rules' verdicts; 0 where no rule decides
    of: list[int]  # the problem of each, as a number
    n_lost: int  # problems with such criteria and no verdict on any of them


def decided(rows: Sequence[Row]) -> Items:
    """The judged criteria that a rule decides too.

    Example:
        >>> row = {"problem": "p", "score": None, "scores": {"item:1": 0.9, "item:2": None}}
        >>> decided([row | {"exact": {"item:1": 0.0}}])
        Items(judged=[1], truth=[0], of=[0], n_lost=0)
        >>> undecided([row | {"exact": {"item:1": 0.0}}])
        Items(judged=[], truth=[], of=[], n_lost=1)
    """
    return _items(rows, lambda row, key: key in row["exact"])


def undecided(rows: Sequence[Row]) -> Items:
    """The judged criteria that no rule decides."""
    return _items(rows, lambda row, key: key not in row["exact"])


def _items(rows: Sequence[Row], wanted: Callable[[Row, str], bool]) -> Items:
    found: list[tuple[float, float, str]] = []
    silent: set[str] = set()
    for row in rows:
        if row["score"] is None and not row["scores"]:  # the whole reply is lost
            silent.add(row["problem"])
        for key, score in row["scores"].items():
            if wanted(row, key):
                if score is None:
                    silent.add(row["problem"])
                else:
                    found.append((score, row["exact"].get(key, 0.0), row["problem"]))
    numbers = numbered(problem for *_, problem in found)
    return Items(
        judged=[int(score >= THRESHOLD) for score, *_ in found],
        truth=[int(true >= THRESHOLD) for _, true, _ in found],
        of=[numbers[problem] for *_, problem in found],
        n_lost=len(silent - numbers.keys()),
    )


def numbered(problems: Iterable[str]) -> dict[str, int]:
    """A number for each problem: its cluster in the statistics."""
    return {problem: i for i, problem in enumerate(dict.fromkeys(problems))}
