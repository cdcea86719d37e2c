"""Where do critiques come from, and which of them may be learned from?

Critics err: of the published critiques about one in five is wrong. Where answers can be checked, a
critique whose conclusion the check contradicts is dropped, which costs nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from twofold.methods.method import TrainingError
from twofold.problems.critic import critique as by_steps
from twofold.storage.jsonl import Row
from twofold.types import Message, Problem, Response, Scorer

_CONCLUSION = re.compile(r"Conclusion:\s*(right|wrong)\W*\Z", re.IGNORECASE)


@final
@dataclass(frozen=True)
class Kept:
    """The critiques that may be learned from.

    Args:
        rows: `problem`, `solution`, `critique` and `verdict`, in order.
        dropped: Why others may not, and how many.
    """

    rows: list[Row]
    dropped: Mapping[str, int]


def conclusion(critique: str) -> bool | None:
    """Whether a critique ends by calling the solution right; None if it ends otherwise.

    Example:
        >>> conclusion("Fine. Conclusion: right"), conclusion("Conclusion: wrong."), conclusion("?")
        (True, False, None)
    """
    found = _CONCLUSION.search(critique.strip())
    return None if found is None else found[1].lower() == "right"


def checked(
    problems: Sequence[Problem],
    solutions: Sequence[Response],
    critiques: Sequence[str],
    *,
    by: Scorer,
) -> Kept:
    """The critiques whose conclusion the verifier does not contradict.

    Args:
        problems: What was asked, one a solution.
        solutions: What was answered.
        critiques: What the critic says of it.
        by: The verifier; 1 is right, anything less wrong.

    Returns:
        Those that agree. Dropped are critiques without a conclusion, those of solutions that cannot
        be judged, and those that the verifier contradicts.

    Source:
        Wang et al. 2025, "Critique Fine-Tuning", https://arxiv.org/abs/2501.17703. Departs: its
        data keep the contradicted ones.

    Example:
        >>> from twofold.scorers import Correct
        >>> asked = Problem(question="7 + 5 = ?", answer="12")
        >>> said = Response(raw="#### 13", reply="#### 13")
        >>> texts = ["Conclusion: right", "5 + 7 is 12. Conclusion: wrong"]
        >>> checked([asked] * 2, [said] * 2, texts, by=Correct()).dropped
        {'contradicted by the verifier': 1}
    """
    rows: list[Row] = []
    dropped: Counter[str] = Counter()
    verdicts = by(problems, solutions)
    for problem, solution, critique, verdict in zip(
        problems, solutions, critiques, verdicts, strict=True
    ):
        said = conclusion(critique)
        if said is None:
            dropped["no conclusion"] += 1
        elif verdict.score is None:
            dropped["solution cannot be judged"] += 1
        elif said != (verdict.score == 1.0):
            dropped["contradicted by the verifier"] += 1
        else:
            row = {"problem": problem.id, "solution": solution.raw, "critique": critique}
            rows.append(row | {"verdict": "right" if said else "wrong"})
    return Kept(rows, dict(dropped))


def question(problem: Problem, solution: str) -> list[Message]:
    """The chat that asks for a critique; one user turn, since some templates take no other."""
    text = (
        f"{problem.question}\n\nThis reply was given:\n{solution}\n\nName its first mistake if it has "
        "one, give the true result, and end with `Conclusion: right` or `Conclusion: wrong`."
    )
    return [Message(role="user", content=text)]


def by_rules(problems: Sequence[Problem], solutions: Sequence[str]) -> list[str]:
    """The critic of the pocket and the synthetic suite, which knows every step.

    Of other problems it says nothing, and what has no conclusion is not learned from.

    Raises:
        TrainingError: If there is no other.
    """
    if not any("steps" in problem.tags for problem in problems):
        raise TrainingError(
            "critic: rules knows the pocket and the synthetic suite alone, whose problems hold their "
            "steps; name a MODEL as critic, or a file of critiques"
        )
    return [
        by_steps(problem, text) if "steps" in problem.tags else ""
        for problem, text in zip(problems, solutions, strict=True)
    ]
