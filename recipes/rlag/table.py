"""What did each arm learn of the world, and does it explain its answers? From the audits of the study."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twofold.models import resolve
from twofold.problems.io import read
from twofold.problems.knowledge import said
from twofold.runs.audit import audit
from twofold.scorers import Correct, StatesFacts
from twofold.stats import mean, paired
from twofold.storage.jsonl import read_lines
from twofold.types import Comparison, Estimate, Problem, Response, Sampling, Scorer

SPLITS = ("unseen", "seen")
SCORERS: dict[str, Scorer] = {"right": Correct(), "states its facts": StatesFacts("all")}


def replies(cell: Path, problems: Sequence[Problem]) -> list[Response]:
    """The reply of an audit to each problem, in their order."""
    rows = {row["problem"]: Response.from_json(row) for row in read_lines(cell / "responses.jsonl")}
    return [rows[problem.id] for problem in problems]


def scores(cell: Path, problems: Sequence[Problem], by: Scorer) -> np.ndarray:
    """The score of each reply; NaN where it is unscored."""
    verdicts = by(problems, replies(cell, problems))
    return np.array([np.nan if v.score is None else v.score for v in verdicts])


def estimate(found: np.ndarray) -> Estimate | None:
    """The mean of the scored replies; None if there is none."""
    there = found[~np.isnan(found)]
    return mean(there, n_unscored=len(found) - len(there)) if len(there) else None


def against(base: np.ndarray, arm: np.ndarray) -> Comparison | None:
    """The change from the base, paired by problem; None if no pair is scored."""
    both = ~np.isnan(base) & ~np.isnan(arm)
    return paired(base[both], arm[both], n_unscored=int((~both).sum())) if both.any() else None


def audited(study: Path, data: Path, arm: str, split: str, seed: int) -> Path:
    """The run of an arm on a split; on the training problems, which a study refuses, it is made here."""
    cell = study / "arms" / arm / f"seed-{seed}"
    if split != "seen":
        return cell / split
    out = data / "audits" / f"{arm}-{seed}"
    model = resolve(str(data / "base" if arm == "base" else cell / "model"))
    sampling = Sampling(max_tokens=96, temperature=1.0)
    audit(model, read(data / "seen.jsonl", profile="fixed"), out=out, sampling=sampling, seed=seed)
    return out


def floors(problems: Sequence[Problem]) -> dict[str, list[str]]:
    """Replies that know nothing: the commonest answer to each kind of question, and the right one bare."""
    kinds = [problem.question.split()[3] for problem in problems]  # "What is the cup of ..."
    usual = {
        kind: Counter(p.answer for p, k in zip(problems, kinds, strict=True) if k == kind)
        for kind in kinds
    }
    return {
        "floor: commonest answer of the kind": [
            said(str(usual[kind].most_common(1)[0][0])) for kind in kinds
        ],
        "floor: right and bare": [said(str(problem.answer)) for problem in problems],
    }


def table(study: Path, data: Path, arms: Sequence[str], seed: int = 0) -> str:
    """In markdown, each arm on both halves of the facts, with its change from the base; then floors."""
    problems = {split: read(data / f"{split}.jsonl", profile="fixed") for split in SPLITS}
    names = [f"{split}: {name}" for split in SPLITS for name in SCORERS]
    lines = ["| arm | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    base: dict[tuple[str, str], np.ndarray] = {}
    for arm in ("base", *arms):
        cells = [arm]
        for split in SPLITS:
            for name, by in SCORERS.items():
                found = scores(audited(study, data, arm, split, seed), problems[split], by)
                mine = estimate(found)
                told = f"none of {len(found)} scored" if mine is None else str(mine)
                if arm == "base":
                    base[split, name] = found
                elif (change := against(base[split, name], found)) is not None:
                    each = change.difference
                    told += f"; {each.value:+.3f} [{each.low:+.3f}, {each.high:+.3f}]"
                cells.append(told)
        lines.append("| " + " | ".join(cells) + " |")
    for name in floors(problems["seen"]):
        cells = [name]
        for split in SPLITS:
            texts = floors(problems[split])[name]
            for by in SCORERS.values():
                verdicts = by(problems[split], [Response(raw=t, reply=t) for t in texts])
                cells.append(str(mean([v.score for v in verdicts if v.score is not None])))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
