"""What does RLAG minimise? One number for each question, from the likelihoods of its texts.

Pure functions of tensors: who computes the likelihoods is in `twofold.methods.trl.rlag_trainer`.
"""

from dataclasses import dataclass
from typing import final

import torch
from torch.nn import functional

from twofold.methods.rlag.weights import Weights


@final
@dataclass(frozen=True, kw_only=True)
class Likelihoods:
    """Log-probabilities by question, nats a token (or a text, see `Weights.length_normalised`).

    All tensors have the shape `(questions,)`. A text that a question lacks, or whose weight is 0, has 0.

    Args:
        knowledge: Of the passages, alone.
        augmented: Of the augmented reply after question and passages.
        naive: Of the naive reply after the question.
        distilled: Of the augmented reply after the question alone.
        replayed: Of an old reply after its own question.
        same: Whether there is nothing to prefer: the model gives the augmented reply without help.
    """

    knowledge: torch.Tensor
    augmented: torch.Tensor
    naive: torch.Tensor
    distilled: torch.Tensor
    replayed: torch.Tensor
    same: torch.Tensor


def rlag_loss(found: Likelihoods, weights: Weights) -> torch.Tensor:
    """The loss of each question, shape `(questions,)`.

    With z, a, n the log-probabilities of passages, augmented and naive reply, a and n clipped:

        −log σ(β_z·z + β_a·min(a, −0.2) − β_n·max(n, −5) − γ)  −  δ·d  −  ρ·r

    Where there is nothing to prefer, β is (`knowledge_if_same`, 0, 0). d is the log-probability of the
    augmented reply without passages and r that of an old reply. No reference model is needed: the clips
    bound what can be gained, without which the naive reply is pushed down for ever.

    Args:
        found: The log-probabilities.
        weights: β, γ, δ, ρ and the clips.

    Source:
        RLAG, https://arxiv.org/abs/2509.20162, section 3: the first term, with the weights and clips of
        its public code. Departs: γ is 0.8, as in its scripts; with the 8 of its configuration the slope
        of log σ is above 0.99 everywhere, and the loss is linear. d and r are ours.

    Example:
        A question whose naive reply is as likely as it may still be pushed down (0.2·−1 + 0.5·−0.2
        − 0.5·−2 − 0.8 = −0.1):

        >>> one = lambda value: torch.tensor([value])
        >>> found = Likelihoods(knowledge=one(-1.0), augmented=one(-0.1), naive=one(-2.0),
        ...     distilled=one(-3.0), replayed=one(0.0), same=one(False))
        >>> [round(float(loss), 4) for loss in (rlag_loss(found, Weights()), torch.log1p(one(0.1).exp()))]
        [0.7444, 0.7444]
    """
    same = found.same if weights.knowledge_if_same is not None else torch.zeros_like(found.same)
    if_same = weights.knowledge if weights.knowledge_if_same is None else weights.knowledge_if_same
    zero = torch.zeros_like(found.knowledge)
    knowledge = torch.where(same, if_same, weights.knowledge)
    augmented = torch.where(same, zero, weights.augmented)
    naive = torch.where(same, zero, weights.naive)
    logit = (
        knowledge * found.knowledge
        + augmented * _bounded(found.augmented, high=weights.clip_augmented)
        - naive * _bounded(found.naive, low=weights.clip_naive)
        - weights.gamma
    )
    more = weights.distil * found.distilled + weights.replay * found.replayed
    return -functional.logsigmoid(logit) - more


def _bounded(
    values: torch.Tensor, *, low: float | None = None, high: float | None = None
) -> torch.Tensor:
    """The values within bounds, of which None is none; outside them they have no gradient."""
    return values if low is None and high is None else values.clamp(min=low, max=high)
