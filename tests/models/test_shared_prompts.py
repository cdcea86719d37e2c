"""What all prompts of a batch begin with is read once; the replies are those of reading each prompt whole."""

from unittest import mock

import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.models import decode as decoding
from twofold.models.decode import LEAST_SHARED, PlannedRow, decode, left_padded, read_prompts
from twofold.types import Sampling

VOCABULARY = 29
SIZES = {
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "hidden_size": 32,
    "vocab_size": VOCABULARY,
}


def network(kind, **more):
    torch.manual_seed(0)
    config = getattr(transformers, f"{kind}Config")(**SIZES, **more)
    made = getattr(transformers, f"{kind}ForCausalLM")(config).eval()
    made.generation_config = transformers.GenerationConfig()
    return made


NETWORKS = {
    "Llama": network("Llama", num_key_value_heads=2, intermediate_size=48),
    "Qwen3": network("Qwen3", num_key_value_heads=2, intermediate_size=48, head_dim=8),
    "GPTNeoX": network("GPTNeoX", intermediate_size=48),
    "OPT": network("OPT", ffn_dim=48, word_embed_proj_dim=32, max_position_embeddings=256),
}
token = st.integers(3, VOCABULARY - 1)
tails = st.lists(st.lists(token, min_size=1, max_size=9), min_size=1, max_size=5)


def n_read(made, ids, mask):
    """The tokens that go through the network, and what comes of them."""
    read, of = 0, made.base_model.forward

    def counting(*args, **more):
        nonlocal read
        read += more["input_ids"].numel()
        return of(*args, **more)

    with mock.patch.object(made.base_model, "forward", counting):
        return read_prompts(made, ids, mask), read


@pytest.mark.parametrize("name", NETWORKS)
@torch.inference_mode()
@given(head=st.lists(token, min_size=LEAST_SHARED - 2, max_size=LEAST_SHARED + 3), tails=tails)
@settings(max_examples=25, deadline=None, derandomize=True)
def test_keys_and_replies_are_those_of_whole_prompts(name, head, tails):
    made = NETWORKS[name]
    prompts = [(*head, *tail) for tail in tails]
    ids, mask = left_padded(prompts, made.device)
    shared, _ = n_read(made, ids, mask)
    rows = [PlannedRow(prompt, seed=i, limit=6) for i, prompt in enumerate(prompts)]
    replies = decode(made, rows, Sampling(max_tokens=6), eos=())
    with mock.patch.object(decoding, "LEAST_SHARED", 10**9):
        apart, _ = n_read(made, ids, mask)
        assert replies == decode(made, rows, Sampling(max_tokens=6), eos=())
    there = mask[:, :-1].bool()
    for mine, theirs in zip(shared.layers, apart.layers, strict=True):
        for ours, whole in ((mine.keys, theirs.keys), (mine.values, theirs.values)):
            assert ours.shape == whole.shape
            found, right = (each.transpose(1, 2)[there] for each in (ours, whole))
            assert torch.allclose(found, right, atol=1e-5)


@torch.inference_mode()
def test_a_shared_beginning_goes_through_the_network_once():
    """By hand: 64 shared tokens, then 5 and 2 of their own, of which the last is not read; one row twice."""
    made = NETWORKS["Llama"]
    head = [3 + i % 5 for i in range(LEAST_SHARED)]
    prompts = [(*head, 9, 10, 11, 12, 13), (*head, 20, 21), (*head, 20, 21)]
    _, read = n_read(made, *left_padded(prompts, made.device))
    assert read == 64 + 2 * 4
    fewer = [prompt[1:] for prompt in prompts]  # 63 shared tokens: each prompt by itself
    _, read = n_read(made, *left_padded(fewer, made.device))
    assert read == 2 * (63 + 4)


@torch.inference_mode()
def test_prompts_that_differ_in_their_last_token_alone():
    made = NETWORKS["Llama"]
    head = [3 + i % 7 for i in range(LEAST_SHARED)]
    past, read = n_read(made, *left_padded([(*head, 9), (*head, 10)], made.device))
    assert read == 64 and past.get_seq_length() == 64
