"""Where does the base not say what the tuned model said? There a vector has something to learn.

Each such position is steered alone: it reads the unsteered keys and values of all before it, and its own.
All positions of a reply are one pass over the upper layers, by a mask.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, final

import torch
from transformers import DynamicCache

from twofold.diagnostics.elicitation.hybrid.categories import Labelling
from twofold.diagnostics.elicitation.hybrid.forced import Example, forced
from twofold.diagnostics.elicitation.hybrid.upper_layers import UpperLayers
from twofold.diagnostics.elicitation.hybrid.vectors import Vectors
from twofold.errors import ModelError
from twofold.randomness import rng_for

MOST = 64  # positions of a reply and category


@final
@dataclass(frozen=True, eq=False)
class Positions:
    """The disagreements in one reply.

    Args:
        id: The reply's name.
        hidden_TD: The steered layer's output at every token, unsteered.
        at_P: The places whose next token is another than the base's likeliest.
        token_P: The tokens that the tuned model wrote there.
        label_P: Their categories.
    """

    id: str
    hidden_TD: torch.Tensor
    at_P: torch.Tensor
    token_P: torch.Tensor
    label_P: torch.Tensor


def disagreements(
    networks: tuple[Any, Any],
    replies: Iterable[Example],
    labelling: Labelling,
    *,
    layer: int,
    seed: int = 0,
    most: int = MOST,
) -> list[Positions]:
    """The positions to learn from, of each reply at most `most` a category.

    Args:
        networks: Of the base and of the tuned model.
        replies: Those of the tuned model.
        labelling: What names a position's category.
        layer: Whose output is to be steered.
        seed: Of the choice among more positions.
        most: Positions of a reply and category.
    """
    base, tuned = networks
    tuned_layer = labelling.tuned_layer
    needed = frozenset() if tuned_layer is None else frozenset({tuned_layer})
    upper = UpperLayers(base, layer)
    found: list[Positions] = []
    for reply in replies:
        read = forced(
            base, tuned if needed else None, reply, base_layers={layer}, tuned_layers=needed
        )
        token_N = torch.tensor(reply.reply_ids, device=base.device)
        label_N = labelling.of(read.step)
        differs_N = read.step.base.logits_BV.argmax(-1) != token_N
        chosen = _chosen(differs_N, label_N, (seed, reply.id), most)
        before = len(reply.base_ids) - 1
        each = Positions(
            reply.id, read.hidden[layer], chosen + before, token_N[chosen], label_N[chosen]
        )
        if len(chosen) and not found:
            with torch.no_grad():
                again_PV = steered_logits(base, upper, each, None)
            upper.require_equal(read.step.base.logits_BV[chosen], again_PV)
        if len(chosen):
            found.append(each)
    if not found:
        raise ModelError(
            "base and tuned model agree at every token of these replies, so there is nothing to steer; "
            "take more replies, or models that differ"
        )
    return found


def _chosen(
    differs_N: torch.Tensor, label_N: torch.Tensor, purpose: tuple[object, ...], most: int
) -> torch.Tensor:
    """The places that differ, at most `most` a category, drawn by the reply's name."""
    kept: list[int] = []
    for label in sorted(set(label_N[differs_N].tolist())):
        places = (differs_N & (label_N == label)).nonzero()[:, 0].tolist()
        order = rng_for("positions", *purpose, label).permutation(len(places))[:most]
        kept += [places[i] for i in order]
    return torch.tensor(sorted(kept), dtype=torch.long, device=label_N.device)


def steered_logits(
    network: Any, upper: UpperLayers, of: Positions, vectors: Vectors | None
) -> torch.Tensor:
    """The base's logits at each position, steered there alone; shape (positions, vocabulary), float32.

    Args:
        network: The base's network.
        upper: Its layers above the steered one.
        of: The positions of one reply.
        vectors: What is added; None = nothing.
    """
    hidden_TD, at_P = of.hidden_TD, of.at_P
    n_tokens, n = len(hidden_TD), len(at_P)
    place_T = torch.arange(n_tokens, device=at_P.device)
    past = DynamicCache(config=network.config)
    with torch.no_grad():
        _run(network, upper, hidden_TD, place_T, past, place_T[:, None] >= place_T)
    hidden_PD = hidden_TD[at_P]
    if vectors is not None:
        hidden_PD = hidden_PD + vectors.shift(hidden_PD, of.label_P).to(hidden_PD.dtype)
    own = torch.eye(n, dtype=torch.bool, device=at_P.device)
    seen = torch.cat([at_P[:, None] > place_T, own], dim=1)  # what is before it, and itself
    return upper.logits(_run(network, upper, hidden_PD, at_P, past, seen))[0].float()


def _run(
    network: Any,
    upper: UpperLayers,
    hidden_QD: torch.Tensor,
    place_Q: torch.Tensor,
    past: DynamicCache,
    seen_QK: torch.Tensor,
) -> torch.Tensor:
    """The upper layers over tokens of one reply, each with its place and what it sees."""
    mask = torch.zeros(seen_QK.shape, dtype=hidden_QD.dtype, device=hidden_QD.device)
    mask = mask.masked_fill(~seen_QK, torch.finfo(hidden_QD.dtype).min)
    place_1Q = place_Q[None]
    return upper.run(
        hidden_QD[None],
        attention_mask=mask[None, None],
        position_ids=place_1Q,
        position_embeddings=network.base_model.rotary_emb(hidden_QD[None], place_1Q),
        past_key_values=past,
        use_cache=True,
    )


def n_by_category(found: Sequence[Positions], n: int) -> list[int]:
    """How many positions each category has."""
    labels = torch.cat([each.label_P for each in found])
    return torch.bincount(labels, minlength=n).tolist()
