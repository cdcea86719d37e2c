"""Which base do the arms start from? The released checkpoint after one short warm-up.

Of the released checkpoint's replies to one- and two-step problems 7 % are right, 25 % obedient and none of
128 both, so a reward has nothing to reinforce. The warm-up imitates demonstrations that are always right and
obedient in two of three. With one of three, the model obeyed no more often than by chance.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from accelerate import PartialState

from twofold.methods import Sft
from twofold.methods.draw import draw
from twofold.methods.support import support
from twofold.models.smollm2 import SPEC
from twofold.problems import synthetic
from twofold.scorers import Correct
from twofold.stats import proportion
from twofold.storage.jsonl import Row, dumps, replaced
from twofold.types import Problem, Sampling

from . import Scale
from .problems import LEVELS, probe, warm_up

RANK = 8
"""The LoRA rank of every adapter; warm-up and arm together have rank 16, 10 MB in bfloat16."""

SOLVED, RIGHT = 0.1, 0.9
"""A level is used for training if the base's pass@8 is at least `SOLVED` (lower 95 % bound) and its share of
right replies at most `RIGHT`. pass@8 has no upper limit: with 6 of 10 replies right it is near 1, and nearly
every group still has replies of different reward to learn from."""


def demonstration(problem: Problem) -> Row:
    """A demonstration: always right, obedient in two of three."""
    digest = hashlib.sha256(f"twofold smollm2 warm-up {problem.id}".encode()).digest()
    obeys = digest[0] % 3 != 0
    write = synthetic.obedient_reply if obeys else synthetic.solution
    return {"problem": problem.id, "raw": write(problem), "finish_reason": "answered"}


def warmed_up(place: Path, scale: Scale) -> Path:
    """The adapter of the warm-up, trained if it is absent."""
    problems = warm_up(scale)
    file = place / "warm_up.jsonl"
    with PartialState().main_process_first():
        if not file.exists():
            place.mkdir(parents=True, exist_ok=True)
            with replaced(file) as out:
                out.writelines(dumps(demonstration(problem)) + "\n" for problem in problems)
    method = Sft(
        demonstrations=file,
        lora=RANK,
        learning_rate=5e-4,
        batch=16,
        accumulation=2,
        epochs=1,
        warmup_steps=4,
        save_steps=10,
        trl={"bf16": multiplies_bfloat16(), "train_sampling_strategy": "group_by_length"},
    )
    return method.train(SPEC, problems, out=place / "warm_up").folder


def merged(adapter: Path, folder: Path) -> Path:
    """The merged base as a checkpoint in bfloat16, with the adapter's tokenizer; made once."""
    if folder.exists():
        return folder
    import torch

    from twofold.models import loading
    from twofold.models.checkpoint import locate
    from twofold.models.quiet import quiet

    there = locate(str(adapter))
    tokenizer: Any = loading.load_tokenizer(there)
    with quiet():
        from peft import PeftModel
        from transformers import AutoModelForCausalLM

        bare: Any = AutoModelForCausalLM.from_pretrained(there.folder, dtype=torch.float32)
        whole: Any = PeftModel.from_pretrained(bare, str(adapter)).merge_and_unload()
        work = folder.with_name(f"{folder.name}.part")
        whole.to(torch.bfloat16).save_pretrained(work)
        tokenizer.save_pretrained(work)
    work.rename(folder)
    return folder


def gate(base: Path, file: Path, scale: Scale, *, max_tokens: int) -> list[int]:
    """The levels to train on; see `SOLVED`. The measurements are saved in `file`.

    Raises:
        ValueError: If there is none.
    """
    if not file.exists():
        sampling = Sampling(max_tokens=max_tokens, temperature=1.0)
        # Ability, not reward: a last number counts too, as in an audit.
        correct = Correct(last_number=True)
        rows = []
        for level in LEVELS:
            asked = probe(scale, level)
            replies = draw(str(base), asked, sampling, n=8, seed=0)
            found = support(asked, replies, by=correct)
            verdicts = correct(
                [p for p, row in zip(asked, replies, strict=True) for _ in row],
                [r for row in replies for r in row],
            )
            scores = [v.score for v in verdicts if v.score is not None]
            rows.append(
                {
                    "level": level,
                    "problems": found.n_problems,
                    "solved": found.n_solved,
                    "replies": len(scores),
                    "unscored": len(verdicts) - len(scores),
                    "right": scores.count(1.0),
                    "mixed": found.n_mixed,
                }
            )
        if PartialState().is_main_process:
            with replaced(file) as out:
                json.dump(rows, out, indent=1)
    else:
        rows = json.loads(file.read_text())
    levels = [
        row["level"]
        for row in rows
        if proportion(row["solved"], row["problems"]).low >= SOLVED
        and row["right"] <= RIGHT * row["replies"]
    ]
    if not levels:
        raise ValueError(
            f"the base solves hardly a problem, or nearly all, on every level ({file}): change `warm_up` of "
            f"the scale, delete {file.parent} and begin again"
        )
    return levels


def multiplies_bfloat16() -> bool:
    """Whether this machine multiplies bfloat16 faster than float32."""
    import torch

    from twofold.models import loading

    return torch.cuda.is_available() or loading.multiplies_bfloat16()
