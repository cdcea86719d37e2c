"""How is a token sampled independently of the rest of the batch?

Adding Gumbel noise to log-probabilities and taking the largest is an exact sample. Each row has its
own generator, seeded by the run's seed, the prompt's text and the sample index, so a reply does not
depend on batch, process or order (except for ties decided by floating point).
"""

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
    """The seed of one reply's noise, 63 bits, from the run's seed, the rendered prompt and the sample."""
    digest = hashlib.sha256(f"{seed}/{sample}/{prompt}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def samplers(sampling: Sampling, generators: Sequence[torch.Generator]) -> LogitsProcessorList:
    """The processors for `generate(do_sample=False)` whose largest score is the sampled token.

    Greedy decoding needs none. There is one generator per row, on the device of the logits.
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
    """Adds each row's own Gumbel noise, so that the largest score is an exact sample.

    Source:
        Gumbel 1954; Maddison et al. 2014, "A* Sampling", https://arxiv.org/abs/1411.0030, section 2.
        The negative log of an exponential variable is a Gumbel variable.
    """

    def __init__(self, generators: Sequence[torch.Generator]) -> None:
        self._generators = generators

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """The noisy scores, shape (rows, vocabulary)."""
        noise = torch.empty_like(scores)
        for row, generator in zip(noise, self._generators, strict=True):
            row.exponential_(generator=generator)
        return scores - noise.log_()
