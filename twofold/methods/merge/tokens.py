"""Do the models of a merge mean the same by a token id? Their embeddings are added row by row."""

from __future__ import annotations

from typing import Any

from transformers import AutoTokenizer

from twofold.errors import ModelError
from twofold.models.checkpoint import Checkpoint
from twofold.models.loading import UNREADABLE
from twofold.models.quiet import quiet


def require_same_tokens(first: Checkpoint, other: Checkpoint, *, ordinary_only: bool) -> None:
    """Refuse two models of which one has another token at an id, or a token at another id.

    A base may lack tokens that a later model has.

    Args:
        first: The reasoner.
        other: The model that is merged with it.
        ordinary_only: Whether tokens of the chat format may differ, since embeddings stay.

    Raises:
        ModelError: With the first id that differs, or if a tokenizer cannot be read.
    """
    ours, theirs = (_ids(each, ordinary_only=ordinary_only) for each in (first, other))
    named = {i: token for token, i in theirs.items()}
    clashes = [
        (i, token, named[i]) for token, i in ours.items() if i in named and named[i] != token
    ]
    moved = [(i, token, token) for token, i in ours.items() if theirs.get(token, i) != i]
    if found := sorted(clashes + moved):
        i, token, there = found[0]
        told = f"{there!r}" if there != token else f"it at {theirs[token]}"
        raise ModelError(
            f"{first.spec} and {other.spec} have different tokens (id {i} is {token!r} in the first, and the "
            f"other has {told}; {len(found)} such tokens), so their embeddings cannot be added; merge models "
            "that were trained from one base with its tokenizer"
            + (
                ""
                if ordinary_only
                else ", or use --method null_space, which leaves embeddings as they are"
            )
        )


def _ids(checkpoint: Checkpoint, *, ordinary_only: bool) -> dict[str, int]:
    try:
        with quiet():
            tokenizer: Any = AutoTokenizer.from_pretrained(
                checkpoint.tokenizer_folder, local_files_only=True, trust_remote_code=False
            )
    except UNREADABLE as error:
        words = " ".join(str(error).split())[:200]
        raise ModelError(
            f"the tokenizer of {checkpoint.spec} cannot be loaded ({words}); copy it again"
        ) from error
    left_out = {*tokenizer.added_tokens_decoder} if ordinary_only else set()
    return {token: i for token, i in tokenizer.get_vocab().items() if i not in left_out}
