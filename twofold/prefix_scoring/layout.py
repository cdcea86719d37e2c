"""Which token is read once for several branches, and which tokens does it see?

A pass reads a row of tokens. Tokens that follow the same tokens are one token of the row: those of the
trunk, and those that branches share, such as an elicitation before two answers. A token after which
nothing is scored is not read. Each token sees what leads to it and nothing else, and its position counts
from there. The mask must be additive: the eager kernel
adds a boolean mask as 0 and 1, and without a mask transformers takes a jump in the positions for
another packed sequence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.prefix_scoring.tree import Branch

Ints = NDArray[np.int64]
STOP = -1


@final
@dataclass(frozen=True)
class Row:
    """The tokens of a pass. Places count the cached tokens of the trunk first, then those of the row.

    Args:
        n_cached: Number of trunk tokens that an earlier pass has read.
        ids: Token ids, shape `(tokens,)`.
        before: The place of the token that each one follows; -1 for none.
        source: For each scored token, branch after branch: the place whose logits predict it.
        target: The scored token; `STOP` for any of its branch's stops.
        stops: The stops of the branches, in the order of their `STOP`s.
    """

    n_cached: int
    ids: Ints
    before: Ints
    source: Ints
    target: Ints
    stops: tuple[tuple[int, ...], ...]

    @property
    def position(self) -> Ints:
        """The position of each token in its sequence.

        Example:
            >>> row([5, 6], [Branch(2, (7, 8, 9)), Branch(1, (9, 9))], n_cached=2).position.tolist()
            [2, 3, 1]
        """
        found: list[int] = []
        for before in self.before.tolist():
            is_old = before < self.n_cached
            found.append(1 + (before if is_old else found[before - self.n_cached]))
        return np.array(found, dtype=np.int64)

    def sees(self) -> NDArray[np.bool_]:
        """The attention mask, shape `(tokens, n_cached + tokens)`.

        Example:
            >>> branches = [Branch(2, (7, 8, 1)), Branch(2, (7, 9, 1)), Branch(1, (9, 1))]
            >>> row([5, 6], branches, n_cached=2).sees().astype(int)
            array([[1, 1, 1, 0, 0, 0],
                   [1, 1, 1, 1, 0, 0],
                   [1, 1, 1, 0, 1, 0],
                   [1, 0, 0, 0, 0, 1]])
        """
        n = self.n_cached
        found = np.zeros((len(self.ids), n + len(self.ids)), dtype=np.bool_)
        for i, before in enumerate(self.before.tolist()):
            if before >= n:
                found[i] = found[before - n]
            else:
                found[i, : before + 1] = True
            found[i, n + i] = True
        return found


def row(trunk: Sequence[int], branches: Sequence[Branch], n_cached: int = 0) -> Row:
    """Lay out branches of a trunk, of which all tokens are cached from an earlier pass, or none.

    Example:
        >>> laid = row([5, 6], [Branch(2, (7, 8), given=1), Branch(2, (7, 9)), Branch(1, (6, 7))])
        >>> laid.ids.tolist(), laid.before.tolist()
        ([5, 6, 7], [-1, 0, 1])
        >>> laid.source.tolist(), laid.target.tolist()
        ([2, 1, 2, 0, 1], [8, 7, 9, 6, 7])
    """
    at = {(place - 1, token): place for place, token in enumerate(trunk)}
    tokens = [(token, place - 1) for place, token in enumerate(trunk)][n_cached:]
    scored: list[tuple[int, int]] = []
    for branch in branches:
        before = branch.cut - 1
        for j, token in enumerate(branch.ids):
            if j >= branch.given:
                scored.append((before, token))
            if j == len(branch.ids) - 1 and not branch.stops:
                continue
            if (before, token) not in at:
                at[before, token] = n_cached + len(tokens)
                tokens.append((token, before))
            before = at[before, token]
        if branch.stops:
            scored.append((before, STOP))
    ids, places = np.array(tokens, dtype=np.int64).reshape(-1, 2).T
    source, target = np.array(scored, dtype=np.int64).reshape(-1, 2).T
    stops = tuple(branch.stops for branch in branches if branch.stops)
    return Row(n_cached, ids, places, source, target, stops)


def pieces(branches: Sequence[Branch], most: int) -> Iterator[list[int]]:
    """Indices of branches in pieces of at most `most` tokens (or one branch), shared ones together.

    Example:
        >>> list(pieces([Branch(2, (7, 8, 9)), Branch(1, (5, 6)), Branch(2, (7, 8, 6))], 4))
        [[1], [2, 0]]
    """
    order = sorted(range(len(branches)), key=lambda i: (branches[i].cut, branches[i].ids))
    piece: list[int] = []
    size = 0
    for i in order:
        new = len(branches[i].ids)
        if piece:
            new -= _n_shared(branches[piece[-1]], branches[i])
            if size + new > most:
                yield piece
                piece, size, new = [], 0, len(branches[i].ids)
        piece.append(i)
        size += new
    if piece:
        yield piece


def _n_shared(one: Branch, other: Branch) -> int:
    """How many tokens two branches have in common."""
    pairs = zip(one.ids, other.ids, strict=False) if one.cut == other.cut else ()
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
