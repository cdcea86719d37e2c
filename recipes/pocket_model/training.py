"""How is the pocket model pretrained? Next-token loss on the assistant's tokens.

Fifty lines instead of a trainer: pretraining makes the base and is not a method of this package.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, final

import torch
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from twofold.types import Message

_POOL = 16  # batches sorted by length together, to reduce padding


@final
@dataclass(frozen=True)
class Schedule:
    """The training schedule: a warm-up of 100 steps to the peak rate, then a cosine decay to 1 % of it."""

    n_steps: int = 1800
    batch: int = 64
    peak: float = 3e-3
    seed: int = 0

    def rate(self, step: int) -> float:
        """The learning rate at `step`, from 0.

        Example:
            >>> Schedule(n_steps=1000).rate(99)
            0.003
        """
        if step < 100:
            return self.peak * (step + 1) / 100
        done = (step - 100) / max(1, self.n_steps - 100)
        return self.peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def fresh_network(tokenizer: PreTrainedTokenizerFast, *, seed: int) -> LlamaForCausalLM:
    """The untrained network: Llama, three layers of width 128."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=384,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    network = LlamaForCausalLM(config)
    network.set_attn_implementation("eager")  # a third faster than sdpa here, in bfloat16
    return network


def train(
    network: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    chats: Iterator[list[Message]],
    schedule: Schedule,
) -> Iterator[tuple[int, float]]:
    """Train in place; yields each step's number and loss (nats per assistant token)."""
    optimisers = _optimisers(network, schedule.peak)
    network.train()
    order = torch.Generator().manual_seed(schedule.seed)
    for step, rows in zip(
        range(schedule.n_steps), _batches(tokenizer, chats, schedule, order), strict=False
    ):
        with torch.autocast("cpu", torch.bfloat16):
            loss = network(**_padded(rows, int(tokenizer.pad_token_id))).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = schedule.rate(step)
            optimiser.step()
            optimiser.zero_grad()
        yield step, float(loss.detach())


def _optimisers(network: LlamaForCausalLM, rate: float) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for embeddings and norms."""
    matrices = [p for p in network.model.layers.parameters() if p.ndim == 2]
    inner = {id(p) for p in matrices}
    others = [p for p in network.parameters() if id(p) not in inner]
    return [
        torch.optim.Muon(matrices, lr=rate, weight_decay=0.01, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, lr=rate, weight_decay=0.01, betas=(0.9, 0.95)),
    ]


Row = tuple[list[int], list[int]]
"""Token ids of a chat, and 1 for each token of the assistant."""


def _batches(
    tokenizer: PreTrainedTokenizerFast,
    chats: Iterator[list[Message]],
    schedule: Schedule,
    order: torch.Generator,
) -> Iterator[list[Row]]:
    while True:
        pool = sorted(
            (_row(tokenizer, chat) for chat in islice(chats, _POOL * schedule.batch)),
            key=lambda row: len(row[0]),
        )
        for k in torch.randperm(_POOL, generator=order).tolist():
            yield pool[k * schedule.batch : (k + 1) * schedule.batch]


def _row(tokenizer: PreTrainedTokenizerFast, chat: list[Message]) -> Row:
    turns: list[Any] = [dict(message) for message in chat]
    asked = tokenizer.apply_chat_template(turns[:1], tokenize=False, add_generation_prompt=True)
    whole = tokenizer.apply_chat_template(turns, tokenize=False)
    prompt = tokenizer(asked, add_special_tokens=False).input_ids
    reply = tokenizer(whole[len(asked) :], add_special_tokens=False).input_ids
    return prompt + reply, [0] * len(prompt) + [1] * len(reply)


def _padded(rows: list[Row], pad: int) -> dict[str, Any]:
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([i + [pad] * (longest - len(i)) for i, _ in rows])
    spoken = torch.tensor([s + [0] * (longest - len(s)) for _, s in rows])
    real = torch.tensor([[1] * len(i) + [0] * (longest - len(i)) for i, _ in rows])
    return {"input_ids": ids, "attention_mask": real, "labels": ids.masked_fill(spoken == 0, -100)}
