"""What is scored? A trunk of tokens with branches that leave it at cuts.

A chain of reasoning is the trunk. At each place where it could have been broken off, a branch says
what would come next: an elicitation and an answer, a changed step with all that follows, filler.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from twofold.errors import ModelError


@final
@dataclass(frozen=True)
class Branch:
    """Tokens that follow the first `cut` tokens of a trunk.

    Args:
        cut: How many tokens of the trunk stand before the branch, from 0.
        ids: The branch's token ids, at least one that is scored.
        given: How many of `ids` are only conditioned on (an elicitation); the others are scored.
        stops: Tokens of which any one may come next, scored together as one more token: where an
            answer may be closed by `}` as well as by `}.`, which of them is no matter.

    Raises:
        ModelError: If nothing is scored, or the first scored token has nothing before it.

    Example:
        >>> Branch(3, (7, 8, 9), given=1).n_scored
        2
    """

    cut: int
    ids: tuple[int, ...]
    given: int = 0
    stops: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.cut < 0 or not 0 <= self.given < len(self.ids):
            raise ModelError(
                f"a branch of {len(self.ids)} tokens at cut {self.cut}, {self.given} of them given, "
                "scores nothing; cuts count from 0, and at least one token is left to score"
            )
        if self.cut + self.given == 0:
            raise ModelError(
                "the first token of a branch at cut 0 follows nothing, so it has no probability; "
                "start the trunk with the prompt, or give the branch's first token"
            )

    @property
    def n_scored(self) -> int:
        """How many tokens get a log-probability, the stop among them."""
        return len(self.ids) - self.given + bool(self.stops)


@final
@dataclass(frozen=True)
class Tree:
    """A trunk and its branches.

    Args:
        trunk: Token ids of prompt and chain.
        branches: What is asked at its cuts.

    Raises:
        ModelError: If a cut lies behind the trunk's end.

    Example:
        >>> Tree((5, 6, 7), (Branch(1, (8,)), Branch(2, (9, 9)))).reach
        2
    """

    trunk: tuple[int, ...]
    branches: tuple[Branch, ...]

    def __post_init__(self) -> None:
        if self.reach > len(self.trunk):
            raise ModelError(
                f"a branch leaves the trunk at {self.reach}, which has {len(self.trunk)} tokens; cuts "
                "count the trunk's tokens before the branch"
            )

    @property
    def reach(self) -> int:
        """How much of the trunk any branch stands on."""
        return max((branch.cut for branch in self.branches), default=0)

    @property
    def n_tokens(self) -> int:
        """Tokens that one pass reads: the trunk once, and every branch."""
        return self.reach + sum(len(branch.ids) for branch in self.branches)

    @property
    def n_longest(self) -> int:
        """The longest sequence that is read: a branch with all that stands before it."""
        return max((branch.cut + len(branch.ids) for branch in self.branches), default=0)


@final
@dataclass(frozen=True)
class Scored:
    """What the network says of a branch.

    Args:
        logprobs: Log-probability of each scored token given all before it, nats, shape `(scored,)`.
        greedy: The token that the network itself would have put there, shape `(scored,)`.
    """

    logprobs: NDArray[np.float64]
    greedy: NDArray[np.int64]

    @property
    def total(self) -> float:
        """Log-probability of the whole branch, nats."""
        return float(self.logprobs.sum())
