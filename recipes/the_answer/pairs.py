"""`python -m recipes.the_answer.pairs OUT [SEED ...]`: which pairs does DPO learn from, and are they true?

Draws the replies of each run again, as its training did, and says of every DPO arm how many pairs its reward
made, how many were kept, how many of these lead by a whole criterion, and in how many the preferred reply is
better, as good or worse by the exact checklist (answer and rules, equal weights).
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from twofold import study
from twofold.methods.dpo import Dpo
from twofold.methods.preferences import pairs
from twofold.methods.rewards import reward
from twofold.types import Problem, Response

from .arms import BASE, plan

HEAD = ("arm", "run", "pairs", "kept", "lead 1", "better", "as good", "worse")


def counted(
    method: Dpo, problems: list[Problem], replies: list[list[Response]]
) -> tuple[object, ...]:
    """The counts of one arm's pairs."""
    found = pairs(problems, replies, by=method.reward, gap=method.gap)
    kept = pairs(problems, replies, by=method.reward, gap=method.gap, keep=method.keep)
    by_id = {problem.id: (problem, said) for problem, said in zip(problems, replies, strict=True)}
    truth, asked, shown = reward({"judge": "exact"}), [], []
    for row in kept:
        problem, said = by_id[row["problem"]]
        texts = {response.raw: response for response in said}
        asked += [problem, problem]
        shown += [texts[row["chosen"]], texts[row["rejected"]]]
    scores = [verdict.score or 0.0 for verdict in truth(asked, shown)]
    signs = Counter((a > b) - (a < b) for a, b in zip(scores[::2], scores[1::2], strict=True))
    n_whole = sum(row["lead"] == 1 for row in kept)
    return len(found), len(kept), n_whole, signs[1], signs[0], signs[-1]


if __name__ == "__main__":
    out, seeds = Path(sys.argv[1]), [int(each) for each in sys.argv[2:]] or [0, 1, 2]
    out.mkdir(parents=True, exist_ok=True)
    made = study.read(plan(out / "plan.yaml", seeds))
    arms = [arm for arm in made.trained_here if isinstance(arm.trainer, Dpo)]
    print(f"| {' | '.join(HEAD)} |")
    for seed in seeds:
        first = replace(cast(Any, arms[0].trainer), seed=seed)
        listed = made.load(str(out / "data" / f"listed-{seed}.jsonl"))
        replies = first.draw(BASE, listed, seed=seed)
        for arm in arms:
            row = (arm.name, seed, *counted(cast(Dpo, arm.trainer), listed, replies))
            print(f"| {' | '.join(map(str, row))} |", flush=True)
