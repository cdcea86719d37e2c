"""What if the training showed more rules? The warm-up's right replies, edited under further draws of rules.

The warm-up has one drawn set of rules for each question, about three demonstrations of a type. Here every
right reply of the released model is edited again and again, which costs no sampling. Two arms learn from
such replies: `sft_applied` sees more of the warm-up's types, and `sft_types` as many replies of nearly
three times as many types, so that the two differ in the number of types alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from twofold import problems as problem_files
from twofold.methods.applied import bare, pairs
from twofold.methods.demonstrations import written_reply
from twofold.problems.drawn import bound
from twofold.scorers import Correct
from twofold.storage.jsonl import dumps, read_lines, replaced
from twofold.types import Problem, Response

from .problems import MOST
from .rules import MANY, TRAINED

SEEDS = range(10, 16)
"""The seeds of the draws; the warm-up and the training problems have others."""

MANY_SEEDS = range(20, 28)
"""The seeds of the draws of many types: enough for as many edited replies."""

PROBLEMS, PAIRS = "more.jsonl", "more_pairs.jsonl"
MANY_PROBLEMS, MANY_PAIRS = "many.jsonl", "many_pairs.jsonl"

Pair = tuple[str, str]
"""The id of a problem and the reply that is shown for it."""


def written(problems: list[Problem], own_right: Path, place: Path) -> int:
    """Write the problems and demonstrations of both arms; returns how many replies are edited in each.

    Args:
        problems: The training questions; their own rules are left aside.
        own_right: The base's right replies to them without rules (`warm_up.own_right`).
        place: The folder of the study.
    """
    replies: dict[str, list[Response]] = {}
    for row in read_lines(own_right):
        replies.setdefault(row["problem"], []).append(written_reply(row["raw"]))
    solved = [problem for problem in problems if problem.id in replies]
    asked, answers = [bare(p) for p in solved], [replies[p.id] for p in solved]
    few = [bound(asked, TRAINED, seed=seed, most=MOST) for seed in SEEDS]
    many = [bound(asked, MANY, seed=seed, most=MOST) for seed in MANY_SEEDS]
    edited = list(_edited(few, answers))
    _write(few, edited, place / "data" / PROBLEMS, place / PAIRS)
    as_many = list(_edited(many, answers))[: len(edited)]
    _write(many, as_many, place / "data" / MANY_PROBLEMS, place / MANY_PAIRS)
    return len(edited)


def _edited(
    draws: Sequence[Sequence[Problem]], answers: Sequence[Sequence[Response]]
) -> Iterator[tuple[Pair, Pair]]:
    """Every edited reply once, and the reply that it was made of."""
    seen = set()
    for drawn in draws:
        plain = {problem.id: bare(problem).id for problem in drawn}
        rows = pairs(drawn, answers, by=Correct(), at_least=1.0).rows
        for edited, twin in zip(rows[::2], rows[1::2], strict=True):
            pair = (edited["problem"], edited["completion"])
            if pair not in seen:
                seen.add(pair)
                yield pair, (plain[twin["problem"]], twin["completion"])


def _write(
    draws: Sequence[Sequence[Problem]],
    edited: Sequence[tuple[Pair, Pair]],
    problems: Path,
    demonstrations: Path,
) -> None:
    """Write the problems with and without rules, and each reply that is shown, once."""
    told = {problem.id: problem for drawn in draws for problem in drawn}
    told |= {plain.id: plain for plain in map(bare, draws[0])}
    problem_files.write(problems, list(told.values()))
    shown = dict.fromkeys(pair for both in edited for pair in both)  # in order
    with replaced(demonstrations) as out:
        for problem, raw in shown:
            row = {"problem": problem, "raw": raw, "finish_reason": "answered"}
            out.write(dumps(row) + "\n")
