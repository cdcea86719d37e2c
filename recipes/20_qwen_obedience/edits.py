"""How does a reply come to meet a rule: by an edit at one place, or throughout?

Measured with `Constraint.apply` on the released model's own right replies, before anything is trained. A rule
is *local* if an edit at one or two places is enough.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from twofold import problems as problem_files
from twofold.constraints import CONSTRAINTS, from_spec
from twofold.errors import ProblemError
from twofold.methods.applied import bare
from twofold.randomness import rng_for
from twofold.storage.jsonl import read_lines
from twofold.types import Problem

OWN = "own_right.jsonl"

PLACES, KEPT, OFTEN = 2, 0.95, 0.5
"""At most two places, at least 95 % of the words, in at least half of the replies: then a rule is local."""


@final
@dataclass(frozen=True)
class Edit:
    """How a type of rules is applied to replies: medians over those that it can be applied to.

    Args:
        share: Of the replies, those that it can be applied to and that did not meet it.
        places: At how many places the reply is changed.
        kept: The share of its words that stay.
    """

    share: float
    places: float
    kept: float

    @property
    def is_local(self) -> bool:
        """Whether the type is local."""
        return self.share >= OFTEN and self.places <= PLACES and self.kept >= KEPT


def edited(name: str, problems: Sequence[Problem], replies: Sequence[str]) -> Edit:
    """Apply a drawn rule of a type to each reply.

    Args:
        name: The type.
        problems: The problem of each reply.
        replies: Right replies to bare problems.
    """
    found = []
    for n, (problem, reply) in enumerate(zip(problems, replies, strict=True)):
        try:
            drawn = CONSTRAINTS[name].draw(rng_for("local", name, n), problem.question)
            after = from_spec(name, drawn, profile="fixed").apply(reply)
        except ProblemError:  # no such rule for this question
            continue
        if after is not None and after != reply:
            before, after = (re.findall(r"\w+|[^\w\s]|\n", text) for text in (reply, after))
            steps = difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
            kept = sum(end - start for how, start, end, *_ in steps if how == "equal")
            found.append((sum(how != "equal" for how, *_ in steps), kept / len(before)))
    if not found:
        return Edit(0.0, np.inf, 0.0)
    places, kept = np.median(found, axis=0)
    return Edit(len(found) / len(replies), float(places), float(kept))


def edits(place: Path, names: Iterable[str]) -> dict[str, Edit]:
    """How each type is applied to the released model's right replies."""
    train = problem_files.load(str(place / "data" / "train.jsonl"), profile="fixed")
    asked = {problem.id: problem for each in train for problem in (each, bare(each))}
    replies = [(asked[row["problem"]], row["raw"]) for row in read_lines(place / OWN)]
    problems, texts = zip(*replies, strict=True)
    return {name: edited(name, problems, texts) for name in names}
