"""What does the assistant think? Its last hidden states at the slots, read once for each prompt.

The assistant is frozen, so its states of a prompt never change: they are read in batches, once for a whole
data set.
"""

import inspect
from collections.abc import Iterator, Sequence

import torch

from twofold.errors import ModelError
from twofold.methods.softcot.prompts import first_tokens, request
from twofold.models.decode import left_padded
from twofold.models.hf import HfModel
from twofold.types import Message

_ROWS = 16  # prompts read at once, at most


def states(
    assistant: HfModel, chats: Sequence[Sequence[Message]], *, n_slots: int, n_thoughts: int = 1
) -> torch.Tensor:
    """The assistant's hidden states, shape (chats, thoughts, slots, width), in float32 on the CPU.

    Args:
        assistant: A model with local weights.
        chats: The prompts that the other model gets.
        n_slots: How many states a thought has, at least 1.
        n_thoughts: How many thoughts; they differ in the token that they are begun and filled with.

    Raises:
        ModelError: If a prompt with its slots is longer than the assistant's context.
    """
    prompts = [assistant.ids(assistant.render(request(chat))) for chat in chats]
    starts = first_tokens(assistant, n_thoughts)
    rows = [(*ids, *[start] * n_slots) for ids in prompts for start in starts]
    _require_room(assistant, rows)
    found = torch.stack(list(_read(assistant, rows, n_slots)))
    return found.reshape(len(chats), n_thoughts, n_slots, found.shape[-1])


def _require_room(assistant: HfModel, rows: Sequence[tuple[int, ...]]) -> None:
    longest = max(map(len, rows), default=0)
    if assistant.window is not None and longest > assistant.window:
        raise ModelError(
            f"a prompt has {longest} tokens with its slots, and the context of the assistant "
            f"{assistant.spec} has {assistant.window}; take shorter problems, fewer slots or another "
            "assistant"
        )


def _read(
    assistant: HfModel, rows: Sequence[tuple[int, ...]], n_slots: int
) -> Iterator[torch.Tensor]:
    """The last hidden states of each row's slots, in order; rows of similar length are read together."""
    network = assistant.network
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    found: dict[int, torch.Tensor] = {}
    takes_positions = "position_ids" in inspect.signature(network.forward).parameters
    for start in range(0, len(rows), _ROWS):
        batch = order[start : start + _ROWS]
        ids_RT, mask_RT = left_padded([rows[i] for i in batch], network.device)
        more = {}
        if takes_positions:
            more["position_ids"] = (mask_RT.cumsum(-1) - 1).clamp(min=0)
        with torch.inference_mode():
            read = network.base_model(
                input_ids=ids_RT, attention_mask=mask_RT, use_cache=False, **more
            ).last_hidden_state
        for i, row in zip(batch, read[:, -n_slots:].float().cpu().clone(), strict=True):
            found[i] = row
    return (found[i] for i in range(len(rows)))
