"""How is a hybrid made of two models? The tuned model replies, the vectors are fitted, the folder is a MODEL.

Replies are split by the hash of their problem: most are learnt from, some stop the fit, some judge it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, NamedTuple, final

import torch

from twofold.diagnostics.elicitation.hybrid.categories import Labelling, OneLabel
from twofold.diagnostics.elicitation.hybrid.fit import Fit, Recovered, fitted, recovered
from twofold.diagnostics.elicitation.hybrid.forced import Example, examples, forced
from twofold.diagnostics.elicitation.hybrid.gates import ArgmaxDiffers, Gate
from twofold.diagnostics.elicitation.hybrid.positions import MOST, Positions, disagreements
from twofold.diagnostics.elicitation.hybrid.probe import Probe
from twofold.diagnostics.elicitation.hybrid.steered import Hybrid
from twofold.diagnostics.elicitation.hybrid.upper_layers import default_layer
from twofold.diagnostics.elicitation.hybrid.vectors import Vectors
from twofold.diagnostics.elicitation.layers import layers_of
from twofold.diagnostics.elicitation.vocabulary import require_same_ids
from twofold.errors import ModelError
from twofold.randomness import rng_for
from twofold.storage.os_errors import os_errors
from twofold.types import Message, OpenModel, Sampling

Part = Literal["train", "validation", "held_out"]
_VALIDATION, _HELD_OUT = 0.15, 0.15  # shares of the problems


@final
@dataclass(frozen=True, kw_only=True, eq=False)
class Recipe:
    """How a hybrid is made.

    Args:
        gate: Where it steers.
        labelling: What names the category of a position.
        layer: At whose output; None = at 0.37 of the depth.
        fit: Of the vectors, and of the bias without an MLP that is their control.
        most: Positions of a reply and category that are learnt from.
        seed: Of replies, split and choice of positions.
    """

    gate: Gate = field(default_factory=ArgmaxDiffers)
    labelling: Labelling = field(default_factory=OneLabel)
    layer: int | None = None
    fit: Fit = field(default_factory=Fit)
    most: int = MOST
    seed: int = 0


@final
class Made(NamedTuple):
    """A hybrid, and what its vectors and those of each control do on replies that were not learnt from."""

    hybrid: Hybrid
    held_out: Mapping[str, Recovered]


def made(
    base: OpenModel,
    tuned: OpenModel,
    asked: Mapping[str, Sequence[Message]],
    sampling: Sampling,
    folder: Path,
    recipe: Recipe,
) -> Made:
    """Fit a hybrid and save it in `folder`; the same call goes on after an interruption.

    Args:
        base: The model that will be steered.
        tuned: The model that shows what to say.
        asked: Chats by the id of their problem; none that the hybrid is judged by.
        sampling: How the tuned model replies.
        folder: Where `hybrid.yaml`, its vectors and the states of the fits are kept.
        recipe: Settings.

    Raises:
        ModelError: If the models have different tokens, there are too few replies, or gate or labelling
            cannot be saved.
    """
    require_same_ids(base, tuned)
    with os_errors(folder, "write", ModelError):
        folder.mkdir(parents=True, exist_ok=True)
    for part in (recipe.gate, recipe.labelling):
        part.described(folder)  # what no file can name is refused before anything is fitted
    layer = recipe.layer
    if layer is None:
        layer = default_layer(len(layers_of(base.network)))
    parts = split(replies_of(base, tuned, asked, sampling, seed=recipe.seed), recipe.seed)
    networks = base.network, tuned.network

    def positions(part: Part, labelling: Labelling) -> list[Positions]:
        return disagreements(
            networks, parts[part], labelling, layer=layer, seed=recipe.seed, most=recipe.most
        )

    def learnt(labelling: Labelling, fit: Fit, name: str) -> Vectors:
        train, validation = positions("train", labelling), positions("validation", labelling)
        state = folder / f"fit_{name}.safetensors"
        return fitted(base.network, layer, labelling.n, train, validation, fit, state=state)

    vectors = learnt(recipe.labelling, recipe.fit, "vectors")
    bias = learnt(OneLabel(), replace(recipe.fit, n_hidden=0), "bias")
    held_out, plain = positions("held_out", recipe.labelling), positions("held_out", OneLabel())
    judged = {
        "none": recovered(base.network, layer, held_out, vectors),
        "random_vectors": recovered(base.network, layer, held_out, vectors.randomised(recipe.seed)),
        "bias_only": recovered(base.network, layer, plain, bias),
    }
    hybrid = Hybrid(
        base, tuned, recipe.gate, vectors=vectors, labelling=recipe.labelling, bias=bias
    )
    hybrid.save(folder)
    return Made(hybrid, judged)


def probe_of(
    gate: Gate, base: OpenModel, tuned: OpenModel, replies: Sequence[Example], *, layer: int
) -> Probe:
    """The probe on the base that predicts a gate, from replies that both models read.

    Args:
        gate: What is predicted.
        base: Whose activations are read.
        tuned: What the gate reads.
        replies: See `replies_of`.
        layer: Of the base, counted from 0.
    """
    hidden, fired = [], []
    for each in replies:
        read = forced(
            base.network,
            tuned.network,
            each,
            base_layers=gate.base_layers | {layer},
            tuned_layers=gate.tuned_layers,
        )
        hidden.append(read.step.base.hidden[layer].float())
        fired.append(gate.fires(read.step))
    return Probe.fitted(layer, torch.cat(hidden), torch.cat(fired))


def replies_of(
    base: OpenModel,
    tuned: OpenModel,
    asked: Mapping[str, Sequence[Message]],
    sampling: Sampling,
    *,
    seed: int = 0,
) -> list[Example]:
    """One reply of the tuned model to each chat, ready to be read by both."""
    chats = list(asked.values())
    replies = [each for (each,) in tuned.sample(chats, sampling, seed=seed)]
    return list(examples(base, tuned, chats, replies, list(asked)))


def split(replies: Sequence[Example], seed: int) -> dict[Part, list[Example]]:
    """The replies of each part, each by its own name alone.

    Raises:
        ModelError: If a part is empty.
    """
    found: dict[Part, list[Example]] = {"train": [], "validation": [], "held_out": []}
    for each in replies:
        drawn = rng_for("split", seed, each.id).random()
        later: Part = "validation" if drawn < _VALIDATION + _HELD_OUT else "train"
        found["held_out" if drawn < _HELD_OUT else later].append(each)
    if empty := [name for name, of in found.items() if not of]:
        raise ModelError(
            f"of {len(replies)} replies, none is left for {empty[0]}; ask more problems, some hundreds"
        )
    return found
