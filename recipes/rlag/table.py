"""What did each arm learn of the world, and does it explain its answers? From the audits of the study."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twofold.problems.io import read
from twofold.scorers import Correct, StatesFacts
from twofold.stats import mean, paired
from twofold.storage.jsonl import read_lines
from twofold.types import Comparison, Estimate, Problem, Response, Scorer

SPLITS = ("unseen",)
SCORERS: dict[str, Scorer] = {"right": Correct(), "states its facts": StatesFacts("all")}


def replies(cell: Path, problems: Sequence[Problem]) -> list[Response]:
    """The reply of an audit to each problem, in their order."""
    rows = {row["problem"]: Response.from_json(row) for row in read_lines(cell / "responses.jsonl")}
    return [rows[problem.id] for problem in problems]


def scores(cell: Path, problems: Sequence[Problem], by: Scorer) -> np.ndarray:
    """The score of each reply; NaN where it is unscored."""
    verdicts = by(problems, replies(cell, problems))
    return np.array([np.nan if v.score is None else v.score for v in verdicts])


def estimate(found: np.ndarray) -> Estimate:
    """The mean of the scored replies."""
    there = found[~np.isnan(found)]
    return mean(there, n_unscored=len(found) - len(there))


def against(base: np.ndarray, arm: np.ndarray) -> Comparison:
    """The change from the base, paired by problem."""
    both = ~np.isnan(base) & ~np.isnan(arm)
    return paired(base[both], arm[both], n_unscored=int((~both).sum()))


def table(study: Path, data: Path, arms: Sequence[str], seed: int = 0) -> str:
    """In markdown, each arm on the facts that training never asked for, with its change from the base."""
    problems = {split: read(data / f"{split}.jsonl", profile="fixed") for split in SPLITS}
    names = [f"{split}: {name}" for split in SPLITS for name in SCORERS]
    lines = ["| arm | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    base: dict[tuple[str, str], np.ndarray] = {}
    for arm in ("base", *arms):
        cells = [arm]
        for split in SPLITS:
            for name, by in SCORERS.items():
                cell = study / "arms" / arm / f"seed-{seed}" / split
                found = scores(cell, problems[split], by)
                told = str(estimate(found))
                if arm == "base":
                    base[split, name] = found
                else:
                    change = against(base[split, name], found).difference
                    told += f"; {change.value:+.3f} [{change.low:+.3f}, {change.high:+.3f}]"
                cells.append(told)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
