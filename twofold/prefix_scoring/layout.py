"""Which token sees which? The layout of one pass over trunks and branches, as numbers.

A pass reads, for each tree of a batch, a row of tokens: the trunk (unless its keys and values are
kept already), then branches one after another. A branch token sees the trunk up to its cut and its
own branch up to itself; its position counts on from the cut. The mask that says so is explicit and
additive: a boolean one is added as 0 and 1 by the eager kernel, and without one transformers takes
a jump of positions for another packed sequence.
"""

from __future__ import annotations

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
    """One tree's tokens of a pass.

    Args:
        ids: Token ids, shape `(tokens,)`.
        position: Where each stands in its sequence.
        limit: How many trunk tokens each one sees.
        segment: Which branch it belongs to; `_TRUNK` for the trunk.
        source: For each scored token of each branch, in order: where the logits that predict it
            stand in the row; negative = that many from the end of the kept trunk (`~(cut - 1)`).
        target: The token scored there; `STOP` for any of its branch's stops.
        stops: The stops of the branches, in order of their `STOP`s.
    """

    ids: Ints
    position: Ints
    limit: Ints
    segment: Ints
    source: Ints
    target: Ints
    stops: tuple[tuple[int, ...], ...] = ()


def row(trunk: Sequence[int], branches: Sequence[Branch]) -> PackedRow:
    """Lay out branches, behind `trunk` if it is read in this pass and not kept from an earlier one.

    Args:
        trunk: Its tokens; empty = they are kept.
        branches: In the order in which they are scored.

    Example:
        >>> laid = row([], [Branch(2, (7, 8), given=1), Branch(1, (9,))])
        >>> laid.position.tolist(), laid.limit.tolist(), laid.segment.tolist()
        ([2, 3, 1], [2, 2, 1], [0, 0, 1])
        >>> laid.source.tolist()  # 8 follows 7 at place 0; 9 follows the trunk's token 0
        [0, -1]
    """
    n = len(trunk)
    ids, position, limit = [*trunk], [*range(n)], [*range(1, n + 1)]
    segment = [_TRUNK] * n
    source: list[int] = []
    target: list[int] = []
    for number, branch in enumerate(branches):
        start = len(ids)
        ids.extend(branch.ids)
        position.extend(range(branch.cut, branch.cut + len(branch.ids)))
        limit.extend([branch.cut] * len(branch.ids))
        segment.extend([number] * len(branch.ids))
        for j in range(branch.given, len(branch.ids)):
            in_trunk = branch.cut - 1 if n else ~(branch.cut - 1)
            source.append(start + j - 1 if j else in_trunk)
            target.append(branch.ids[j])
        if branch.stops:
            source.append(len(ids) - 1)
            target.append(STOP)
    stops = tuple(branch.stops for branch in branches if branch.stops)
    return PackedRow(
        ids=_ints(ids),
        position=_ints(position),
        limit=_ints(limit),
        segment=_ints(segment),
        source=_ints(source),
        target=_ints(target),
        stops=stops,
    )


def _ints(values: Sequence[int]) -> Ints:
    return np.array(values, dtype=np.int64)


def padded(rows: Sequence[PackedRow], what: str, fill: int = 0) -> Ints:
    """One field of all rows side by side, filled up on the right, shape `(rows, longest)`."""
    fields = [getattr(each, what) for each in rows]
    out = np.full((len(rows), max(map(len, fields))), fill, dtype=np.int64)
    for into, values in zip(out, fields, strict=True):
        into[: len(values)] = values
    return out


def sees(rows: Sequence[PackedRow], n_kept: int) -> NDArray[np.bool_]:
    """What each token of a pass sees, shape `(rows, tokens, n_kept + tokens)`.

    Args:
        rows: The rows of the pass.
        n_kept: Trunk tokens that are kept from an earlier pass, padding included.

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
