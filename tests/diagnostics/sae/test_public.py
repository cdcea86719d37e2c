"""Public autoencoders: the seam to sae-lens, with a module that stands in for it."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

torch = pytest.importorskip("torch")

from twofold.diagnostics.elicitation.sae.public import public_sae  # noqa: E402
from twofold.errors import ModelError  # noqa: E402

HOOK = "blocks.4.hook_resid_post"


def stand_in(monkeypatch, hook=HOOK, fault=None):
    """A module `sae_lens` with an autoencoder of three latents of width 2: on above a threshold."""
    calls = []

    class SAE:
        def __init__(self):
            self.W_dec = torch.tensor([[3.0, 0.0], [0.0, 0.5], [1.0, 1.0]])
            self.cfg = SimpleNamespace(metadata=SimpleNamespace(hook_name=hook))

        def encode(self, x):
            return torch.relu(x @ self.W_dec.T - 1)

        @classmethod
        def from_pretrained(cls, release, sae_id, device="cuda"):
            calls.append((release, sae_id, device))
            if fault is not None:
                raise fault
            return cls()

    module = ModuleType("sae_lens")
    module.SAE = SAE
    monkeypatch.setitem(sys.modules, "sae_lens", module)
    return calls


def test_a_public_one_is_a_dictionary(monkeypatch):
    calls = stand_in(monkeypatch)
    found = public_sae("gpt2-small", "layer-4")
    assert calls == [("gpt2-small", "layer-4", "cpu")]
    assert (found.n, found.width, found.layer) == (3, 2, 4)
    hidden = torch.tensor([[2.0, 0.0], [0.0, 4.0], [0.0, 0.0]], dtype=torch.bfloat16)
    # 6 - 1, 0, 2 - 1; 0, 2 - 1, 4 - 1
    assert found.latents(hidden).tolist() == [[5, 0, 1], [0, 1, 3], [0, 0, 0]]
    assert found.of(hidden).tolist() == [0, 2, 0]
    assert found.active(hidden).sum(-1).tolist() == [2, 2, 0]
    assert found.direction(1).tolist() == [0.0, 1.0]
    with pytest.raises(ModelError, match="width 2"):
        found.of(torch.zeros(1, 3))
    assert found.digest == public_sae("gpt2-small", "layer-4").digest
    assert found.digest != public_sae("gpt2-small", "layer-5").digest


def test_the_input_of_a_layer_is_the_output_of_the_one_before(monkeypatch):
    stand_in(monkeypatch, hook="blocks.4.hook_resid_pre")
    assert public_sae("a", "b").layer == 3


@pytest.mark.parametrize("hook", ["blocks.4.hook_mlp_out", "blocks.0.hook_resid_pre", None])
def test_one_of_another_place_is_refused(monkeypatch, hook):
    stand_in(monkeypatch, hook=hook)
    with pytest.raises(ModelError, match="not the output of a decoder layer"):
        public_sae("a", "b")


def test_without_sae_lens_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "sae_lens", None)
    with pytest.raises(ModelError, match="pip install sae-lens"):
        public_sae("a", "b")


def test_what_sae_lens_does_not_find_is_named(monkeypatch):
    stand_in(monkeypatch, fault=ValueError("Release a not found"))
    with pytest.raises(ModelError, match=r"cannot load a/b \(Release a not found\)"):
        public_sae("a", "b")
