"""What do a few tokens of the tuned model do to the base's reply? They are drawn where a gate fires."""

from dataclasses import dataclass
from typing import ClassVar, final

from twofold.diagnostics.elicitation.hybrid.actions import TakeTuned
from twofold.diagnostics.elicitation.hybrid.routed import Routed
from twofold.diagnostics.elicitation.hybrid.routed_decode import Route
from twofold.errors import ModelError


@final
@dataclass(frozen=True, eq=False)
class CrossSampling(Routed):
    """The base, with the tuned model's token wherever the gate fires and the budget allows.

    It is also the token-injection arm of a hybrid: the ceiling of what its gate can reach without a vector.

    Args:
        base: The model that writes.
        tuned: The model whose tokens are inserted.
        gate: Where.
        budget: How many at most.

    Source:
        Cross-sampling of arXiv 2603.22446; the gate by Jensen-Shannon divergence is ours.

    Example:
        >>> from twofold.diagnostics.elicitation.hybrid.gates import AtRandom
        >>> from twofold.models import resolve
        >>> pocket = resolve("pocket")
        >>> print(CrossSampling(pocket, pocket, AtRandom(rate=0.1)).spec)
        cross_sampling(pocket)
    """

    name: ClassVar[str] = "cross_sampling"

    def __post_init__(self) -> None:
        if self.tuned is None:
            raise ModelError("cross_sampling inserts another model's tokens; add `tuned`")
        super().__post_init__()

    def route(self) -> Route:
        """The gate, and the tuned model's token."""
        assert self.gate is not None
        return Route(self.gate, TakeTuned(), self.budget)
