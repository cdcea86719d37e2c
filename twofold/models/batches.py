"""Which replies are generated in one batch?

Floating point makes a reply depend slightly on its batch. So the batches are planned from all the
work, independently of what is already done and of the process: a resumed or distributed run forms
the same batches and gives bit-identical replies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, final

from twofold.models.memory import available_bytes

SampleKey = tuple[int, int]  # one reply: (prompt index, sample index)

# The fields of a model's configuration that `capacity_of` needs.
SHAPE = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "head_dim",
    "vocab_size",
)


@final
@dataclass(frozen=True, kw_only=True)
class Capacity:
    """How many rows fit into the device's memory (`n_bytes` besides the weights), at most `max_rows`.

    Example:
        >>> room = Capacity(max_rows=16, n_bytes=1000, bytes_per_token=1, bytes_per_row=50)
        >>> room.rows(200), room.rows(5000), room.needed(4, 200)
        (4, 1, 1000)
    """

    max_rows: int
    n_bytes: int
    bytes_per_token: int
    bytes_per_row: int

    def rows(self, n_tokens: int) -> int:
        """How many rows of `n_tokens` tokens (prompt and reply) fit; at least 1."""
        return max(1, min(self.max_rows, self.n_bytes // self.needed(1, n_tokens)))

    def needed(self, n_rows: int, n_tokens: int) -> int:
        """How many bytes a batch needs besides the weights."""
        return n_rows * (n_tokens * self.bytes_per_token + self.bytes_per_row)


class PlannedRow(NamedTuple):
    """One prompt of a batch: its token ids, the seed of its noise, and its limit of new tokens."""

    ids: tuple[int, ...]
    seed: int
    limit: int

    @property
    def most(self) -> int:
        """The most tokens that prompt and reply can have."""
        return len(self.ids) + self.limit


def planned_row(
    ids: tuple[int, ...], *, seed: int, max_tokens: int, window: int | None, n_known: int
) -> PlannedRow | str:
    """The row of a prompt, or why it cannot be answered.

    Args:
        ids: The prompt.
        seed: See `gumbel.row_seed`.
        max_tokens: The budget of the reply; the context may leave less.
        window: The context's length in tokens; None = unknown.
        n_known: How many tokens the network has embeddings for.

    Example:
        >>> planned_row((1, 2, 3), seed=0, max_tokens=9, window=3, n_known=9)
        "the prompt has 3 tokens and the model's context has 3; shorten the prompt"
    """
    if max(ids) >= n_known:
        return (
            f"the prompt has the token {max(ids)} and the network has embeddings for {n_known}; take the "
            "tokenizer that belongs to these weights"
        )
    limit = max_tokens if window is None else min(max_tokens, window - len(ids))
    if limit < 1:
        return f"the prompt has {len(ids)} tokens and the model's context has {window}; shorten the prompt"
    return PlannedRow(ids=ids, seed=seed, limit=limit)


def shortage(rows: Sequence[PlannedRow], capacity: Capacity) -> str:
    """By how much a batch exceeds the main memory that is left now; "" if it fits."""
    needed = capacity.needed(len(rows), max(row.most for row in rows))
    left = available_bytes()
    return f"it may need {needed:,} bytes, and {left:,} are left" if needed > left else ""


def plan(
    lengths: Sequence[int], *, n: int, max_tokens: int, capacity: Capacity
) -> list[tuple[SampleKey, ...]]:
    """The batches, each a tuple of (prompt, sample); every reply is in exactly one.

    Prompts of similar length go together, to save padding; the longest come first, so that a lack
    of memory shows at once.

    Example:
        >>> room = Capacity(max_rows=2, n_bytes=10**6, bytes_per_token=1, bytes_per_row=1)
        >>> plan([3, 9, 5], n=1, max_tokens=4, capacity=room)
        [((1, 0), (2, 0)), ((0, 0),)]
    """
    by_length = sorted(range(len(lengths)), key=lambda p: (-lengths[p], p))
    items = [(p, g) for p in by_length for g in range(n)]
    batches = []
    while items:
        n_rows = capacity.rows(lengths[items[0][0]] + max_tokens)
        batches.append(tuple(items[:n_rows]))
        items = items[n_rows:]
    return batches


# Weights below this (in bytes) are small for a CPU: 64 rows at once give 1.4 times the replies per
# second of 16. Larger models use 16, so that a killed run loses only minutes.
SMALL = 2**31


def capacity_of(
    shape: Mapping[str, int | None], *, n_weight_bytes: int, device_bytes: int, on_gpu: bool
) -> Capacity:
    """Estimate what fits beside the weights, from the fields of `SHAPE` (None = unknown).

    A token needs its keys and values in every layer (times 1.5, for the copy when they grow) and the
    widest activations of one layer. `device_bytes` is the total memory, not the free memory, which
    would make the plan differ between runs. A CPU's memory is shared, a GPU's is not.
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
