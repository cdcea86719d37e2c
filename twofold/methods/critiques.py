"""Where do critiques come from, and which of them are usable?

About one in five published critiques is wrong, so those that the verifier contradicts are dropped.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from twofold.methods.method import TrainingError
from twofold.problems.critic import critique as by_steps
from twofold.storage.jsonl import Row
from twofold.types import Message, Problem, Response, Scorer

_CONCLUSION = re.compile(r"Conclusion:\s*(right|wrong)\W*\Z", re.IGNORECASE)


class CheckedCritiques(NamedTuple):
    """The accepted rows (`problem`, `solution`, `critique`, `verdict`), and the dropped, counted."""

    rows: list[Row]
    dropped: Mapping[str, int]

    @property
    def reasons(self) -> str:
        """The reasons for dropping, with their counts."""
        return ", ".join(f"{n} {why}" for why, n in self.dropped.items())


def conclusion(critique: str) -> bool | None:
    """Whether a critique concludes that the solution is right; None if it has no conclusion."""
    found = _CONCLUSION.search(critique.strip())
    return None if found is None else found[1].lower() == "right"


def checked(
    problems: Sequence[Problem],
    solutions: Sequence[Response],
    critiques: Sequence[str],
    *,
    by: Scorer,
) -> CheckedCritiques:
    """The critiques that have a conclusion which the verifier `by` does not contradict.

    A solution is right if its score is 1. Critiques of unscored solutions are dropped too.

    Source:
        Wang et al. 2025, "Critique Fine-Tuning", https://arxiv.org/abs/2501.17703. Departs: its
        data keep the contradicted ones.
    """
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    judged = zip(problems, solutions, critiques, by(problems, solutions), strict=True)
    for problem, solution, critique, verdict in judged:
        concluded = conclusion(critique)
        if concluded is None:
            dropped["no conclusion"] += 1
        elif verdict.score is None:
            dropped["solution cannot be judged"] += 1
        elif concluded != (verdict.score == 1.0):
            dropped["contradicted by the verifier"] += 1
        else:
            row = {"problem": problem.id, "solution": solution.raw, "critique": critique}
            rows.append(row | {"verdict": "right" if concluded else "wrong"})
    return CheckedCritiques(rows, dict(dropped))


def question(problem: Problem, solution: str) -> list[Message]:
    """The chat that asks for a critique: one user turn, since some templates allow no system turn."""
    text = (
        f"{problem.question}\n\nThis reply was given:\n{solution}\n\nName its first mistake if it has "
        "one, give the true result, and end with `Conclusion: right` or `Conclusion: wrong`."
    )
    return [Message(role="user", content=text)]


def by_rules(problems: Sequence[Problem], solutions: Sequence[str]) -> list[str]:
    """Critiques by rules, from the steps in the problem; "" for problems without steps."""
    if not any("steps" in problem.tags for problem in problems):
        raise TrainingError(
            "critic: rules works for the pocket and the synthetic suite alone; name a MODEL or a file"
        )
    return [
        by_steps(problem, text) if "steps" in problem.tags else ""
        for problem, text in zip(problems, solutions, strict=True)
    ]
