"""Where do the slots stand, and what is the assistant asked? Prompts as token ids."""

from collections.abc import Sequence

from twofold.errors import ModelError
from twofold.models.hf import HfModel
from twofold.types import Message

# Stands for the slots while a prompt is rendered; no user writes it, and no template changes it.
_SLOTS = "\N{OBJECT REPLACEMENT CHARACTER}slots\N{OBJECT REPLACEMENT CHARACTER}"

_REQUEST = (
    "Do not solve this task. Note what helps another model to solve it: what is given, what is asked, the "
    "steps.\n\n"
)


def with_slots(base: HfModel, chat: Sequence[Message], slots: Sequence[int]) -> tuple[int, ...]:
    """The ids of a prompt whose last turn ends with `slots`, ids of `soft_tokens`.

    Text before and after the slots is split into tokens apart, so no token lies across them.

    Raises:
        ModelError: If the chat template does not keep the end of a question as it is, or as `known_ids`.

    Example:
        >>> chat = [Message(role="user", content="What is 2 + 3?")]
        >>> base = HfModel("pocket")
        >>> n = base.n_embedded
        >>> with_slots(base, chat, [n, n + 1])[-3:] == (n, n + 1, base.ids("<|assistant|>")[0])
        True
    """
    if not slots:
        return base.ids(base.render(chat))
    *before, last = chat
    marked = Message(role=last["role"], content=last["content"] + _SLOTS)
    head, *tail = base.render([*before, marked]).split(_SLOTS)
    if len(tail) != 1:
        raise ModelError(
            f"the chat template of {base.spec} writes the end of a question {len(tail)} times, so there is "
            "no one place for the slots; take another base"
        )
    return (*known_ids(base, head), *slots, *known_ids(base, tail[0]))


def known_ids(model: HfModel, text: str) -> tuple[int, ...]:
    """The ids of a text; one behind the embeddings would be read as a slot.

    Raises:
        ModelError: If there is such an id.
    """
    ids = model.ids(text)
    if max(ids, default=0) >= model.n_embedded:
        raise ModelError(
            f"the tokenizer of {model.spec} has the token {max(ids)} and the network has embeddings for "
            f"{model.n_embedded}; take the tokenizer that belongs to these weights"
        )
    return ids


def request(chat: Sequence[Message]) -> list[Message]:
    """What the assistant is asked: the last turn, with a request for help before it."""
    return [Message(role="user", content=_REQUEST + chat[-1]["content"])]


def first_tokens(assistant: HfModel, n: int) -> list[int]:
    """The ids with which the assistant's `n` thoughts begin and are filled: special tokens, then others.

    They must differ, so that the thoughts do; what they mean matters little, since only what the
    assistant makes of them is used.
    """
    tokenizer = assistant.tokenizer
    special = sorted({*tokenizer.all_special_ids} - {*assistant.eos})
    others = (i for i in range(assistant.n_embedded) if i not in special and i not in assistant.eos)
    found = [i for i in special if i < assistant.n_embedded]
    while len(found) < n and (each := next(others, None)) is not None:
        found.append(each)
    if len(found) < n:
        raise ModelError(
            f"the vocabulary of {assistant.spec} has {len(found)} tokens that can begin a thought; ask for "
            f"that many thoughts at most"
        )
    return found[:n]
