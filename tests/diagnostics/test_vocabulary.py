"""Models with the same tokens whose embeddings have more rows: a row of no token, drawn by one of them."""

import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

sys.path[:0] = [str(Path(__file__).parent / "hybrid"), str(Path(__file__).parents[1] / "models")]

from tiny_llama import tiny_tokenizer  # noqa: E402
from tiny_pairs import saved, tiny  # noqa: E402

from twofold.diagnostics.elicitation.hybrid.forced import examples  # noqa: E402
from twofold.diagnostics.elicitation.sae.activations import said  # noqa: E402
from twofold.diagnostics.elicitation.token_shift.collect import _text  # noqa: E402
from twofold.diagnostics.elicitation.vocabulary import can_read, why_not_together  # noqa: E402
from twofold.errors import ModelError  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.types import Response  # noqa: E402

CHAT = [{"role": "user", "content": "2 + 2?"}]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A base, and a tuned model with 13 rows more."""
    tokenizer, folder = tiny_tokenizer(), tmp_path_factory.mktemp("pair")
    n = len(tokenizer)
    made = [saved(tiny(vocabulary=n + more), folder / str(more), tokenizer) for more in (0, 13)]
    return (n, *(HfModel(str(each), use_cache=False) for each in made))


def test_a_reply_with_a_token_that_the_other_lacks_is_left_out_and_not_read(models):
    n, base, tuned = models
    assert why_not_together(tuned, base) == ""
    both = {"model": tuned, "baseline": base}
    for token, is_read in ((n - 1, True), (n, False)):
        reply = Response(raw="", reply="", ids=(3, token))
        assert can_read(tuned, reply.ids) and can_read(base, reply.ids) == is_read
        assert (_text(both, "key", CHAT, "model", reply) is not None) == is_read
        assert len([*examples(base, tuned, [CHAT], [reply], ["a"])]) == is_read
        if is_read:
            assert said(base, CHAT, reply).ids == reply.ids
        else:
            with pytest.raises(ModelError, match=f"has no token {n}"):
                said(base, CHAT, reply)
