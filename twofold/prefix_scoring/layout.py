"""Which token attends to which? The layout of one pass over trunks and branches.

For each tree a pass reads a row of tokens: the trunk (unless its keys and values are cached), then
the branches one after another. A branch token attends to the trunk up to its cut and to its own
branch up to itself; its position continues from the cut. The mask must be additive: the eager kernel
adds a boolean mask as 0 and 1, and without a mask transformers takes a jump in the positions for
another packed sequence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.prefix_scoring.tree import Branch

Ints = NDArray[np.int64]
_TRUNK, _PADDING = -1, -2
STOP = -1
_NEVER = np.iinfo(np.int64).max


@final
@dataclass(frozen=True)
class PackedRow:
    """One tree's tokens in a pass.

    Args:
        ids: Token ids, shape `(tokens,)`.
        position: Position of each token in its sequence.
        limit: Number of trunk tokens that each token attends to.
        segment: Index of its branch; `_TRUNK` for the trunk.
        source: For each scored token: the index in the row of the logits that predict it; negative
            = `~index` in the cached trunk.
        target: The scored token; `STOP` for any of its branch's stops.
        stops: The stops of the branches, in the order of their `STOP`s.
    """

    ids: Ints
    position: Ints
    limit: Ints
    segment: Ints
    source: Ints
    target: Ints
    stops: tuple[tuple[int, ...], ...] = ()


def row(trunk: Sequence[int], branches: Sequence[Branch]) -> PackedRow:
    """Lay out `branches` after `trunk`; an empty trunk is cached from an earlier pass.

    Example:
        >>> laid = row([], [Branch(2, (7, 8), given=1), Branch(1, (9,))])
        >>> laid.position.tolist(), laid.limit.tolist(), laid.segment.tolist()
        ([2, 3, 1], [2, 2, 1], [0, 0, 1])
        >>> laid.source.tolist()  # 8 follows 7 at place 0; 9 follows the trunk's token 0
        [0, -1]
    """
    tokens = [(i, place, place + 1, _TRUNK) for place, i in enumerate(trunk)]
    scored: list[tuple[int, int]] = []
    for number, branch in enumerate(branches):
        start = len(tokens)
        before = branch.cut - 1 if trunk else ~(branch.cut - 1)
        tokens += [(i, branch.cut + j, branch.cut, number) for j, i in enumerate(branch.ids)]
        for j in range(branch.given, len(branch.ids)):
            scored.append((start + j - 1 if j else before, branch.ids[j]))
        if branch.stops:
            scored.append((len(tokens) - 1, STOP))
    ids, position, limit, segment = np.array(tokens, dtype=np.int64).reshape(-1, 4).T
    source, target = np.array(scored, dtype=np.int64).reshape(-1, 2).T
    stops = tuple(branch.stops for branch in branches if branch.stops)
    return PackedRow(ids, position, limit, segment, source, target, stops)


def padded(rows: Sequence[PackedRow], what: str, fill: int = 0) -> Ints:
    """One field of all rows, padded on the right, shape `(rows, longest)`."""
    fields = [getattr(each, what) for each in rows]
    out = np.full((len(rows), max(map(len, fields))), fill, dtype=np.int64)
    for into, values in zip(out, fields, strict=True):
        into[: len(values)] = values
    return out


def sees(rows: Sequence[PackedRow], n_kept: int) -> NDArray[np.bool_]:
    """The attention mask of a pass, shape `(rows, tokens, n_kept + tokens)`.

    `n_kept` is the number of cached trunk tokens, including padding.

    Example:
        >>> laid = row([], [Branch(2, (7, 8), given=1), Branch(1, (9,))])
        >>> sees([laid], 3)[0].astype(int).tolist()
        [[1, 1, 0, 1, 0, 0], [1, 1, 0, 1, 1, 0], [1, 0, 0, 0, 0, 1]]
    """
    limit, segment = padded(rows, "limit"), padded(rows, "segment", _PADDING)
    n_rows, n_tokens = limit.shape
    place = np.arange(n_tokens)
    is_trunk = segment == _TRUNK
    kept = np.broadcast_to(np.arange(n_kept), (n_rows, n_kept))
    trunk_index = np.concatenate([kept, np.where(is_trunk, place, _NEVER)], axis=1)
    in_trunk = trunk_index[:, None, :] < limit[:, :, None]
    same = (segment[:, :, None] == segment[:, None, :]) & ~is_trunk[:, :, None]
    in_branch = same & (place[None, :, None] >= place[None, None, :])
    in_trunk[:, :, n_kept:] |= in_branch
    return in_trunk
