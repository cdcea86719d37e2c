"""Do two models mean the same by a token id? Only then can they write one reply together."""

from collections.abc import Mapping, Sequence

from twofold.errors import ModelError
from twofold.types import Model, OpenModel


def require_same_ids(base: OpenModel, tuned: OpenModel) -> None:
    """Refuse two models whose tokenizers give a text or a token another id.

    Networks of different depth and width are fine, and so are rows of the embeddings beyond the vocabulary.

    Raises:
        ModelError: With the first id that differs.
    """
    if why := why_not_together(tuned, base):
        raise ModelError(why)


def why_not_together(tuned: Model, base: Model) -> str:
    """Why the tokens of one model mean nothing to the other; "" if they do.

    Example:
        >>> from twofold.models.scripted import ScriptedModel
        >>> why_not_together(ScriptedModel({}), ScriptedModel({}))  # doctest: +ELLIPSIS
        'the weights of both models are needed: the weights of scripted are behind a server or ...'
    """
    for each in (tuned, base):
        if not isinstance(each, OpenModel):
            return f"the weights of both models are needed: {each.closed}"
    assert isinstance(tuned, OpenModel) and isinstance(base, OpenModel)
    if why := first_difference(base.tokenizer.get_vocab(), tuned.tokenizer.get_vocab()):
        return (
            f"{tuned.spec} and {base.spec} have different tokens ({why}), so those of one mean nothing to "
            "the other; take a model that was trained from this base, with its tokenizer"
        )
    return ""


def can_read(model: OpenModel, ids: Sequence[int]) -> bool:
    """Whether the network has an embedding for each of these tokens.

    Another model with the same tokens may have more rows, of no token, and have drawn one of them.
    """
    n_rows = int(model.network.get_input_embeddings().weight.shape[0])
    return max(ids, default=-1) < n_rows


def first_difference(ours: Mapping[str, int], theirs: Mapping[str, int]) -> str:
    """The token of the lowest id whose id differs, in words; "" if there is none.

    Example:
        >>> first_difference({"a": 0, "b": 1}, {"a": 0, "c": 1})
        "'b' has the id 1 and no id, 2 such tokens"
        >>> first_difference({"a": 0}, {"a": 0})
        ''
    """
    differing = [
        (ours.get(token, theirs.get(token, 0)), token)
        for token in ours.keys() | theirs.keys()
        if ours.get(token) != theirs.get(token)
    ]
    if not differing:
        return ""
    _, token = min(differing)
    ids = (f"the id {at[token]}" if token in at else "no id" for at in (ours, theirs))
    return f"{token!r} has {' and '.join(ids)}, {len(differing)} such tokens"
