"""`python -m recipes.20_qwen_obedience.attention OUT --base MODEL`: do the models look at the rules?

Reads the first tokens of the kept told replies of each finished arm (seed 0): their attention on the rule,
over that on an equally long span of the question before it. Beside each arm its change against the warm-up,
paired by problem. Each arm is read on its own reply, and the ratio also rises where the question gets less,
so its two parts are shown, and the replies that begin alike. Attention is no cause.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from twofold import problems as problem_files
from twofold.diagnostics.elicitation.elicitor import prompt_ids
from twofold.diagnostics.instruction.attention import LOOKING, looked_at, spans
from twofold.diagnostics.instruction.distance import stated_text
from twofold.models import resolve
from twofold.storage.jsonl import dumps, read_lines, replaced
from twofold.study.plan import BASE
from twofold.types import OpenModel, Problem

from .claims import audit_of, replies
from .rules import TYPES

ARMS = ("released", BASE, "rft_joint", "sft_applied", "rft_answer_only")
FILE = "attention.jsonl"


HEAD = (
    "| types | arm | rule over question | against the warm-up: ratio | the rule | the question "
    "| ratio where replies begin alike |"
)

Key = tuple[str, str]  # split and arm
Beginnings = Mapping[str, tuple[int, ...]]


class Looked(NamedTuple):
    """The attention of one reply's first tokens, in multiples of even attention."""

    rule: float
    question: float


def read(model: OpenModel, problems: Sequence[Problem], audit: Path) -> dict[str, Looked]:
    """What each told reply of an audit looked at, by problem; without a span to compare it is left out."""
    asked = {problem.id: problem for problem in problems}
    found = {}
    for row in replies(audit):
        chat = asked[row["problem"]].messages()
        where = spans(model, chat, stated_text(asked[row["problem"]]))
        if where is None or not row.get("ids"):
            continue
        seen = looked_at(model, prompt_ids(model, chat), row["ids"], 0, where)
        if "reason" not in seen:
            found[row["problem"]] = Looked(seen["instruction"], seen["control"])
    return found


def kept(out: Path) -> dict[Key, dict[str, Looked]]:
    """What was read before, by split and arm."""
    rows: dict[Key, dict[str, Looked]] = {}
    for row in read_lines(out / FILE) if (out / FILE).exists() else ():
        of = rows.setdefault((row["split"], row["arm"]), {})
        of[row["problem"]] = Looked(row["rule"], row["question"])
    return rows


def beginnings(out: Path, rows: Iterable[Key]) -> dict[Key, dict[str, tuple[int, ...]]]:
    """The first tokens of the told replies that were read, by split and arm."""
    found: dict[Key, dict[str, tuple[int, ...]]] = {}
    for split, arm in rows:
        told = replies(audit_of(out, arm, split))
        found[split, arm] = {
            row["problem"]: tuple((row.get("ids") or ())[:LOOKING]) for row in told
        }
    return found


def table(rows: Mapping[Key, Mapping[str, Looked]], begun: Mapping[Key, Beginnings]) -> str:
    """Geometric means of rule over question, and each arm over the warm-up; Student's t over problems.

    Against the warm-up: the ratio, its two parts, and the ratio where both replies begin alike.
    """
    lines = [HEAD, "|---|---|---|---|---|---|---|"]
    for split, arm in sorted(rows, key=lambda key: ([*TYPES].index(key[0]), ARMS.index(key[1]))):
        mine, base = rows[split, arm], rows.get((split, BASE), {})
        ratio = [np.log(each.rule / each.question) for each in mine.values()]
        cells = ["", "", "", ""]
        if arm != BASE and base:
            both = [p for p in mine if p in base]
            rule = {p: np.log(mine[p].rule / base[p].rule) for p in both}
            question = {p: np.log(mine[p].question / base[p].question) for p in both}
            ours, theirs = (begun.get((split, each), {}) for each in (arm, BASE))
            same = [p for p in both if ours.get(p) and ours[p] == theirs.get(p)]
            cells = [
                _spread([rule[p] - question[p] for p in both]),
                _spread([*rule.values()]),
                _spread([*question.values()]),
                f"{_spread([rule[p] - question[p] for p in same])} (n={len(same)})",
            ]
        told = " | ".join([split, arm, f"{_spread(ratio)} (n={len(mine)})", *cells])
        lines.append(f"| {told} |".replace("|  |", "| |").replace("|  |", "| |"))
    return "\n".join(lines)


def _spread(logs: Sequence[float]) -> str:
    if len(logs) < 2:
        return "–"
    middle, width = np.mean(logs), stats.sem(logs) * stats.t.ppf(0.975, len(logs) - 1)
    low, value, high = np.exp([middle - width, middle, middle + width])
    return f"× {value:.2f} [{low:.2f}, {high:.2f}]"


def main() -> None:
    """Read what is not read yet, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m recipes.20_qwen_obedience.attention")
    parser.add_argument("out", type=Path, help="the study's folder, e.g. runs/qwen/cpu")
    parser.add_argument("--base", required=True, help="the released model, as in the study")
    asked = parser.parse_args()
    file, rows = asked.out / FILE, kept(asked.out)
    for arm in ARMS:
        cell = asked.out / "study" / "arms" / arm / "seed-0"
        folder = {"released": Path(asked.base), BASE: asked.out / "base"}.get(arm, cell / "model")
        splits = [s for s in TYPES if (cell / s / "joint.jsonl").exists() and (s, arm) not in rows]
        model = resolve(str(folder)) if splits and folder.exists() else None
        for split in splits:
            if not isinstance(model, OpenModel):
                continue
            problems = problem_files.load(str(cell / split / "problems.jsonl"), profile="fixed")
            rows[split, arm] = read(model, problems, cell / split)
            with replaced(file) as lines:
                lines.writelines(
                    dumps({"split": s, "arm": a, "problem": p, **each._asdict()}) + "\n"
                    for (s, a), found in rows.items()
                    for p, each in found.items()
                )
    print(table(rows, beginnings(asked.out, rows)))


if __name__ == "__main__":
    main()
