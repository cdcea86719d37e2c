"""`python -m recipes.20_qwen_obedience.elicited OUT --base MODEL`: does asking bring the obedience?

The released model is asked in two other ways: with a sentence that tells it to obey, and after two examples
as the warm-up shows them (a right reply of its own, edited so that it obeys). Beside them stands what
training brought: the warm-up and `sft_applied`. Recovery is the arm's share of the obedience that
`sft_applied` gains over the released model. The released model's replies are those of the study.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import yaml

from recipes.elicitation.shares import share
from twofold import problems as problem_files
from twofold.report.study_file import OBEDIENCE
from twofold.storage.jsonl import read_lines, replaced
from twofold.study.plan import BASE
from twofold.study.scores import Scores
from twofold.types import Problem

from . import SCALES
from .asking import ask
from .claims import COLUMNS, by_question, change, matrix, scores
from .more_pairs import PAIRS, PROBLEMS

HINT = "Follow every instruction above to the letter, and check each of them before you end your reply."
N_SHOTS = 2
MOST_WORDS = 90  # of an example's reply: prompts are read at 140 tokens a second here
RELEASED, TUNED = "released", "sft_applied"
TRAINED = (BASE, TUNED)


def shots(place: Path) -> list[tuple[str, str]]:
    """Examples: the shortest edited replies, each to its problem with two rules, of rules not seen before."""
    asked = {p.id: p for p in problem_files.load(str(place / "data" / PROBLEMS), profile="fixed")}
    rows = [(asked[row["problem"]], row["raw"]) for row in read_lines(place / PAIRS)]
    rows = [
        (p, raw) for p, raw in rows if len(p.constraints) > 1 and len(raw.split()) <= MOST_WORDS
    ]
    found: dict[str, tuple[Problem, str]] = {}
    seen: set[str] = set()
    for problem, raw in sorted(rows, key=lambda row: len(row[1])):
        types = {rule.name for rule in problem.constraints}
        if problem.question not in found and not types & seen:
            found[problem.question] = problem, raw
            seen |= types
    return [(p.messages()[0]["content"], raw) for p, raw in found.values()][:N_SHOTS]


def asked(place: Path, base: str, splits: Sequence[str]) -> Path:
    """Write the models and audit them; returns the folder of the study."""
    out = place / "elicited"
    made = {
        "told_to_obey": {"kind": "hinted", "hint": HINT},
        "shown_applied": {
            "kind": "few_shot",
            "shots": [*map(list, shots(place))],
            "n_shots": N_SHOTS,
        },
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, values in made.items():
        with replaced(out / f"{name}.yaml") as text:
            yaml.safe_dump({"base": str(Path(base).absolute()), **values}, text, sort_keys=False)
    files = {split: place / "data" / f"{split}.jsonl" for split in splits}
    ask(out, base, files, {name: str(out / f"{name}.yaml") for name in made}, SCALES["cpu"])
    return out


def table(place: Path) -> str:
    """Every way of asking and every training, minus the released model, and its share of the gain."""
    lines = ["| types | arm | accuracy | obedience | right and obedient | recovery of obedience |"]
    lines.append("|---|---|---|---|---|---|")
    for split in ("trained", "near", "far"):
        before, after = (scores(place, arm, split) for arm in (RELEASED, TUNED))
        if before is None:
            continue
        folders = sorted((place / "elicited" / "study" / "arms").glob("*"))
        ways = [each.name for each in folders if each.name != BASE]
        found = {way: scores(place / "elicited", way, split) for way in ways}
        found |= {arm: scores(place, arm, split) for arm in TRAINED}
        for arm, mine in found.items():
            if mine is not None:
                cells = [change(mine, before, key) for key in COLUMNS.values()]
                share = "" if after is None or arm == TUNED else recovered(before, after, mine)
                lines.append(f"| {split} | {arm} | {' | '.join(cells)} | {share} |")
    return "\n".join(lines)


def recovered(before: Scores, after: Scores, arm: Scores) -> str:
    """The share of the obedience gained that an arm has, paired by question."""
    rows = [(1 + by_question(matrix(each, OBEDIENCE))) / 2 for each in (before, after, arm)]
    return share(*rows)


def main() -> None:
    """Ask, and print the table."""
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}.elicited", description=__doc__)
    parser.add_argument("out", type=Path, help="the folder of the run, e.g. runs/qwen/cpu")
    parser.add_argument("--base", required=True, help="the released model")
    parser.add_argument("--splits", nargs="+", default=["trained", "near"])
    said = parser.parse_args()
    asked(said.out, said.base, said.splits)
    print(table(said.out))


if __name__ == "__main__":
    main()
