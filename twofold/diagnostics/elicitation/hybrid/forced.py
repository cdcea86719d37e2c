"""What do both models make of a reply that is given? One forced pass a model, all positions at once."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from typing import Any, NamedTuple, final

import torch

from twofold.diagnostics.elicitation.elicitor import prompt_ids
from twofold.diagnostics.elicitation.hybrid.reader import Reading
from twofold.diagnostics.elicitation.hybrid.step import Step
from twofold.diagnostics.elicitation.layers import layers_of, tensor_of
from twofold.diagnostics.elicitation.vocabulary import can_read
from twofold.models.gumbel import row_seed
from twofold.types import Message, OpenModel, Response


@final
class Example(NamedTuple):
    """A reply of the tuned model: its name, both models' prompts, its tokens."""

    id: str
    base_ids: tuple[int, ...]
    tuned_ids: tuple[int, ...]
    reply_ids: tuple[int, ...]


def examples(
    base: OpenModel,
    tuned: OpenModel,
    chats: Sequence[Sequence[Message]],
    replies: Sequence[Response],
    names: Sequence[str],
) -> Iterator[Example]:
    """The replies of the tuned model that both can read, each behind both models' own prompts.

    Args:
        base: The model that will be steered.
        tuned: The model that replied.
        chats: The prompt of each reply.
        replies: One each.
        names: One each, different ones, such as the problem's id.
    """
    for chat, reply, name in zip(chats, replies, names, strict=True):
        if reply.ids and can_read(base, reply.ids):
            ours, theirs = (prompt_ids(each, chat) for each in (base, tuned))
            yield Example(name, ours, theirs, reply.ids)


@final
class Forced(NamedTuple):
    """A reply as both models read it.

    Args:
        step: One row for each of its tokens, before that token.
        hidden: Outputs of the base's layers at every token of prompt and reply, by layer.
    """

    step: Step
    hidden: dict[int, torch.Tensor]


def forced(
    base: Any,
    tuned: Any | None,
    example: Example,
    *,
    base_layers: AbstractSet[int] = frozenset(),
    tuned_layers: AbstractSet[int] = frozenset(),
) -> Forced:
    """Read a reply with both networks, so that gates and labellings say what they would have said.

    Args:
        base: The base's network.
        tuned: The tuned model's network; None if nothing reads it.
        example: The reply.
        base_layers: Layers of the base whose outputs are wanted.
        tuned_layers: As well of the tuned model.
    """
    n = len(example.reply_ids)
    logits_NV, hidden = _read(base, example.base_ids, example.reply_ids, base_layers)
    of_base = Reading(logits_NV, {i: each[-n - 1 : -1] for i, each in hidden.items()})
    of_tuned = None
    if tuned is not None:
        logits_NV, seen = _read(tuned, example.tuned_ids, example.reply_ids, tuned_layers)
        of_tuned = Reading(logits_NV, {i: each[-n - 1 : -1] for i, each in seen.items()})
    seeds = [row_seed(0, example.id, 0)] * n
    return Forced(Step(of_base, of_tuned, seeds, range(n)), hidden)


def _read(
    network: Any, prompt: Sequence[int], reply: Sequence[int], layers: AbstractSet[int]
) -> tuple[torch.Tensor, dict[int, torch.Tensor]]:
    """The logits before each token of the reply, and whole outputs of some layers."""
    seen: dict[int, torch.Tensor] = {}

    def keep(i: int) -> Any:
        def hook(_: torch.nn.Module, __: Any, output: Any) -> None:
            seen[i] = tensor_of(output)[0]

        return hook

    ids_1T = torch.tensor([[*prompt, *reply]], device=network.device)
    with ExitStack() as stack, torch.no_grad():
        for i in layers:
            hook = layers_of(network)[i].register_forward_hook(keep(i), prepend=True)
            stack.callback(hook.remove)
        logits_NV = network(input_ids=ids_1T, logits_to_keep=len(reply) + 1).logits[0, :-1]
    return logits_NV.float(), seen
