"""`python -m recipes.checklists`: an exact judge, faulty ones and the remedies, on the pocket model.

Writes the problems with exact checklists and admitted programs to `runs/checklists`, runs `study.yaml` on
them, and prints for every arm its training reward beside the truth.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path

from recipes.checklists.programs import equipped
from twofold import problems as problem_files
from twofold import study
from twofold.judges.sandbox.sandbox import Sandbox
from twofold.judges.writing import written_by_rules
from twofold.report.study import summary

PLACE = Path("runs/checklists")
WRITTEN = {"train": "pocket:1000:train", "eval_problems": "pocket:130"}


def written() -> None:
    """Make the problem files of the study once."""
    PLACE.mkdir(parents=True, exist_ok=True)
    with Sandbox() as sandbox:
        for name, spec in WRITTEN.items():
            if (PLACE / f"{name}.jsonl").exists():
                continue
            asked = problem_files.load(spec, profile="fixed")
            made = [
                equipped(replace(problem, checklist=written_by_rules(problem)), sandbox)
                for problem in asked
            ]
            problem_files.write(PLACE / f"{name}.jsonl", [problem for problem, _ in made])
            with_program = sum(
                bool(c.program) for p, _ in made if p.checklist for c in p.checklist.criteria
            )
            refused = sum(n for _, n in made)
            print(f"{name}: {with_program} criteria with a program, {refused} programs refused")


def curves(out: Path) -> None:
    """Print reward and truth on held-out problems: base, best checkpoint and end, by arm and seed."""
    print("| arm | seed | reward: base, end | truth: base, best (step), end |")
    print("|---|---|---|---|")
    for folder in sorted(out.glob("arms/*/seed-*/model")):
        file = folder / "trainer_state.json"
        if not file.exists():
            continue
        rows = [r for r in json.loads(file.read_text())["log_history"] if "eval/eval_metric" in r]
        if not rows:
            continue
        best = max(rows, key=lambda row: row["eval/eval_metric"])
        print(
            f"| {folder.parent.parent.name} | {folder.parent.name.removeprefix('seed-')} "
            f"| {rows[0]['eval/reward']:.3f}, {rows[-1]['eval/reward']:.3f} "
            f"| {rows[0]['eval/eval_metric']:.3f}, {best['eval/eval_metric']:.3f} ({best['step']}), "
            f"{rows[-1]['eval/eval_metric']:.3f} |"
        )


if __name__ == "__main__":
    written()
    plan = study.read(
        Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "study.yaml"
    )
    place = PLACE / "study"
    study.study(plan, out=place, say=print)
    print(summary(place))
    curves(place)
