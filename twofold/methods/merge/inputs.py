"""What do the linear layers of a reasoner read at its think tokens? Recorded on disk, all in one reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch

from twofold.errors import ModelError
from twofold.methods.merge.spool import Spool
from twofold.models.hf import HfModel
from twofold.types import OpenModel

Positions = Literal["marks", "thought"]


class Thought(NamedTuple):
    """A prompt with a thought behind it, as token ids; the thought starts at `start`."""

    ids: tuple[int, ...]
    start: int


def recorded(
    model: OpenModel, thoughts: Sequence[Thought], positions: Positions, inputs: Spool
) -> dict[str, str]:
    """Write the inputs of every linear layer at the think tokens into `inputs`, in the network's dtype.

    Layers that read the same input one after the other (queries, keys and values) share one record. Nothing
    of it stays in memory. The output head is left out, and is not run.

    Returns:
        For the weight of each layer, under which name its inputs are.

    Raises:
        ModelError: If there is no think token among them.
    """
    network = model.network
    head = network.get_output_embeddings()
    layers = {
        f"{name}.weight": layer
        for name, layer in network.named_modules()
        if isinstance(layer, torch.nn.Linear) and layer is not head
    }
    at: list[int] = []
    before: list[tuple[str, torch.Tensor]] = []
    record_of: dict[str, str] = {}

    def heard(name: str, read: torch.Tensor) -> None:
        if before and read is before[0][1]:
            record_of[name] = before[0][0]
            return
        before[:] = [(name, read)]
        record_of[name] = name
        inputs.add(name, read[0, at].detach())

    with _listening(layers, heard), torch.inference_mode():
        for thought in thoughts:
            at[:] = _places(model, thought, positions)
            if at:
                ids_1T = torch.tensor([thought.ids], device=network.device)
                network.base_model(input_ids=ids_1T, use_cache=False)
    if not record_of:
        raise ModelError(
            f"the marks of {model.spec}'s thoughts are no tokens of their own, so their places are not "
            "known; give --positions thought"
        )
    return record_of


def _places(model: OpenModel, thought: Thought, positions: Positions) -> list[int]:
    """The positions of think tokens: of the marks, or of the whole thought."""
    if positions == "thought":
        return list(range(thought.start, len(thought.ids)))
    marks = _marks(model)
    found: set[int] = set()
    for i in range(len(thought.ids)):
        for mark in marks:
            if thought.ids[i : i + len(mark)] == mark:
                found.update(range(i, i + len(mark)))
    return sorted(found)


def _marks(model: OpenModel) -> list[tuple[int, ...]]:
    """The token ids of the two marks of a thought."""
    assert isinstance(model, HfModel)
    tags = model.thinking.open_tag, model.thinking.close_tag
    return [tuple(model.tokenizer(tag, add_special_tokens=False).input_ids) for tag in tags]


@contextmanager
def _listening(
    layers: Mapping[str, torch.nn.Module], heard: Callable[[str, torch.Tensor], None]
) -> Iterator[None]:
    """While it lasts, `heard` gets the name and the input of every layer that is called."""

    def hook(name: str) -> Callable[..., None]:
        def before(_: torch.nn.Module, given: tuple[Any, ...]) -> None:
            heard(name, given[0])

        return before

    hooks = [each.register_forward_pre_hook(hook(name)) for name, each in layers.items()]
    try:
        yield
    finally:
        for each in hooks:
            each.remove()
