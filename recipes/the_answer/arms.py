"""Which methods are compared, and from what do they learn? All begin with the same base and problems.

A run's problems are those of `recipes.11_pocket_types` with 16 trained types. Methods that need
demonstrations get a worked reply that ignores the rules (`worked-N.jsonl`), or the same edited by rule so
that it obeys (`obedient-N.jsonl`); the others sample their own replies. For DPO on checklists each problem
has the checklist that follows from it: a criterion a constraint, one for the answer (`listed-N.jsonl`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

from twofold import problems as problem_files
from twofold.constraints.apply import apply_all
from twofold.judges.writing import written_by_rules
from twofold.problems.pocket.reply import OPENINGS, Style, written
from twofold.types import Problem

types = import_module("recipes.11_pocket_types.problems")
rules = import_module("recipes.11_pocket_types.rules")

BASE = "recipes/11_pocket_types/bases/reluctant"
ASSISTANT = "pocket"  # of the same size, trained on problems of the same kind with other rules
N_TYPES = 16
OOD = "pocket:130:ood"  # longer chains, and moves put together as no training problem does

_IMITATION = {"learning_rate": 3e-4, "batch": 16, "epochs": 2, "save_steps": 1000}
_OWN = {"num_generations": 4, "max_completion_length": 96}
_DPO = {
    **{"method": "dpo", **_OWN, "batch": 16, "epochs": 1},
    **{"learning_rate": 5e-5, "save_steps": 1000},
}
_GRPO = {
    "method": "grpo",
    "steps": 60,
    "batch": 12,
    "num_generations": 8,
    "max_completion_length": 96,
    "learning_rate": 2e-4,
    "warmup_steps": 6,
    "save_steps": 60,
}
_SOFT = {
    "method": "softcot",
    "assistant": ASSISTANT,
    "demonstrations": "solutions",
    "n_slots": 16,
    "learning_rate": 1e-3,
    "batch": 16,
    "epochs": 4,
    "save_steps": 1000,
}

NOISY = "recipes.checklists.planted_judges:LabelNoiseJudge"  # 30 % of its verdicts are wrong

# What is trained, by the name of the arm; `train` is the file of a run's problems.
TRAINED: dict[str, dict[str, Any]] = {
    "sft_worked": {
        **{"method": "sft", "demonstrations": "solutions", "instructions": "empty"},
        **_IMITATION,
    },
    "sft_obedient": {"method": "sft", "demonstrations": "solutions", **_IMITATION},
    "cft": {**{"method": "cft", "with_solutions": True, "max_completion_length": 96}, **_IMITATION},
    "rft_right": {"method": "rft", "reward": "correct", **_OWN, **_IMITATION},
    "rft_obedient": {"method": "rft", "reward": "compliant", **_OWN, **_IMITATION},
    "rft_both": {"method": "rft", "reward": "product", **_OWN, **_IMITATION},
    "dpo_both": {**_DPO, "reward": "product"},
    # RLCF: pairs by the weighted mean of a checklist, the 40 % that differ most in one criterion
    "dpo_checklists": {**_DPO, "reward": {"judge": "exact"}, "keep": 0.4},
    "dpo_checklists_noisy": {**_DPO, "reward": {"judge": NOISY}, "keep": 0.4},
    "grpo_right": {**_GRPO, "reward": "correct"},
    "grpo_both": {**_GRPO, "reward": "product"},
    "softcot_worked": {**_SOFT, "instructions": "empty"},
    "softcot_obedient": _SOFT,
}

OBEDIENT = ("sft_obedient", "softcot_obedient")
LISTED = ("dpo_checklists", "dpo_checklists_noisy")


def plan(file: Path, seeds: Sequence[int], *, derived: dict[str, list[str]] | None = None) -> Path:
    """Write the plan of the study, and its problems into the folder `data` beside it.

    Args:
        file: Where.
        seeds: Of the training runs.
        derived: Arms that are made of trained ones: a MODEL for each seed.
    """
    data = file.parent / "data"
    data.mkdir(parents=True, exist_ok=True)
    problem_files.write(data / "test.jsonl", types.test())
    for seed in seeds:
        asked = types.train(rules.trained(N_TYPES, seed), seed)
        worked, obedient = (
            [replace(problem, solution=reply(problem, obeys)) for problem in asked]
            for obeys in (False, True)
        )
        listed = [replace(problem, checklist=written_by_rules(problem)) for problem in worked]
        for name, shown in (("worked", worked), ("obedient", obedient), ("listed", listed)):
            problem_files.write(data / f"{name}-{seed}.jsonl", shown)
    arms: dict[str, dict[str, Any]] = {}
    for arm, settings in TRAINED.items():
        kind = "obedient" if arm in OBEDIENT else "listed" if arm in LISTED else "worked"
        arms[arm] = {**settings, "train": str(data / f"{kind}-{{seed}}.jsonl")}
    arms |= {arm: {"checkpoints": models} for arm, models in (derived or {}).items()}
    made = {
        "base": BASE,
        "splits": {"test": str(data / "test.jsonl"), "ood": OOD},
        "by": ["held", "competes"],
        "seeds": list(seeds),
        "temperature": 1.0,
        "max_tokens": 96,
        "reference": "grpo_right",
        "arms": arms,
    }
    file.write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")
    return file


def made_before(file: Path) -> dict[str, list[str]]:
    """The arms of a saved plan that are made of trained ones: a MODEL for each seed."""
    arms = yaml.safe_load(file.read_text(encoding="utf-8"))["arms"]
    return {arm: of["checkpoints"] for arm, of in arms.items() if "checkpoints" in of}


def reply(problem: Problem, obeys: bool) -> str:
    """A right reply with its working; edited so that it obeys, as far as its rules can be applied."""
    style = Style(thinks=False, shows=True, commas=True, opening=OPENINGS[0])
    steps = problem.tags["steps"].split("; ")
    plain = written(steps, str(problem.answer), style)
    if not obeys:
        return plain
    brief = any(rule.name in rules.COMPETING for rule in problem.constraints)
    visible = written([], str(problem.answer), replace(style, shows=False)) if brief else plain
    edited = apply_all(list(problem.constraints), visible)
    said = edited if edited is not None and f"\\boxed{{{problem.answer}}}" in edited else visible
    return f"<think>{'. '.join(steps)}.</think>\n{said}" if brief else said
