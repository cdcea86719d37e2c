"""How does a network read vectors that stand for no token? As ids behind its vocabulary.

A soft token is a vector in the place of a token's embedding. Here it has an id from the size of the
vocabulary on, so everything that handles ids handles it: padding, masks, equal prompts that are read once.
The embedding alone must know, and only while `soft_tokens` is open. Gradients reach the vectors.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def soft_tokens(network: Any, vectors_SD: torch.Tensor | None) -> Iterator[None]:
    """Have `network` read the id `vocabulary + s` as the vector `s`, inside the `with` block.

    Args:
        network: Any network of transformers.
        vectors_SD: One row a soft token, as wide as the embeddings; None = there are none.

    Raises:
        ValueError: If the rows are not as wide as the embeddings.

    Example:
        >>> from twofold.models import resolve
        >>> network = resolve("pocket").network
        >>> n, width = network.get_input_embeddings().weight.shape
        >>> with torch.no_grad(), soft_tokens(network, network.get_input_embeddings().weight[7:8]):
        ...     same = network(torch.tensor([[1, n]])).logits == network(torch.tensor([[1, 7]])).logits
        >>> bool(same.all())
        True
    """
    if vectors_SD is None or not len(vectors_SD):
        yield
        return
    embedding = network.get_input_embeddings()
    n_known, width = embedding.weight.shape
    if vectors_SD.shape[1] != width:
        raise ValueError(f"a soft token has {vectors_SD.shape[1]} numbers, an embedding {width}")
    seen: list[torch.Tensor] = []

    def hide(_: torch.nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
        ids = given[0]
        seen.append(ids)
        return (ids.masked_fill(ids >= n_known, 0), *given[1:])

    def show(_: torch.nn.Module, __: tuple[Any, ...], embedded: torch.Tensor) -> torch.Tensor:
        ids = seen.pop()
        soft = ids >= n_known
        if not bool(soft.any()):
            return embedded
        rows = vectors_SD[ids[soft] - n_known].to(embedded)
        return embedded.masked_scatter(soft[..., None], rows)

    hooks = (
        embedding.register_forward_pre_hook(hide),
        embedding.register_forward_hook(show, prepend=True),
    )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
