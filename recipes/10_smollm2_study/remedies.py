"""`python -m recipes.10_smollm2_study.remedies [SCALE]`: what helps the base without training?

Two remedies: state the constraint twice; or sample several replies and return the first that passes the
constraint's own check, which needs no reference answer. Both are compared with the first sample of the base.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from twofold import problems as problem_files
from twofold import study
from twofold.methods.grpo import JOINT
from twofold.models import resolve
from twofold.scorers import Compliant
from twofold.stats import paired
from twofold.storage.jsonl import replaced
from twofold.types import Comparison, Problem, Response

from . import PLACE

DRAWS = 8


def twice(problem: Problem) -> Problem:
    """The same problem with every constraint stated twice."""
    told = problem.wordings or tuple(c.instruction() for c in problem.constraints)
    again = tuple(f"{text} Do not forget: {text}" for text in told)
    return replace(problem, wordings=again)


def first_obedient(problem: Problem, replies: Sequence[Response]) -> Response:
    """The first reply that passes the check, else the first reply."""
    verdicts = Compliant("all")([problem] * len(replies), replies)
    passed = [r for r, v in zip(replies, verdicts, strict=True) if v.score == 1.0]
    return passed[0] if passed else replies[0]


def compared(
    problems: Sequence[Problem], before: Sequence[Response], after: Sequence[Response]
) -> dict[str, Comparison]:
    """Paired differences in accuracy, compliance and both."""
    pairs = list(zip(JOINT(problems, before), JOINT(problems, after), strict=True))
    found = {}
    for name in ("correct", "compliant_all", "both"):
        told = [
            tuple(v.score if name == "both" else v.parts[name].score for v in pair)
            for pair in pairs
        ]
        scored = [(a, b) for a, b in told if a is not None and b is not None]
        found[name] = paired(*zip(*scored, strict=True), n_unscored=len(told) - len(scored))
    return found


def main(scale: str) -> None:
    """Sample, compare, and write the table."""
    place = PLACE / scale
    sampling = study.read(place / "study" / "study.yaml").sampling
    model = resolve(str(place / "base"))
    lines = ["| split | remedy | accuracy | all constraints met | both |", "|---|---|---|---|---|"]
    for split in ("test", "held_out"):
        problems = problem_files.load(str(place / "data" / f"{split}.jsonl"), profile="fixed")
        drawn = model.sample([p.messages() for p in problems], sampling, n=DRAWS, seed=100)
        plain = [row[0] for row in drawn]
        told_twice = model.sample([twice(p).messages() for p in problems], sampling, seed=100)
        remedies = {
            "stated twice": [row[0] for row in told_twice],
            f"first obedient of {DRAWS}": [
                first_obedient(p, row) for p, row in zip(problems, drawn, strict=True)
            ],
        }
        for name, replies in remedies.items():
            cells = [
                f"{c.before} to {c.after}: {c.difference}"
                for c in compared(problems, plain, replies).values()
            ]
            lines.append(f"| {split} | {name} | {' | '.join(cells)} |")
    print("\n".join(lines))
    with replaced(place / "remedies.md") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cpu")
