"""Activations: those of a plain pass over one reply, in slices that a kill does not lose."""

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch")


from twofold.diagnostics.elicitation.layers import hidden_states, layer_of  # noqa: E402
from twofold.diagnostics.elicitation.sae import activations  # noqa: E402
from twofold.diagnostics.elicitation.sae.activations import ActivationCache, said, sentences  # noqa: E402
from twofold.errors import ModelError, RunError  # noqa: E402
from twofold.models import resolve  # noqa: E402
from twofold.problems import pocket  # noqa: E402
from twofold.types import FinishReason, Response, Sampling  # noqa: E402


@pytest.fixture(scope="module")
def model():
    return resolve("pocket")


@pytest.fixture(scope="module")
def replies(model):
    chats = [each.messages(stated=()) for each in pocket.suite(5)]
    answers = model.sample(chats, Sampling(max_tokens=40), seed=1)
    return [said(model, chat, of[0]) for chat, of in zip(chats, answers, strict=True)]


def plainly(model, reply, layer):
    """The states of a reply, from a pass over it alone that keeps all hidden states."""
    with torch.inference_mode():
        ids = torch.tensor([[*reply.prompt, *reply.ids]])
        out = model.network(input_ids=ids, output_hidden_states=True)
    return out.hidden_states[layer + 1][0, len(reply.prompt) :]


@pytest.mark.parametrize("layer", [0, 1])  # the last one is seen behind the final norm there
def test_states_per_token_are_those_of_a_plain_pass(model, replies, tmp_path, layer):
    found = ActivationCache(tmp_path, layer, "token").collect(model, replies)
    assert len({len(r.prompt) + len(r.ids) for r in replies}) > 1  # so that some are padded
    wanted = torch.cat([plainly(model, reply, layer) for reply in replies])
    assert torch.allclose(found.hidden_BD, wanted, atol=1e-4)
    assert found.reply_B.tolist() == [i for i, r in enumerate(replies) for _ in r.ids]
    assert found.span_B2.tolist() == [[j, j + 1] for r in replies for j in range(len(r.ids))]


def test_states_per_sentence_are_means_over_its_tokens(model, replies, tmp_path):
    found = ActivationCache(tmp_path, 1, "sentence").collect(model, replies)
    assert len(found) > len(replies)  # some have several
    for state, reply, (start, stop) in zip(
        found.hidden_BD, found.reply_B.tolist(), found.span_B2.tolist(), strict=True
    ):
        wanted = plainly(model, replies[reply], 1)[start:stop].mean(0)
        assert torch.allclose(state, wanted, atol=1e-4)


def test_sentences_cover_the_reply_but_for_the_tokens_of_the_format(model, replies):
    for reply in replies:
        spans = sentences(model, reply.ids)
        assert spans[0][0] == 0
        assert all(a[1] == b[0] for a, b in pairwise(spans))
        pieces = [model.decode(reply.ids[start:stop]) for start, stop in spans]
        assert "".join(pieces) == model.decode(reply.ids)
        if reply.ids[-1] in model.eos:
            assert spans[-1][1] == len(reply.ids) - 1
    assert sentences(model, ()) == []


def test_a_kill_costs_a_slice_and_what_is_there_is_not_read_again(
    model, replies, tmp_path, monkeypatch
):
    monkeypatch.setattr(activations, "SLICE", 2)
    cache = ActivationCache(tmp_path, 1, "token")
    whole = cache.collect(model, replies)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == [f"slice-0000{i}.safetensors" for i in range(3)]
    (tmp_path / "slice-00001.safetensors").unlink()
    passes = []
    hook = model.network.base_model.register_forward_pre_hook(lambda *_: passes.append(1))
    try:
        again = cache.collect(model, replies)
    finally:
        hook.remove()
    assert len(passes) == 1
    assert torch.equal(again.hidden_BD, whole.hidden_BD)
    assert torch.equal(again.reply_B, whole.reply_B) and torch.equal(again.span_B2, whole.span_B2)


def test_slices_of_something_else_are_refused(model, replies, tmp_path):
    ActivationCache(tmp_path, 1, "token").collect(model, replies)
    for cache, of in (
        (ActivationCache(tmp_path, 0, "token"), replies),
        (ActivationCache(tmp_path, 1, "sentence"), replies),
        (ActivationCache(tmp_path, 1, "token"), replies[::-1]),
    ):
        with pytest.raises(RunError, match="other replies, another model or another layer"):
            cache.collect(model, of)


def test_what_cannot_be_read_is_named(model, replies, tmp_path):
    with pytest.raises(ModelError, match="from 0 to 2"):
        ActivationCache(tmp_path, 3, "token").collect(model, replies)
    with pytest.raises(ModelError, match="at least one"):
        ActivationCache(tmp_path, 0, "token").collect(model, [])
    lost = Response(raw="", reply="", finish_reason=FinishReason.failed, error="down")
    with pytest.raises(ModelError, match="without token ids"):
        said(model, pocket.suite(1)[0].messages(), lost)
    with pytest.raises(ModelError, match="Linear keeps its layers under none"):
        layer_of(torch.nn.Linear(2, 2), 0)


def test_padding_changes_no_state(model, replies):
    rows = [[*each.prompt, *each.ids] for each in replies]
    together = hidden_states(model.network, 2, rows)
    for row, found in zip(rows, together, strict=True):
        (alone,) = hidden_states(model.network, 2, [row])
        assert found.shape == alone.shape and torch.allclose(found, alone, atol=1e-4)
