"""What do all arms start from? The base after a warm-up on its own right replies, edited by rule.

A joint reward alone has a few right and obedient replies in a hundred to reinforce. So the base samples
replies to bare problems, the right ones are edited to obey a drawn rule (`methods.applied`), and each is
shown beside the same reply unedited to the problem without the rule: only reading what is asked pays.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from twofold.methods import Sft
from twofold.methods.applied import bare
from twofold.methods.demonstrations import kept
from twofold.scorers import Correct
from twofold.storage.jsonl import dumps, replaced
from twofold.types import Problem

from . import Scale

RANK = 4
"""The LoRA rank of the warm-up and of every arm; both together have rank 8, 8.8 MB in bfloat16."""

TEMPERATURE = 0.7
"""The sampling temperature of the own replies, of the arms' replies and of the audits."""


def method(scale: Scale) -> Sft:
    """The warm-up's method and its settings."""
    return Sft(
        demonstrations="applied",
        num_generations=scale.draws,
        temperature=TEMPERATURE,
        max_completion_length=scale.max_tokens,
        lora=RANK,
        learning_rate=3e-4,
        batch=4,  # a few dozen pairs: larger batches would be a handful of steps
        epochs=2,
        warmup_steps=4,
        save_steps=5,
        trl={
            "bf16": import_module("recipes.10_smollm2_study.base").multiplies_bfloat16(),
            "train_sampling_strategy": "group_by_length",
        },
    )


def own_right(base: str, problems: Sequence[Problem], scale: Scale, file: Path) -> int:
    """Write the base's right replies to the problems without rules, as demonstrations; returns how many.

    They are sampled as the warm-up does, which then finds them in the cache.
    """
    if not file.exists():
        made = method(scale)
        asked = [bare(problem) for problem in problems]
        rows = kept(asked, made.draw(base, asked, seed=made.seed), by=Correct(), at_least=1.0)
        names = {plain.id: problem.id for plain, problem in zip(asked, problems, strict=True)}
        with replaced(file) as out:
            for row in rows:
                line = {"problem": names[row["problem"]], "raw": row["completion"]}
                out.write(dumps(line | {"finish_reason": "answered"}) + "\n")
    return len(file.read_text(encoding="utf-8").splitlines())


def warmed_up(base: str, problems: Sequence[Problem], scale: Scale, place: Path) -> Path:
    """The base after the warm-up, merged, as a checkpoint; made once, or restored."""
    if (place / "base").exists():
        return place / "base"
    adapter = method(scale).train(base, problems, out=place / "warm_up").folder
    merged: Any = import_module("recipes.10_smollm2_study.base").merged
    return Path(merged(adapter, place / "base"))
