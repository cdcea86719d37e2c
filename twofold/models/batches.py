"""Which replies are generated together?

Floating point makes a reply depend a little on its neighbours in the batch. So the plan is made
once, from all the work, and depends on nothing else: not on what is already done, not on which
process does it. A resumed run and a run shared out over processes then meet the same batches, and
give the same replies bit for bit.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

Item = tuple[int, int]
"""One reply to be made: (prompt index, sample index)."""

SHAPE = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
)
"""What `capacity_of` wants to know of a model, by the names that its configuration answers to."""

_CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")


@final
@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How much fits into the device's memory at once.

    Args:
        max_rows: Rows of a batch beyond which nothing is won.
        n_bytes: Memory for everything but the weights, in bytes.
        bytes_per_token: What a token of a row costs.
        bytes_per_row: What a row costs whatever its length (its logits).

    Example:
        >>> room = Capacity(max_rows=16, n_bytes=1000, bytes_per_token=1, bytes_per_row=50)
        >>> room.rows(200), room.rows(5000)
        (4, 1)
    """

    max_rows: int
    n_bytes: int
    bytes_per_token: int
    bytes_per_row: int

    def rows(self, n_tokens: int) -> int:
        """How many rows of `n_tokens` tokens, prompt and reply, go together; at least 1."""
        fit = self.n_bytes // (n_tokens * self.bytes_per_token + self.bytes_per_row)
        return max(1, min(self.max_rows, fit))


def plan(
    lengths: Sequence[int], *, n: int, max_tokens: int, capacity: Capacity
) -> list[tuple[Item, ...]]:
    """Every reply's place in a batch.

    Prompts of like length go together, so that little is padded; the longest come first, so that
    a lack of memory shows at once. How long replies will be is not known beforehand.

    Args:
        lengths: Tokens of each prompt.
        n: Samples a prompt.
        max_tokens: Token budget of a reply.
        capacity: What fits at once.

    Returns:
        Batches that hold each (prompt, sample) once.

    Example:
        >>> room = Capacity(max_rows=2, n_bytes=10**6, bytes_per_token=1, bytes_per_row=1)
        >>> plan([3, 9, 5], n=1, max_tokens=4, capacity=room)
        [((1, 0), (2, 0)), ((0, 0),)]
    """
    by_length = sorted(range(len(lengths)), key=lambda p: (-lengths[p], p))
    items = [(p, g) for p in by_length for g in range(n)]
    batches = []
    start = 0
    while start < len(items):
        longest = lengths[items[start][0]]
        stop = start + capacity.rows(longest + max_tokens)
        batches.append(tuple(items[start:stop]))
        start = stop
    return batches


SMALL = 2**30
"""Weights below this, in bytes, are small for a CPU: 64 rows at once make 1.4 times the replies a second
that 16 do, of the pocket model as of SmolLM2. Of larger ones 16 go together, so that a run that is killed
loses minutes."""


def capacity_of(
    shape: Mapping[str, int | None], *, n_weight_bytes: int, device_bytes: int, on_gpu: bool
) -> Capacity:
    """Estimate what fits beside the weights, from the shape of a transformer.

    A token costs its keys and values in every layer (half as much again, for the copy made when
    they grow) and, while the prompt is read, the widest activations of one layer. It is only a
    start: a batch that turns out too big is halved.

    Args:
        shape: The names in `SHAPE`; None where an architecture has no such thing.
        n_weight_bytes: Size of the weights.
        device_bytes: Memory of the device in all, *not* what is free just now, which would make
            the plan differ from run to run.
        on_gpu: The device is a GPU, which we have to ourselves; a CPU's memory is shared.
    """
    width, item = shape["hidden_size"] or 1, 2 if on_gpu else 4
    heads = shape["num_attention_heads"] or 1
    head_width = shape["head_dim"] or width // heads
    kv_width = (shape["num_key_value_heads"] or heads) * head_width
    kv_bytes = 2 * (shape["num_hidden_layers"] or 1) * kv_width * item
    activations = 3 * (shape["intermediate_size"] or 4 * width) * item
    share = 0.8 if on_gpu else 0.4
    return Capacity(
        max_rows=512 if on_gpu else 64 if n_weight_bytes < SMALL else 16,
        n_bytes=max(int(share * device_bytes) - n_weight_bytes, device_bytes // 10),
        bytes_per_token=kv_bytes * 3 // 2 + activations,
        bytes_per_row=40 * (shape["vocab_size"] or 1),  # logits, sorted copy and order, noise
    )


def main_memory_bytes() -> int:
    """The machine's memory in bytes, or what the container may use of it if that is less."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _CGROUP_LIMIT.read_text().strip() if _CGROUP_LIMIT.exists() else "max"
    return min(total, int(limit)) if limit.isdigit() else total
