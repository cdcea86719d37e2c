"""`python -m recipes.the_answer.smollm2`: the methods that a CPU allows, on SmolLM2-135M.

The base is the warm-up of `recipes/10_smollm2_study`; problems and adapters of that study are taken as they
are. The reasoner is `sft`, which learned from worked solutions that ignore the rules; the obedient
relative is `sft_obedient`. The same command goes on where it was stopped. One training run of each arm.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from twofold import problems as problem_files
from twofold import study
from twofold.methods.merge.arithmetic import Arithmetic
from twofold.methods.merge.merge import merge
from twofold.methods.merge.ties import Ties
from twofold.report.study import Page
from twofold.report.study_file import ACCURACY, HACC, JOINT, OBEDIENCE, TOKENS, Key
from twofold.report.wording import spread
from twofold.storage.jsonl import replaced
from twofold.study.plan import BASE
from twofold.types import ALL

from .table import APART

recipe = import_module("recipes.10_smollm2_study")
bases = import_module("recipes.10_smollm2_study.base")
obedience = import_module("recipes.10_smollm2_study.obedience")
problems = import_module("recipes.10_smollm2_study.problems")

STUDY = Path(str(recipe.__file__)).parent
OUT: Path = obedience.FOLDER
REASONER, OBEDIENT = "sft", "sft_obedient"
ASSISTANT = "smollm2"  # the released model, as large as the base

_LORA = {"lora": 8, "batch": 16, "accumulation": 2, "warmup_steps": 4, "save_steps": 10}
_SOFT = {
    **{"method": "softcot", "assistant": ASSISTANT, "n_slots": 16, "learning_rate": 1e-3},
    **{"batch": 16, "accumulation": 2, "epochs": 4, "save_steps": 10},
}
_DRAWN = {"num_generations": 8, "max_completion_length": 96}

# What is trained here, by the name of the arm; the first two as the study trained them.
TRAINED: dict[str, dict[str, Any]] = {
    "rft_answer_only": {
        **{"method": "rft", "reward": "correct", "learning_rate": 5e-4, "epochs": 2},
        **_LORA,
        **_DRAWN,
    },
    "rft_joint": {
        **{"method": "rft", "reward": "soft_gate", "learning_rate": 5e-4, "epochs": 2},
        **_LORA,
        **_DRAWN,
    },
    "softcot_obedient": {"demonstrations": "obedient", **_SOFT},
}

REMEDIES: dict[str, dict[str, object]] = {
    "constraint_first": {},
    "parent_answers": {"parent": OBEDIENT},
    "two_passes": {},
    "best_of_n": {"rules": "asked"},
    "rewrite": {},
}
SPLITS = {"test": "trained", "held_out": "held out"}
COLUMNS: dict[Key, str] = {
    **{ACCURACY: "accuracy", HACC: "all constraints met", OBEDIENCE: "obedience"},
    JOINT: "right and all met",
}


def prepared(out: Path) -> None:
    """The problems, and the base and the two adapters as models."""
    scale = recipe.SCALES["cpu"]
    found = problems.splits(scale, obedience.SOLVABLE)
    files = {split: found[split] for split in SPLITS}
    files["train"] = problems.train(scale, obedience.SOLVABLE)
    files["asked"] = [problem for split in SPLITS for problem in found[split]]
    for name, asked in files.items():
        problem_files.write(out / f"{name}.jsonl", asked)
    for name in (BASE, REASONER, OBEDIENT):
        bases.merged(STUDY / "adapters" / name, out / name)


def made(out: Path) -> dict[str, str]:
    """What needs no training: merges, remedies on the reasoner, the control of SoftCoT."""
    found = {}
    for name, how in (("merge_arithmetic", Arithmetic()), ("merge_ties", Ties())):
        models = (str(out / REASONER), str(out / OBEDIENT))
        merged = merge(*models, base=str(out / BASE), recipe=how, out=out / name)
        found[name] = str(merged.folder)
    for kind, settings in REMEDIES.items():
        values: dict[str, object] = {
            "kind": kind,
            "base": str((out / REASONER).absolute()),
            **settings,
        }
        if "parent" in values:
            values["parent"] = str((out / OBEDIENT).absolute())
        if "rules" in values:
            asked = str((out / "asked.jsonl").absolute())
            values["rules"] = {"problems": asked, "scorer": "compliant"}
        file = out / f"{kind}.yaml"
        with replaced(file) as text:
            yaml.safe_dump(values, text, sort_keys=False)
        found[kind] = str(file)
    soft = out / "answer" / "arms" / "softcot_obedient" / "seed-0" / "model"
    if soft.is_dir():
        found["softcot_zero"] = str(soft / "zero.yaml")
    return found


def plan(out: Path, arms: Sequence[str], models: dict[str, str]) -> Path:
    """Write the plan: the audited arms, those to train, and those that are made."""
    values = yaml.safe_load((STUDY / "obedience.yaml").read_text(encoding="utf-8"))
    values |= {"base": str(out / BASE), "train": str(out / "train.jsonl")}
    values["splits"] = {split: str(out / f"{split}.jsonl") for split in SPLITS}
    values["arms"] = {name: {"checkpoints": [str(out / name)]} for name in (REASONER, OBEDIENT)}
    values["arms"] |= {name: TRAINED[name] for name in arms}
    values["arms"] |= {name: {"checkpoints": [model]} for name, model in models.items()}
    with replaced(out / "plan.yaml") as text:
        yaml.safe_dump(values, text, sort_keys=False)
    return out / "plan.yaml"


def table(folder: Path) -> str:
    """The base as measured, then every arm minus it, on each split."""
    page = Page.of(folder)
    outcomes = {(v.arm, v.split): v.outcome.value for v in page.study.verdicts if v.slice_by == ""}
    head = ["types", "arm", *COLUMNS.values(), "verdict", "tokens"]
    lines = [head, ["---"] * len(head)]
    for split, name in SPLITS.items():
        found = page.findings[split]
        base = [spread(found.estimate(key[0], role=BASE, condition=key[1])) for key in COLUMNS]
        lines.append([name, BASE, *base, "", _tokens(page, BASE, split)])
        for arm in page.trained:
            changes = [page.comparison(arm, key, split, ALL) for key in COLUMNS]
            told = ["–" if each is None else spread(each.difference, sign=True) for each in changes]
            together = changes[-1] is not None and changes[-1].difference.low > 0
            verdict = outcomes[arm, split]
            verdict = APART if verdict == "both_rise" and not together else verdict
            lines.append(["", arm, *told, verdict, _tokens(page, arm, split)])
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in lines)


def _tokens(page: Page, arm: str, split: str) -> str:
    found = page.findings[split].estimate(TOKENS[0], role=arm, condition=TOKENS[1])
    return "–" if found is None else f"{found.value:.0f}"


if __name__ == "__main__":
    prepared(OUT)
    for is_trained in (False, True):
        models = made(OUT) if is_trained else {}
        study.study(study.read(plan(OUT, list(TRAINED), models)), out=OUT / "answer")
    print(table(OUT / "answer"))
