"""How much does each term of RLAG's loss count? Every term has a switch."""

from typing import Annotated, final

from pydantic import Field, NonNegativeFloat
from pydantic.dataclasses import dataclass

from twofold.validation import SETTINGS


@final
@dataclass(frozen=True, kw_only=True, config=SETTINGS)
class Weights:
    """The weights, clips and switches of the loss; see `twofold.methods.rlag.loss`.

    The defaults without a remark are the published ones.

    Args:
        knowledge: Of the passages' log-probability; 0 = off.
        augmented: Of the augmented reply's; 0 = off.
        naive: Of the naive reply's, which is pushed down; 0 = off.
        knowledge_if_same: Of the passages where there is nothing to prefer, and both replies count
            nothing; None = the same weights everywhere (no dynamic weights).
        gamma: The margin; with 8 the loss is linear, with 1 or less the weight of a question falls
            when its preference is learned.
        clip_augmented: The highest log-probability that the augmented reply is rewarded for, nats,
            at most 0; None = no clip.
        clip_naive: The lowest down to which the naive reply is pushed, nats, at most 0; None = no clip.
        length_normalised: Log-probabilities a token; False = of whole texts.
        distil: Of the augmented reply's log-probability without the passages (context distillation),
            which the published loss never raises; 0 = off, as published.
        replay: Of the old replies' log-probability, where `replay` names problems; 0 = off.
    """

    knowledge: NonNegativeFloat = 0.2
    augmented: NonNegativeFloat = 0.5
    naive: NonNegativeFloat = 0.5
    knowledge_if_same: NonNegativeFloat | None = 0.5
    gamma: float = 0.8
    clip_augmented: Annotated[float, Field(le=0)] | None = -0.2
    clip_naive: Annotated[float, Field(le=0)] | None = -5.0
    length_normalised: bool = True
    distil: NonNegativeFloat = 0.0
    replay: NonNegativeFloat = 1.0

    def are_off(self, *, replays: bool) -> bool:
        """Whether no term counts, for any question; `replays`: whether there are old replies."""
        terms = (self.knowledge, self.augmented, self.naive, self.distil, self.knowledge_if_same)
        return not any(terms) and not (replays and self.replay)

    def uses_replies(self, *, same: bool) -> bool:
        """Whether the two replies count for a question."""
        return not (same and self.knowledge_if_same is not None)

    def of_passages(self, *, same: bool) -> float:
        """The weight of the passages for a question."""
        if same and self.knowledge_if_same is not None:
            return self.knowledge_if_same
        return self.knowledge
