"""What is scored? A trunk of tokens with branches that leave it at cuts.

The trunk is a chain of reasoning. A branch is a continuation from one of its steps: an elicited
answer, a changed step with its continuation, or filler.
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
        cut: Number of trunk tokens before the branch.
        ids: The branch's token ids, of which at least one is scored.
        given: Number of `ids` that are only conditioned on (an elicitation).
        stops: Alternatives for one more token, scored together: an answer may be closed by `}` as
            well as by `}.`.

    Raises:
        ModelError: If nothing is scored, or the first scored token has nothing before it.
    """

    cut: int
    ids: tuple[int, ...]
    given: int = 0
    stops: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.cut < 0 or not 0 <= self.given < len(self.ids):
            raise ModelError(
                f"a branch of {len(self.ids)} tokens at cut {self.cut}, {self.given} of them given, "
                "scores nothing; cuts count from 0, and at least one token must be left to score"
            )
        if self.cut + self.given == 0:
            raise ModelError(
                "the first token of a branch at cut 0 follows nothing, so it has no probability; "
                "start the trunk with the prompt, or give the branch's first token"
            )

    @property
    def n_scored(self) -> int:
        """How many tokens get a log-probability, including the stop."""
        return len(self.ids) - self.given + bool(self.stops)


@final
@dataclass(frozen=True)
class Tree:
    """A trunk (token ids of prompt and chain) and its branches."""

    trunk: tuple[int, ...]
    branches: tuple[Branch, ...]

    def __post_init__(self) -> None:
        if self.reach > len(self.trunk):
            raise ModelError(
                f"a branch leaves the trunk at {self.reach}, which has {len(self.trunk)} tokens; lower cut"
            )

    @property
    def reach(self) -> int:
        """The largest cut."""
        return max((branch.cut for branch in self.branches), default=0)

    @property
    def n_tokens(self) -> int:
        """Tokens in one pass: the trunk once, and all branches."""
        return self.reach + sum(len(branch.ids) for branch in self.branches)

    @property
    def n_longest(self) -> int:
        """The longest sequence: a branch with the trunk before it."""
        return max((branch.cut + len(branch.ids) for branch in self.branches), default=0)


@final
@dataclass(frozen=True)
class Scored:
    """The scores of a branch.

    Args:
        logprobs: Log-probability of each scored token given all before it, nats, shape `(scored,)`.
        greedy: The network's most likely token at each place, shape `(scored,)`.
    """

    logprobs: NDArray[np.float64]
    greedy: NDArray[np.int64]

    @property
    def total(self) -> float:
        """Log-probability of the whole branch, nats."""
        return float(self.logprobs.sum())

    def furthest(self, other: Scored) -> float:
        """The largest difference in log-probability from another scoring of the same branch, nats."""
        return float(np.abs(self.logprobs - other.logprobs).max())
