"""A reply that is continued by guesses is the one that greedy decoding gives."""

from functools import wraps
from itertools import pairwise

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.models import guessing
from twofold.models.decode import PlannedRow, decode
from twofold.types import Sampling

VOCABULARY = 11  # few tokens, so that two follow each other again soon
SAMPLING = Sampling(max_tokens=40)


def network(seed, kind="Llama", **more):
    torch.manual_seed(seed)
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 24}
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2, **heads, **more
    )
    made = getattr(transformers, f"{kind}ForCausalLM")(config).eval()
    made.generation_config = transformers.GenerationConfig()
    with torch.no_grad():
        made.lm_head.weight.mul_(20)  # no close calls, which rounding could turn
    return made


NETWORKS = [network(seed) for seed in range(4)]
row = st.lists(st.integers(1, VOCABULARY - 1), min_size=1, max_size=30)


@torch.inference_mode()
@given(st.sampled_from(NETWORKS), st.lists(row, min_size=1, max_size=5), st.integers(1, 30))
@settings(max_examples=40, deadline=None, derandomize=True)
def test_guesses_do_not_change_a_token(made, heads, limit):
    rows = [PlannedRow(tuple(ids), seed=0, limit=limit + i) for i, ids in enumerate(heads)]
    rows += [PlannedRow((*rows[0].ids, 3, 4), seed=0, limit=limit)]  # shares what comes before
    found = guessing.continued(made, rows, SAMPLING, eos=(5,))
    assert found == decode(made, rows, SAMPLING, eos=(5,))
    assert all(new and len(new) <= row.limit for new, row in zip(found, rows, strict=True))


@torch.inference_mode()
def test_a_text_that_repeats_itself_takes_few_passes(monkeypatch):
    made, asked = NETWORKS[0], []
    rows = [PlannedRow((1, 2, 3), seed=0, limit=60)]
    right = decode(made, rows, SAMPLING, eos=())
    forward = made.forward

    @wraps(forward)
    def counting(*args, **more):
        asked.append(more["input_ids"].shape)
        return forward(*args, **more)

    monkeypatch.setattr(made, "forward", counting)
    assert guessing.continued(made, rows, SAMPLING, eos=()) == right
    (new,) = right
    pairs = list(pairwise(new))
    assert len(set(pairs)) < len(pairs) / 2, "this network's text does not repeat itself"
    assert len(asked) < len(new) / 2


def test_what_two_rows_share_is_read_once():
    shared = tuple(range(1, 9))
    rows = [(*shared, 9), (2, 2), (*shared, 9, 8, 7), (*shared[:3], 1, 1, 1, 1, 1)]
    assert guessing._heads(rows) == [8, 1, 9, 7]
    assert guessing._heads([(3, 4), (3, 4)]) == [1, 1] and guessing._heads([(3,)]) == [0]


@torch.inference_mode()
def test_a_row_whose_logits_are_not_numbers_has_no_tokens():
    made = network(9)
    with torch.no_grad():
        made.model.embed_tokens.weight[7] = float("nan")
    rows = [PlannedRow((1, 2, 7), seed=0, limit=5), PlannedRow((1, 2, 3), seed=0, limit=5)]
    found = guessing.continued(made, rows, SAMPLING, eos=(7,))
    assert found[0] is None and found[1] == decode(made, rows, SAMPLING, eos=(7,))[1]


@pytest.mark.parametrize(
    ("made", "sampling", "ids"),
    [
        (network(0, "Mistral", sliding_window=4), SAMPLING, (1, 2)),
        (NETWORKS[0], Sampling(max_tokens=4, temperature=1.0), (1, 2)),
        (NETWORKS[0], SAMPLING, (1,)),
    ],
    ids=["a sliding window", "sampled", "one token"],
)
@torch.inference_mode()
def test_what_cannot_be_guessed_is_decoded(made, sampling, ids):
    rows = [PlannedRow(ids, seed=3, limit=4)]
    found = guessing.continued(made, rows, sampling, eos=())
    assert found == decode(made, rows, sampling, eos=())
    assert len(np.ravel(found)) == 4
