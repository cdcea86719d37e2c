"""What does the assistant think? Its last hidden states at the slots, read once for each prompt.

The assistant is frozen, so its states of a prompt never change. The batches are planned from all prompts
and read when they are wanted, so a resumed run reads the same batches as an uninterrupted one, but only
those that it needs.
"""

import inspect
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import final

import torch

from twofold.errors import ModelError
from twofold.methods.softcot.prompts import first_tokens, known_ids, request
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
    thoughts = Thoughts(assistant, chats, n_slots=n_slots, n_thoughts=n_thoughts)
    for why in thoughts.too_long.values():
        raise ModelError(why)
    found: dict[int, torch.Tensor] = {}
    for rows, read in thoughts.read({*range(len(chats) * n_thoughts)}):
        found |= zip(rows, read, strict=True)
    together = torch.stack([found[row] for row in sorted(found)])
    return together.reshape(len(chats), n_thoughts, n_slots, together.shape[-1])


@final
class Thoughts:
    """The thoughts about some prompts; thought `k` about prompt `p` is the row `p * n_thoughts + k`.

    Arguments as in `states`. Prompts that the assistant has no room for are `too_long`, with the reason, and
    none of their rows is read.
    """

    def __init__(
        self,
        assistant: HfModel,
        chats: Sequence[Sequence[Message]],
        *,
        n_slots: int,
        n_thoughts: int = 1,
    ) -> None:
        prompts = [known_ids(assistant, assistant.render(request(chat))) for chat in chats]
        starts = first_tokens(assistant, n_thoughts)
        self._assistant, self._n_slots = assistant, n_slots
        self._ids = [(*ids, *[start] * n_slots) for ids in prompts for start in starts]
        self.too_long = {
            p: why
            for p, ids in enumerate(prompts)
            if (why := _too_long(assistant, len(ids) + n_slots))
        }
        rows = [r for r in range(len(self._ids)) if r // n_thoughts not in self.too_long]
        order = sorted(rows, key=lambda row: len(self._ids[row]))
        self._unread = [order[at : at + _ROWS] for at in range(0, len(order), _ROWS)]

    def read(self, wanted: AbstractSet[int]) -> Iterator[tuple[list[int], torch.Tensor]]:
        """Read each batch with a wanted row that no call has read.

        Yields:
            The rows of a batch, and their states, shape (rows, slots, width).
        """
        batches = [batch for batch in self._unread if not wanted.isdisjoint(batch)]
        for batch in batches:
            self._unread.remove(batch)
            yield batch, self._states(batch)

    def _states(self, batch: Sequence[int]) -> torch.Tensor:
        """The last hidden states of each row's slots."""
        network = self._assistant.network
        ids_RT, mask_RT = left_padded([self._ids[row] for row in batch], network.device)
        more = {}
        if "position_ids" in inspect.signature(network.forward).parameters:
            more["position_ids"] = (mask_RT.cumsum(-1) - 1).clamp(min=0)
        with torch.inference_mode():
            read: torch.Tensor = network.base_model(
                input_ids=ids_RT, attention_mask=mask_RT, use_cache=False, **more
            ).last_hidden_state
        return read[:, -self._n_slots :].float().cpu().clone()


def _too_long(assistant: HfModel, n_tokens: int) -> str:
    """Why a prompt of so many tokens cannot be read; "" if it can."""
    if assistant.window is None or n_tokens <= assistant.window:
        return ""
    return (
        f"a prompt has {n_tokens} tokens with its slots, and the context of the assistant "
        f"{assistant.spec} has {assistant.window}; take shorter problems, fewer slots or another assistant"
    )
