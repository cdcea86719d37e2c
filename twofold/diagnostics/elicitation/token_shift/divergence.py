"""How far apart are two models at each token of a text? Sums over the whole vocabulary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, final

import torch
from torch.nn.functional import log_softmax, softplus

MOST_LOGITS = 2**22  # that are held in float32 at once, for each model


@final
class Shift(NamedTuple):
    """The numbers of a text's tokens, one a token.

    Args:
        rank: The rank of the token for the reader, 1 = its first choice.
        kl: Kullback-Leibler divergence of the reader from the author, in nats, at least 0.
        js: Jensen-Shannon divergence, in nats, from 0 to ln 2.
        author: The log-probability of the token for the author, in nats.
        reader: The same for the reader.
    """

    rank: list[int]
    kl: list[float]
    js: list[float]
    author: list[float]
    reader: list[float]


def shift(author_TV: torch.Tensor, reader_TV: torch.Tensor, ids_T: torch.Tensor) -> Shift:
    """Compare the model that wrote a text with one that reads it.

    Args:
        author_TV: Logits of the author at each token, shape (tokens, vocabulary), any float dtype.
        reader_TV: Those of the reader, of the same shape.
        ids_T: The tokens that were written, shape (tokens,).

    Returns:
        With author and reader the same logits, every divergence is exactly 0.

    Source:
        Lin et al. 2023, "The unlocking spell on base LLMs" (URIAL), arXiv 2312.01552, for the rank.
        Departs: the divergences are summed over the whole vocabulary, where the published code takes the
        first 50 tokens that both share, which drops terms and may be negative.

    Example:
        >>> sure, unsure = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0986123, 0.0]])
        >>> found = shift(sure, unsure, torch.tensor([1]))
        >>> found.rank, [round(each, 4) for each in found.kl]  # ln(1/2 / 3/4) / 2 + ln(1/2 / 1/4) / 2
        ([2], [0.1438])
    """
    found = Shift([], [], [], [], [])
    columns: list[list[Any]] = [*found]
    step = max(1, MOST_LOGITS // author_TV.shape[-1])
    for start in range(0, len(ids_T), step):
        part = slice(start, start + step)
        values = _compared(author_TV[part], reader_TV[part], ids_T[part])
        for into, column in zip(columns, values, strict=True):
            into.extend(column.tolist())
    return found


def _compared(
    author_TV: torch.Tensor, reader_TV: torch.Tensor, ids_T: torch.Tensor
) -> Iterator[torch.Tensor]:
    """The fields of `Shift` for a slice of the tokens."""
    author, reader = (log_softmax(each.float(), dim=-1) for each in (author_TV, reader_TV))
    said_T1 = ids_T[:, None]
    own_T1, other_T1 = author.gather(1, said_T1), reader.gather(1, said_T1)
    yield 1 + (reader > other_T1).sum(-1)
    p, q, apart = author.exp(), reader.exp(), reader - author
    yield _sum(p, -apart).clamp(min=0)
    # log p - log((p + q) / 2) = ln 2 - softplus(log q - log p), exactly 0 where both are the same
    half = softplus(torch.zeros(1, device=author.device))
    js = _sum(p, half - softplus(apart)) + _sum(q, half - softplus(-apart))
    yield (js / 2).clamp(min=0)
    yield own_T1[:, 0]
    yield other_T1[:, 0]


def _sum(weight_TV: torch.Tensor, value_TV: torch.Tensor) -> torch.Tensor:
    """The weighted sum over the vocabulary; a token without weight adds nothing, not even a NaN."""
    return torch.where(weight_TV > 0, weight_TV * value_TV, 0.0).sum(-1)
