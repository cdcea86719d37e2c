"""What if the warm-up showed more rules? The same own right replies, edited under six more draws of rules.

The warm-up has one drawn set of rules for each question, about three demonstrations of a type. Here every
right reply of the released model is edited again and again, which costs no sampling. An arm learns from
these (`sft_applied`); its types are those of the warm-up.
"""

from __future__ import annotations

from pathlib import Path

from twofold import problems as problem_files
from twofold.methods.applied import bare, pairs
from twofold.methods.demonstrations import written_reply
from twofold.problems.drawn import bound
from twofold.scorers import Correct
from twofold.storage.jsonl import dumps, read_lines, replaced
from twofold.types import Problem

from .problems import MOST
from .rules import TRAINED

SEEDS = range(10, 16)
"""The seeds of the draws; the warm-up and the training problems have others."""

PROBLEMS, PAIRS = "more.jsonl", "more_pairs.jsonl"


def written(problems: list[Problem], own_right: Path, place: Path) -> int:
    """Write the problems and their demonstrations; returns how many of these are edited.

    Args:
        problems: The training questions; their own rules are left aside.
        own_right: The base's right replies to them without rules (`warm_up.own_right`).
        place: The folder of the study.
    """
    replies: dict[str, list[str]] = {}
    for row in read_lines(own_right):
        replies.setdefault(row["problem"], []).append(row["raw"])
    solved = [problem for problem in problems if problem.id in replies]
    asked = [bare(problem) for problem in solved]
    answers = [[written_reply(raw) for raw in replies[problem.id]] for problem in solved]
    told: dict[str, Problem] = {}
    shown: dict[tuple[str, str], None] = {}  # without duplicates, in order
    n_edited = 0
    for seed in SEEDS:
        drawn = bound(asked, TRAINED, seed=seed, most=MOST)
        of = {problem.id: bare(problem) for problem in drawn}
        for row in pairs(drawn, answers, by=Correct(), at_least=1.0).rows:
            problem = row["problem"] if row["edited"] else of[row["problem"]].id
            n_edited += row["edited"] and (problem, row["completion"]) not in shown
            shown[problem, row["completion"]] = None
        told |= {problem.id: problem for problem in drawn}
    told |= {problem.id: problem for problem in asked}
    problem_files.write(place / "data" / PROBLEMS, list(told.values()))
    with replaced(place / PAIRS) as out:
        for problem, raw in shown:
            row = {"problem": problem, "raw": raw, "finish_reason": "answered"}
            out.write(dumps(row) + "\n")
    return n_edited
