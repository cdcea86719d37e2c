"""`python -m recipes.20_qwen_obedience.published OUT --base MODEL [--arms ARM ...]`: published prompts.

The models are asked IFEval and IFBench prompts, which state their rules, and MathIF's GSM8K part. A row is
the share of prompts whose constraints are all met, and the change against the released model, paired by
prompt. The control is what replies meet that were written for another prompt: each prompt with all other
replies of the released model.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from twofold.methods.demonstrations import written_reply
from twofold.report.study_file import HACC
from twofold.scorers import Compliant
from twofold.study.plan import BASE
from twofold.study.scores import Scores, estimate
from twofold.types import Estimate

from . import SCALES, Scale
from .asking import ask
from .claims import ARMS, MODELS, audits, change, matrix, replies, scores
from .restore import adapter
from .rules import PUBLISHED

FOLDER = "published"


def trained(place: Path) -> list[str]:
    """The arms whose first run is trained and audited."""
    found = (arm for arm in ARMS if arm not in MODELS)
    return [arm for arm in found if (place / f"study/arms/{arm}/seed-0/cell.json").exists()]


def asked(place: Path, base: str, splits: Sequence[str], scale: Scale, arms: Sequence[str]) -> None:
    """Audit the warm-up, the released model and the first run of some arms; what is there is kept.

    Args:
        place: The folder of the run.
        base: The released model.
        splits: The files of prompts in `place`/data.
        scale: Its token budget is that of the replies.
        arms: Names of arms.
    """
    out = place / FOLDER
    models = {"released": base} | {arm: adapter(place, base, arm, out / "models") for arm in arms}
    files = {split: place / "data" / f"{split}.jsonl" for split in splits}
    ask(out, str(place / BASE), files, models, scale)


def met(of: Scores) -> Estimate | None:
    """The share of prompts whose constraints are all met."""
    return estimate(matrix(of, HACC), of.asked(HACC, sorted(of.tables)), is_trained=False)


def met_by_others(place: Path, split: str, of: Scores) -> Estimate | None:
    """The same for replies that a model wrote for the other prompts, each prompt with all of them."""
    by_prompt = {
        r["problem"]: r["reply"]
        for r in replies(*audits(place / FOLDER, "released", split).values())
    }
    texts = [written_reply(by_prompt[problem.id]) for problem in of.problems]
    rows = [
        [verdict.score for verdict in Compliant("all")(of.problems, texts[n:] + texts[:n])]
        for n in range(1, len(texts))
    ]
    values = np.array(rows, dtype=float).reshape(len(rows), len(texts))
    return estimate(values, np.ones(len(texts), dtype=bool), is_trained=False)


def table(place: Path) -> str:
    """A row for each model on each file of prompts, and one for the control."""
    lines = [
        "| prompts | replies of | all constraints met | minus the released model | replies cut |"
    ]
    lines.append("|---|---|---|---|---|")
    for split in PUBLISHED:
        found = {arm: mine for arm in ARMS if (mine := scores(place / FOLDER, arm, split))}
        if "released" not in found:
            continue
        before = found["released"]
        control = met_by_others(place, split, before) or "–"
        lines.append(f"| {split} | released, to another prompt | {control} | | |")
        for arm, mine in found.items():
            less = "" if arm == "released" else change(mine, before, HACC)
            said = replies(*audits(place / FOLDER, arm, split).values())
            n_cut = sum(row["finish_reason"] == "truncated" for row in said)
            lines.append(f"| {split} | {arm} | {met(mine)} | {less} | {n_cut} of {len(said)} |")
    return "\n".join(lines)


def main() -> None:
    """Ask, and print the table."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}.published", description=__doc__)
    parser.add_argument("out", type=Path, help="the folder of the run, e.g. runs/qwen/cpu")
    parser.add_argument("--base", required=True, help="the released model")
    parser.add_argument("--arms", nargs="*", help="[default: every finished one]")
    said = parser.parse_args()
    arms = trained(said.out) if said.arms is None else said.arms
    splits = [split for split in PUBLISHED if (said.out / "data" / f"{split}.jsonl").exists()]
    asked(said.out, said.base, splits, SCALES["cpu"], arms)
    print(table(said.out))


if __name__ == "__main__":
    main()
