"""`python -m recipes.20_qwen_obedience.claims OUT`: the six claims' numbers, paired by question.

One arm minus another on each split where both are audited: accuracy, obedience, and right and obedient at
once; and what stating the rules costs: right when told minus right when not, and its change against the
warm-up (the mean of an arm's training runs; intervals over questions). Not corrected for the number of
comparisons. Another training run is covered only where an arm has several.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats

from twofold import problems as problem_files
from twofold.constraints import from_spec
from twofold.methods.demonstrations import written_reply
from twofold.report.study_file import ACCURACY, CONSTRAINED_ACCURACY, JOINT, OBEDIENCE, Key
from twofold.report.wording import spread
from twofold.scorers import Compliant
from twofold.stats import proportion
from twofold.storage.jsonl import Row, read_lines
from twofold.study.plan import BASE
from twofold.study.scores import SIGNED, Matrix, Scores, difference
from twofold.types import Problem

from .rules import TYPES

PAIRS = (
    (BASE, "released"),
    ("sft_applied", BASE),
    ("sft_applied", "released"),
    ("sft_types", BASE),
    ("sft_types", "released"),
    ("sft_types", "sft_applied"),
    ("rft_answer_only", BASE),
    ("rft_joint", BASE),
    ("rft_joint", "rft_answer_only"),
    ("rft_hindsight", BASE),
    ("sft_own", BASE),
    ("sft_applied", "sft_own"),
)
COLUMNS: dict[str, Key] = {"accuracy": ACCURACY, "obedience": OBEDIENCE, "both": JOINT}
SEEDS = range(3)
MODELS = ("released", BASE)  # whose seeds are samples of one model, and no trainings
WHOLE, PART = "first_word:first_word_sent", "first_word:first_word_answer"
ARMS = (
    *("released", BASE, "rft_answer_only", "rft_joint", "rft_hindsight"),
    *("sft_own", "sft_applied", "sft_types"),
)


def audit_of(out: Path, arm: str, split: str, seed: int = 0) -> Path:
    """The audit of a training run of an arm on a split."""
    return out / "study" / "arms" / arm / f"seed-{seed}" / split


def audits(out: Path, arm: str, split: str) -> dict[int, Path]:
    """The finished audits of an arm on a split, by seed."""
    found = {seed: audit_of(out, arm, split, seed) for seed in SEEDS}
    return {seed: audit for seed, audit in found.items() if (audit / "joint.jsonl").exists()}


def scores(out: Path, arm: str, split: str) -> Scores | None:
    """The scores of all training runs of an arm; None if it is not audited."""
    found = audits(out, arm, split)
    if not found:
        return None
    first = next(iter(found.values()))
    problems = problem_files.load(str(first / "problems.jsonl"), profile="fixed")
    return Scores.read(problems, found)


def matrix(of: Scores, key: Key) -> Matrix:
    """The scores of all training runs, shape (runs, questions)."""
    return of.matrix(key, sorted(of.tables))


def change(after: Scores, before: Scores, key: Key, *, before_is_trained: bool = False) -> str:
    """One arm minus another, paired by question; several training runs of either side widen the interval."""
    asked = after.asked(key, sorted(after.tables)) & before.asked(key, sorted(before.tables))
    found = difference(
        matrix(before, key),
        matrix(after, key),
        asked,
        limits=SIGNED if key == OBEDIENCE else None,
        base_is_trained=before_is_trained,
    )
    return "–" if found is None else spread(found.difference, sign=True)


def by_question(values: Matrix) -> Matrix:
    """The mean of the training runs that scored a question; NaN if none did."""
    n_scored = (~np.isnan(values)).sum(axis=0)
    return np.where(n_scored > 0, np.nansum(values, axis=0) / np.maximum(n_scored, 1), np.nan)


def cost(of: Scores) -> Matrix:
    """Right when told minus right when not, by question."""
    return by_question(matrix(of, CONSTRAINED_ACCURACY) - matrix(of, ACCURACY))


def told(values: Matrix) -> str:
    """The mean with Student's interval over questions."""
    known = values[~np.isnan(values)]
    half = stats.sem(known) * stats.t.ppf(0.975, len(known) - 1)
    ends = known.mean(), known.mean() - half, known.mean() + half
    return "{:+.3f} [{:+.3f}, {:+.3f}]".format(*ends).replace("-", "−")


def replies(*audits: Path) -> list[Row]:
    """The told replies of audits."""
    rows = (row for audit in audits for row in read_lines(audit / "responses.jsonl"))
    return [row for row in rows if row["role"] == "model" and row["condition"] == "constrained"]


def begun(out: Path, arm: str, split: str) -> str:
    """Where every sentence must begin with a word: how many replies begin with it, and how many obey."""
    of = audits(out, arm, split).values()
    asked = problem_files.load(str(next(iter(of)) / "problems.jsonl"), profile="fixed")
    rules = {p.id: c for p in asked for c in p.constraints if c.name == WHOLE}
    found = [
        (rules[row["problem"]], row["reply"]) for row in replies(*of) if row["problem"] in rules
    ]
    parts = [from_spec(PART, rule.args(), profile="fixed") for rule, _ in found]
    n = sum(part.check(text).score == 1.0 for part, (_, text) in zip(parts, found, strict=True))
    n_met = sum(rule.check(text).score == 1.0 for rule, text in found)
    return f"{n} and {n_met} of {len(found)}"


def floor(problems: Sequence[Problem]) -> str:
    """How often the bare right answer meets all rules; what cannot be checked is left out and counted."""
    bare = [written_reply(f"\\boxed{{{problem.answer}}}") for problem in problems]
    scores = [verdict.score for verdict in Compliant("all")(problems, bare)]
    known = [score for score in scores if score is not None]
    found = spread(proportion(int(sum(known)), len(known)))
    return f"{found} | {len(known)} | {len(scores) - len(known)}"


def tables(out: Path) -> str:
    """All tables."""
    lines = ["| types | arm | minus | runs | accuracy | obedience | right and obedient |"]
    lines.append("|---|---|---|---|---|---|---|")
    costs = ["| types | arm | right told − right untold | minus the warm-up | told replies cut |"]
    costs.append("|---|---|---|---|---|")
    part = ["| arm | replies that begin with the word, and that obey |", "|---|---|"]
    floors = ["| types | a bare right answer meets all rules | n | unscored |", "|---|---|---|---|"]
    for split in TYPES:
        found = {arm: mine for arm in ARMS if (mine := scores(out, arm, split))}
        if BASE in found:
            floors.append(f"| {split} | {floor(found[BASE].problems)} |")
        for after, before in PAIRS:
            if after in found and before in found:
                trained = before not in MODELS
                of = found[after], found[before]
                cells = [change(*of, key, before_is_trained=trained) for key in COLUMNS.values()]
                runs = f"{len(of[0].tables)}, {len(of[1].tables)}" if trained else len(of[0].tables)
                lines.append(f"| {split} | {after} | {before} | {runs} | {' | '.join(cells)} |")
        for arm, mine in found.items():
            less = told(cost(mine) - cost(found[BASE])) if arm != BASE and BASE in found else "–"
            said = replies(*audits(out, arm, split).values())
            n_cut = sum(row["finish_reason"] == "truncated" for row in said)
            cells = [split, arm, told(cost(mine)), less, f"{n_cut} of {len(said)}"]
            costs.append(f"| {' | '.join(cells)} |")
            if split == "near":
                part.append(f"| {arm} | {begun(out, arm, split)} |")
    return "\n\n".join("\n".join(table) for table in (lines, costs, part, floors))


if __name__ == "__main__":
    print(tables(Path(sys.argv[1])))
