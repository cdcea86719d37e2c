"""`python -m recipes.20_qwen_obedience.local OUT --base MODEL`: does obedience carry over to local rules?

A rule is *local* if a reply comes to meet it by an edit at one or two places (`edits`). The trained types
that training teaches are local ones (`reach`), and half of the near types are not, so they may say more of
what this training can teach than of what carries over. Here the same test questions are asked with local
rules of the trained families. `sft_applied` was shown none of these types; `sft_types` was shown all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from twofold import problems as problem_files
from twofold.methods.applied import bare
from twofold.problems.drawn import bound
from twofold.study.plan import BASE

from . import SCALES
from .asking import ask
from .claims import COLUMNS, change, scores
from .problems import MOST
from .restore import adapter
from .rules import LOCAL

SPLIT, SEED = "local", 3

ARMS = {"released": BASE, "base": "warm_up", "sft_applied": "sft_applied", "sft_types": "sft_types"}
"""The models by the names of the study, and by those of this one, whose base is the released model."""

PAIRS = (
    ("base", "released"),
    ("sft_applied", "released"),
    ("sft_applied", "base"),
    ("sft_types", "released"),
    ("sft_types", "sft_applied"),
)


def asked(place: Path, base: str) -> None:
    """Audit the models on local rules."""
    out, file = place / SPLIT, place / "data" / f"{SPLIT}.jsonl"
    near = problem_files.load(str(place / "data" / "near.jsonl"), profile="fixed")
    problem_files.write(file, bound([bare(p) for p in near], LOCAL, seed=SEED, most=MOST))
    models = {
        arm: adapter(place, base, arm, out / "models") for arm in ("sft_applied", "sft_types")
    }
    models["warm_up"] = str(place / BASE)
    ask(out, base, {SPLIT: file}, models, SCALES["cpu"])


def table(place: Path) -> str:
    """One model minus another on local rules."""
    found = {arm: scores(place / SPLIT, folder, SPLIT) for arm, folder in ARMS.items()}
    there = {arm: mine for arm, mine in found.items() if mine is not None}
    lines = ["| types | arm | minus | accuracy | obedience | right and obedient |"]
    lines.append("|---|---|---|---|---|---|")
    for after, before in PAIRS:
        if after in there and before in there:
            cells = [change(there[after], there[before], key) for key in COLUMNS.values()]
            lines.append(f"| {SPLIT} | {after} | {before} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Ask, and print the tables."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}.local", description=__doc__)
    parser.add_argument("out", type=Path, help="the folder of the run, e.g. runs/qwen/cpu")
    parser.add_argument("--base", required=True, help="the released model")
    said = parser.parse_args()
    asked(said.out, said.base)
    print(table(said.out))


if __name__ == "__main__":
    main()
