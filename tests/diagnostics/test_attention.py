"""What is read of a network that has no attention, or has it in some layers only?"""

from types import SimpleNamespace

import pytest
import torch

from twofold.diagnostics.instruction import attention
from twofold.diagnostics.instruction.attention import Spans, looked_at

PROMPT, REPLY = list(range(20)), [1, 2, 3, 4]
WHERE = Spans(instruction=(10, 15), control=(2, 7))


class Network:
    """A network whose layers look evenly, or which has no attention at all."""

    def __init__(self, layers):
        self.config = SimpleNamespace(_attn_implementation="sdpa")
        self._layers = layers

    def parameters(self):
        return iter([torch.zeros(1)])

    def set_attn_implementation(self, kernel):
        self.config._attn_implementation = kernel

    def __call__(self, ids, output_attentions):
        n = ids.shape[1]
        even = torch.tril(torch.ones(n, n))
        even = (even / even.sum(1, keepdim=True))[None, None].repeat(1, 2, 1, 1)
        if self._layers is None:
            return SimpleNamespace(logits=None)
        return SimpleNamespace(attentions=[even if here else None for here in self._layers])


@pytest.mark.parametrize("layers", [(True,), (True, True), (False, True), (True, False, True)])
def test_even_attention_is_one_whatever_layers_have_none(layers):
    network = Network(layers)
    found = looked_at(SimpleNamespace(network=network), PROMPT, REPLY, 1, WHERE)
    assert found == {"instruction": 1.0, "control": 1.0, "distance": 20 + 1 - 15}
    assert network.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("layers", [None, (), (False, False)])
def test_a_network_without_attention_says_so(layers):
    network = Network(layers)
    found = looked_at(SimpleNamespace(network=network), PROMPT, REPLY, 1, WHERE)
    assert found == {"reason": "the network gives no attention weights"}


@pytest.mark.parametrize(("reply", "start"), [([], 0), ([1], 1), ([1], 4)])
def test_nothing_behind_the_thought_is_not_looked_at(reply, start):
    found = looked_at(SimpleNamespace(network=None), PROMPT, reply, start, WHERE)
    assert "no reply" in found["reason"]


def test_maps_for_which_no_memory_is_left_are_not_asked_for(monkeypatch):
    network = Network((True,))
    network.config.num_hidden_layers, network.config.num_attention_heads = 24, 14
    network.config.vocab_size = 1000
    n = len(PROMPT) + len(REPLY)
    needed = 4 * (27 * 14 * n * n + 1000 * n)
    model = SimpleNamespace(network=network)
    monkeypatch.setattr(attention, "available_bytes", lambda: needed)
    assert "instruction" in looked_at(model, PROMPT, REPLY, 1, WHERE)
    monkeypatch.setattr(attention, "available_bytes", lambda: needed - 1)
    found = looked_at(model, PROMPT, REPLY, 1, WHERE)
    assert found == {"reason": f"the maps need {needed:,} bytes, and {needed - 1:,} are left"}


def test_long_sequences_are_left_out():
    found = looked_at(SimpleNamespace(network=None), [1] * 5000, REPLY, 0, WHERE)
    assert "more than" in found["reason"]
