"""How many operations and bytes does each phase of a step need? Counted, not measured.

A matrix product counts 2 operations for each multiply-add. Norms, activation functions and token sampling are
left out: they cost less than a percent.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, kw_only=True)
class Shape:
    """A Llama-like decoder with tied embeddings.

    Example:
        >>> SMOLLM2.n_weights
        134515008
    """

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    intermediate: int
    vocab: int

    @property
    def _matrices(self) -> tuple[tuple[int, int], ...]:
        """Inputs and outputs of a block's matrices: q, k, v, o, gate, up, down."""
        own, shared = self.heads * self.head_dim, self.kv_heads * self.head_dim
        h, f = self.hidden, self.intermediate
        return (h, own), (h, shared), (h, shared), (own, h), (h, f), (h, f), (f, h)

    @property
    def body(self) -> int:
        """Weights of the blocks' matrices, used for every token."""
        return self.layers * sum(a * b for a, b in self._matrices)

    @property
    def head(self) -> int:
        """Weights of the output matrix, used only where logits are needed."""
        return self.hidden * self.vocab

    @property
    def n_weights(self) -> int:
        """All weights, including norms."""
        return self.body + self.head + (2 * self.layers + 1) * self.hidden

    def adapters(self, rank: int) -> int:
        """Weights of LoRA adapters on every matrix of the blocks."""
        return self.layers * rank * sum(a + b for a, b in self._matrices)

    def attention(self, n: int, before: int = 0) -> int:
        """Operations of causal attention, in all blocks, of `n` tokens that follow `before` others."""
        seen = n * before + n * (n + 1) // 2
        return 4 * self.layers * self.heads * self.head_dim * seen

    def kv_bytes(self, width: int) -> int:
        """Bytes of one token's keys and values."""
        return 2 * self.layers * self.kv_heads * self.head_dim * width


SMOLLM2 = Shape(
    layers=30, hidden=576, heads=9, kv_heads=3, head_dim=64, intermediate=1536, vocab=49152
)
"""SmolLM2-135M."""

SAVED = {"full": 58_028, "lora": 27_672}
"""Bytes of activations that a block saves for backward, per token; measured on SmolLM2's shape with
transformers 5.23 under bfloat16 autocast: float32 weights, and bfloat16 weights with adapters."""


@final
@dataclass(frozen=True, kw_only=True)
class Step:
    """One training step: its sampling and its update.

    Args:
        prompts: Number of problems.
        replies: Replies to each problem.
        prompt_tokens: Mean length of a prompt.
        reply_tokens: Mean length of a reply.
        width: Bytes of a weight and of an activation.
        lora: Rank of the adapters; None = full tuning.
        checkpointing: Whether activations are recomputed in backward.
        padding: Share of the update's tokens that are padding, in [0, 1).
        learned: Passes over the replies in the update; below 1 if only some are kept.
        updates: Optimiser steps.
        at_once: Batch size of sampling; None = all. Each batch reads the weights again.
    """

    prompts: int
    replies: int
    prompt_tokens: int
    reply_tokens: int
    width: int = 2
    lora: int | None = None
    checkpointing: bool = False
    padding: float = 0.0
    learned: float = 1.0
    updates: int = 1
    at_once: int | None = None

    @property
    def rows(self) -> int:
        """Total number of replies."""
        return self.prompts * self.replies


@final
@dataclass(frozen=True, kw_only=True)
class Machine:
    """Peak performance: operations a second in large matrix products, and bytes a second."""

    name: str
    operations: float
    bandwidth: float


@final
@dataclass(frozen=True, kw_only=True)
class Work:
    """The work of one phase: additions and multiplications, and bytes read and written."""

    phase: str
    operations: float
    moved: float

    def seconds(self, machine: Machine) -> float:
        """The minimal time.

        Example:
            >>> machine = Machine(name="slow", operations=100.0, bandwidth=10.0)
            >>> Work(phase="a", operations=200, moved=30).seconds(machine)
            3.0
        """
        return max(self.operations / machine.operations, self.moved / machine.bandwidth)


def reading(shape: Shape, step: Step, *, once_a_prompt: bool) -> Work:
    """The prefill: each prompt is read once (its replies share keys and values), or once for every reply."""
    n = step.prompts if once_a_prompt else step.rows
    linear = shape.body + (shape.adapters(step.lora) if step.lora else 0)
    a_prompt = 2 * step.prompt_tokens * linear + shape.attention(step.prompt_tokens)
    kept = n * step.prompt_tokens * shape.kv_bytes(step.width)
    return Work(
        phase="reading prompts" + (", once each" if once_a_prompt else ", once a reply"),
        operations=n * (a_prompt + 2 * shape.head),
        moved=step.width * shape.n_weights + kept,
    )


def sampling(shape: Shape, step: Step, *, static: bool = False) -> Work:
    """Decoding: one token of every reply at a time; the first comes from the prefill.

    Each token reads the weights once, and the keys and values of every reply so far: all of a fixed-length
    cache if it is `static`.
    """
    n, before = step.reply_tokens - 1, step.prompt_tokens
    linear = shape.body + shape.head + (shape.adapters(step.lora) if step.lora else 0)
    seen = n * (before + step.reply_tokens) if static else n * before + n * (n + 1) // 2
    batches = -(-step.rows // (step.at_once or step.rows))
    cache = step.rows * (seen + n) * shape.kv_bytes(step.width)  # reads, and one write
    return Work(
        phase="sampling",
        operations=step.rows * (2 * n * linear + shape.attention(n, before)),
        moved=n * batches * step.width * shape.n_weights + cache,
    )


def update(shape: Shape, step: Step) -> Work:
    """Forward and backward over the replies.

    Backward costs one forward for the gradients of the activations, and another for those of the weights,
    which LoRA's base does not need. Logits are computed for the replies' tokens only.
    """
    rows = step.rows * step.learned / (1 - step.padding)
    length = step.prompt_tokens + step.reply_tokens
    again = int(step.checkpointing)
    passes = 2 if step.lora else 3
    linear = (
        2 * length * shape.body * (passes + again) + 2 * step.reply_tokens * shape.head * passes
    )
    adapters = 2 * length * shape.adapters(step.lora) * (3 + again) if step.lora else 0
    attention = shape.attention(length) * (3 + again)
    weights = step.width * shape.n_weights * (passes + again) * step.updates
    inputs = shape.layers * shape.hidden * step.width * length
    saved = inputs if step.checkpointing else saved_bytes(shape, lora=step.lora) * length
    return Work(
        phase="update",
        operations=rows * (linear + adapters + attention),
        moved=weights + 2 * rows * saved,  # written in forward, read in backward
    )


def optimizer(shape: Shape, step: Step) -> Work:
    """AdamW in float32: weight, gradient and two moments are read; all but the gradient are written."""
    tuned = shape.adapters(step.lora) if step.lora else shape.n_weights
    return Work(
        phase="optimizer", operations=12 * tuned * step.updates, moved=28 * tuned * step.updates
    )


def phases(shape: Shape, step: Step) -> list[Work]:
    """All phases of a step, in order, with each prompt read once."""
    return [
        reading(shape, step, once_a_prompt=True),
        sampling(shape, step),
        update(shape, step),
        optimizer(shape, step),
    ]


def saved_bytes(shape: Shape, *, lora: int | None) -> float:
    """Bytes of activations per token without checkpointing; `SAVED`, scaled by a block's widths."""
    there = SAVED["lora" if lora else "full"]
    return shape.layers * there * _widths(shape) / _widths(SMOLLM2)


def _widths(shape: Shape) -> int:
    return shape.hidden + shape.intermediate
