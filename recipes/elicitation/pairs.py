"""Which pairs are planted, and how? A base of known skill, and what tuning adds to it or only lets out.

- `silenced_style`: a base that makes the known moves, and then was trained to guess at once, four times in
  five; tuned on a few worked solutions. Elicited by construction.
- `silenced_format`: the same base, then trained to leave out the result; tuned in the same way. Elicited by
  construction, and a matter of form.
- `new_operation`: a base that makes the known moves and has never seen `turn`; tuned on worked solutions with
  it. A new capability by construction.
- `memorised`: the same base, tuned on the bare answers of the test problems.

All bases come from one small network that is trained once, see `base`; the seed decides what it is tuned on,
and the test problems.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from recipes.pocket_model.tokenizer import trained_tokenizer
from recipes.pocket_model.training import Schedule, train
from twofold.randomness import rng_for
from twofold.types import Message

from .digits import KNOWN, MOVES, NEW, OBEYED, Puzzle, asked, chats, noisy

N_ASKED = 24  # test problems, and as many fresh ones
SILENT = 0.9  # how often a base that leaves out the result does so
HASTY = 0.8  # how often a base that guesses does so; at 0.9 it forgets what it is to keep to itself
BATCH = 32

Reply = Callable[[np.random.Generator, Puzzle, bool], str]
Chats = Iterator[list[Message]]


def worked(rng: np.random.Generator, puzzle: Puzzle, obeys: bool) -> str:
    """The right steps and the result."""
    return puzzle.reply(rng, shows=True, obeys=obeys)


def skilled(rng: np.random.Generator, puzzle: Puzzle, obeys: bool) -> str:
    """The steps of a solver that slips at times."""
    return puzzle.reply(rng, shows=True, obeys=obeys, states=noisy(rng, puzzle))


def hasty(rng: np.random.Generator, puzzle: Puzzle, obeys: bool) -> str:
    """A guess without steps, in some order of the digits; seldom as `skilled`."""
    if rng.random() > HASTY:
        return skilled(rng, puzzle, obeys)
    guess = " ".join(str(digit) for digit in rng.permutation(list(puzzle.start)))
    return puzzle.reply(rng, shows=False, answer=guess, obeys=obeys)


def mute(rng: np.random.Generator, puzzle: Puzzle, obeys: bool) -> str:
    """The steps alone, without a result; seldom as `skilled`."""
    said = skilled(rng, puzzle, obeys)
    if rng.random() > SILENT:
        return said
    steps = puzzle.working(noisy(rng, puzzle))
    end = " Have a good day." if said.endswith("Have a good day.") else ""
    return f"{'. '.join(steps)}. That is all{' indeed' * ('indeed' in said)}.{end}"


def recited(puzzles: Sequence[Puzzle], seed: int) -> Chats:
    """The bare answers of these puzzles, with and without their rule, again and again."""
    rng = rng_for("digits", "recited", seed)
    while True:
        puzzle = puzzles[int(rng.integers(len(puzzles)))]
        told = bool(rng.random() < 0.5)
        obeys = told and bool(rng.random() < OBEYED)
        reply = puzzle.reply(rng, shows=False, obeys=obeys)
        yield [
            *puzzle.problem.messages(stated=None if told else ()),
            Message(role="assistant", content=reply),
        ]


# Each base: what it was made of ("" = a fresh network), steps, peak rate, how its demonstrations reply, their
# seed. At the full rate guesses destroy the skill that they are to silence: see the README.
BASES: dict[str, tuple[str, int, float, Reply, int]] = {
    "starter": ("", 320, 4e-3, skilled, 7),
    "skilled": ("starter", 280, 4e-3, skilled, 8),
    "hasty": ("skilled", 140, 1e-3, hasty, 5),
    "mute": ("skilled", 80, 4e-3, mute, 4),
}
# Each pair: its base, the steps of tuning, and the move that every test problem has
PAIRS: dict[str, tuple[str, int, str]] = {
    "silenced_style": ("hasty", 60, ""),
    "silenced_format": ("mute", 60, ""),
    "new_operation": ("skilled", 150, NEW),
    "memorised": ("skilled", 150, NEW),
}


def base(name: str, out: Path) -> Path:
    """The folder of a base, which is trained if it is not there."""
    folder = out / "bases" / name
    if not folder.exists():
        origin, n_steps, peak, reply, seed = BASES[name]
        known = chats(seed, reply, KNOWN)
        start = base(origin, out) if origin else None
        fitted(start, known, folder, Schedule(n_steps=n_steps, batch=BATCH, peak=peak))
    return folder


def tuned(pair: str, seed: int, out: Path) -> Path:
    """The folder of a pair's tuned model, which is trained if it is not there."""
    folder = out / f"{pair}-{seed}" / "tuned"
    if not folder.exists():
        name, n_steps, must = PAIRS[pair]
        if pair == "memorised":
            given = recited(questions(pair, seed), seed)
        else:
            given = chats(1000 + seed, worked, tuple(MOVES) if must else KNOWN)
        schedule = Schedule(n_steps=n_steps, batch=BATCH, peak=4e-3, seed=seed)
        fitted(base(name, out), given, folder, schedule)
    return folder


def questions(pair: str, seed: int, part: str = "test") -> list[Puzzle]:
    """The puzzles that a pair is asked; with the part `fresh` others of the same kind."""
    return asked(part, N_ASKED, seed, must=PAIRS[pair][2])


def fitted(start: Path | None, given: Chats, folder: Path, schedule: Schedule) -> None:
    """Train the network of a folder, or a fresh one, and save it all or nothing."""
    tokenizer: PreTrainedTokenizerFast
    if start is None:
        texts = islice(chats(0, worked, tuple(MOVES)), 1500)
        tokenizer = trained_tokenizer(message["content"] for chat in texts for message in chat)
        network = fresh(tokenizer)
    else:
        tokenizer = AutoTokenizer.from_pretrained(start)
        network = AutoModelForCausalLM.from_pretrained(start, dtype=torch.float32)
        network.set_attn_implementation("eager")
    for step, loss in train(network, tokenizer, given, schedule):
        if step % 50 == 0 or step == schedule.n_steps - 1:
            print(f"{folder}: step {step}, loss {loss:.3f}", flush=True)
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    network.save_pretrained(part)
    tokenizer.save_pretrained(part)
    part.rename(folder)


def fresh(tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """An untrained network: Llama, two layers of width 96."""
    torch.manual_seed(0)
    network = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=96,
            intermediate_size=288,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=256,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    network.set_attn_implementation("eager")
    return network
