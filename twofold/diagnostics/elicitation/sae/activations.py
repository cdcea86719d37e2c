"""What does a model hold at a layer while it says its replies? Read once, kept in slices on disk.

A slice is a few replies, written whole or not at all, so a kill costs the slice in work.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, final

import torch

from twofold.diagnostics.chain.steps import step_ends
from twofold.diagnostics.elicitation.elicitor import prompt_ids
from twofold.diagnostics.elicitation.layers import hidden_states
from twofold.diagnostics.elicitation.vocabulary import can_read
from twofold.errors import ModelError, RunError
from twofold.models.cache import content_key
from twofold.models.tensor_files import read_tensors, save_tensors
from twofold.storage.reading import Kind, kind_of
from twofold.types import Message, OpenModel, Response

SLICE = 16  # replies of a file
ROWS = 8  # replies of a forward pass


class Said(NamedTuple):
    """A reply to be read: the token ids of its prompt, and its own."""

    prompt: tuple[int, ...]
    ids: tuple[int, ...]


def said(model: OpenModel, chat: Sequence[Message], response: Response) -> Said:
    """A reply of a model, or of another one with the same tokenizer, as this model reads it.

    Raises:
        ModelError: If the reply has no token ids, or the model no embedding for one of them.
    """
    if not response.ids:
        raise ModelError(
            "a reply without token ids cannot be read; leave out failed ones, and take those of a model "
            "whose weights are on this machine"
        )
    if not can_read(model, response.ids):
        raise ModelError(
            f"{model.spec} has no token {max(response.ids)}, which the reply of another model has; leave "
            "that reply out"
        )
    prompt = prompt_ids(model, chat)
    return Said(tuple(prompt), response.ids)


def sentences(model: OpenModel, ids: Sequence[int]) -> list[tuple[int, int]]:
    """The tokens of each sentence of a reply, as half-open ranges; tokens of the chat format are in none.

    A token that spans an end belongs to the sentence that it ends.
    """
    places = range(len(ids) + 1)

    def n_characters(j: int) -> int:
        return len(model.decode(ids[:j]))

    stops = [bisect_left(places, end, key=n_characters) for end in step_ends(model.decode(ids))]
    ranges = zip([0, *stops], stops, strict=False)
    return [(start, min(stop, len(ids))) for start, stop in ranges if start < stop]


@final
@dataclass(frozen=True, eq=False)
class Activations:
    """States of a layer, and where each is from.

    Args:
        hidden_BD: Shape (states, width), in the dtype of the network.
        reply_B: Which reply each is from, by its place.
        span_B2: The half-open range of its tokens in the reply.
    """

    hidden_BD: torch.Tensor
    reply_B: torch.Tensor
    span_B2: torch.Tensor

    def __len__(self) -> int:
        return len(self.hidden_BD)


@final
@dataclass(frozen=True)
class ActivationCache:
    """The activations of replies in a folder.

    Args:
        folder: Where the slices are.
        layer: The layer whose output is read, counted from 0.
        per: One state a `sentence`, the mean over its tokens, or one a `token`.

    Example:
        `ActivationCache(Path("acts"), layer=12, per="sentence").collect(model, replies)` reads what is
        missing and returns all; replies are made by `said(model, chat, response)`.
    """

    folder: Path
    layer: int
    per: Literal["sentence", "token"]

    def collect(self, model: OpenModel, replies: Sequence[Said]) -> Activations:
        """Read what is not there yet, slice by slice, and return all.

        Args:
            model: The model that reads; not always the one that said them.
            replies: In the same order at every call.

        Raises:
            ModelError: If there is no such layer, or nothing to read.
            RunError: If the folder holds the slices of other replies, another model or another layer.
        """
        for at in range(0, len(replies), SLICE):
            part, file = replies[at : at + SLICE], self._file(at)
            identity = content_key(model.fingerprint(), self.layer, self.per, at, part)
            if kind_of(file) is Kind.file:
                self._require_same(file, identity)
            else:
                save_tensors(file, self._read(model, part, at), {"identity": identity})
        return self._all(len(replies))

    def _file(self, at: int) -> Path:
        return self.folder / f"slice-{at // SLICE:05}.safetensors"

    def _require_same(self, file: Path, identity: str) -> None:
        if read_tensors(file)[1].get("identity") != identity:
            raise RunError(
                f"{file} holds the activations of other replies, another model or another layer. Nothing "
                "was changed; choose another folder, or delete that one"
            )

    def _all(self, n: int) -> Activations:
        if n == 0:
            raise ModelError("there is no reply to read; give at least one")
        parts = [read_tensors(self._file(at))[0] for at in range(0, n, SLICE)]
        names = ("hidden_BD", "reply_B", "span_B2")
        found = Activations(*(torch.cat([part[name] for part in parts]) for name in names))
        if len(found) == 0:
            raise ModelError("no reply has a sentence; read them per token")
        return found

    def _read(self, model: OpenModel, part: Sequence[Said], at: int) -> dict[str, torch.Tensor]:
        """The tensors of a slice."""
        network: Any = model.network
        states: list[torch.Tensor] = []
        where: list[tuple[int, int, int]] = []
        for first in range(0, len(part), ROWS):
            batch = part[first : first + ROWS]
            rows = [[*each.prompt, *each.ids] for each in batch]
            read = hidden_states(network, self.layer, rows)
            for i, (each, hidden_TD) in enumerate(zip(batch, read, strict=True)):
                own = hidden_TD[len(each.prompt) :].cpu()
                for start, stop in self._spans(model, each.ids):
                    states.append(own[start:stop].float().mean(0).to(own.dtype))
                    where.append((at + first + i, start, stop))
        width = int(states[0].shape[0]) if states else int(network.config.hidden_size)
        places = torch.tensor(where, dtype=torch.int64).reshape(-1, 3)
        return {
            "hidden_BD": torch.stack(states) if states else torch.zeros(0, width),
            "reply_B": places[:, 0],
            "span_B2": places[:, 1:],
        }

    def _spans(self, model: OpenModel, ids: Sequence[int]) -> Iterator[tuple[int, int]]:
        if self.per == "sentence":
            yield from sentences(model, ids)
        else:
            yield from ((j, j + 1) for j in range(len(ids)))
