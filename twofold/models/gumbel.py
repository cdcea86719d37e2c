"""How is a token drawn so that the draw does not depend on who else is in the batch?

Adding Gumbel noise to log-probabilities and taking the largest is an exact draw from them. Each
row has a generator of its own, seeded by the run's seed, the prompt's text and the sample index,
so a reply is the same whatever batch, process or order it was made in (but for ties that floating
point decides).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from transformers import (
    LogitsProcessor,
    LogitsProcessorList,
    TemperatureLogitsWarper,
    TopPLogitsWarper,
)

from twofold.types import Sampling


def row_seed(seed: int, prompt: str, sample: int) -> int:
    """The seed of one reply's noise: 63 bits of a hash of all that may decide it.

    Args:
        seed: The run's seed.
        prompt: The rendered prompt.
        sample: The sample index.

    Example:
        >>> row_seed(0, "a", 1) == row_seed(0, "a", 1) != row_seed(0, "a", 2)
        True
    """
    digest = hashlib.sha256(f"{seed}/{sample}/{prompt}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def samplers(sampling: Sampling, generators: Sequence[torch.Generator]) -> LogitsProcessorList:
    """What turns logits into scores whose largest is the drawn token.

    Args:
        sampling: Temperature 0 gives an empty list: the largest logit is the greedy choice.
        generators: One a row, on the logits' device.

    Returns:
        Processors for `generate(do_sample=False)`.
    """
    processors = LogitsProcessorList()
    if sampling.temperature == 0:
        return processors
    if sampling.temperature != 1:
        processors.append(TemperatureLogitsWarper(sampling.temperature))
    if sampling.top_p < 1:
        processors.append(TopPLogitsWarper(sampling.top_p))
    processors.append(GumbelNoise(generators))
    return processors


class GumbelNoise(LogitsProcessor):
    """Adds a row's own Gumbel noise, so that the largest score is an exact draw.

    Args:
        generators: One a row; each is advanced by one vocabulary a step.

    Source:
        Gumbel 1954; Maddison et al. 2014, "A* Sampling", https://arxiv.org/abs/1411.0030, section 2.
        The negative log of an exponential variable is a Gumbel variable.
    """

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        self._generators = generators

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """LabelNoiseJudge scores, shape (rows, vocabulary)."""
        noise = torch.empty_like(scores)
        for row, generator in zip(noise, self._generators, strict=True):
            row.exponential_(generator=generator)
        return scores - noise.log_()
