"""A planted vector is found, its controls are not, and a killed fit goes on to the same numbers."""

import pytest
import torch
from tiny_pairs import tiny

from twofold.diagnostics.elicitation.hybrid import fit as fit_module
from twofold.diagnostics.elicitation.hybrid.categories import ByActivation, OneLabel
from twofold.diagnostics.elicitation.hybrid.fit import Fit, by_category, fitted, recovered
from twofold.diagnostics.elicitation.hybrid.forced import Example, forced
from twofold.diagnostics.elicitation.hybrid.positions import disagreements, steered_logits
from twofold.diagnostics.elicitation.hybrid.upper_layers import UpperLayers
from twofold.diagnostics.elicitation.hybrid.vectors import Vectors
from twofold.errors import ModelError
from twofold.models.decode import PlannedRow, decode
from twofold.types import Sampling

LAYER, N, WIDTH = 1, 72, 16


def planted():
    """A base, and itself with a vector added to one layer's output: one exists by construction."""
    settings = {"mlp_bias": True, "width": WIDTH, "depth": 3, "vocabulary": 100}
    base, tuned = tiny(**settings), tiny(**settings)
    for network in (base, tuned):
        for layer in network.model.layers:
            for each in (layer.mlp.gate_proj, layer.mlp.up_proj, layer.mlp.down_proj):
                each.bias.zero_()
    rng = torch.Generator().manual_seed(2)
    tuned.model.layers[LAYER].mlp.down_proj.bias.copy_(torch.randn(WIDTH, generator=rng))
    return base, tuned


@pytest.fixture(scope="module")
def networks():
    return planted()


@pytest.fixture(scope="module")
def positions(networks):
    found = disagreements(networks, greedy(networks[1]), OneLabel(), layer=LAYER)
    return found[: N - 16], found[N - 16 :]


def greedy(network):
    """Replies whose every token is the tuned model's likeliest."""
    prompts = [tuple(range(3 + i, 9 + i)) for i in range(N)]
    with torch.inference_mode():
        new = decode(
            network, [PlannedRow(p, i, 24) for i, p in enumerate(prompts)], Sampling(), eos=()
        )
    return [
        Example(f"p{i}", p, p, tuple(ids))
        for i, (p, ids) in enumerate(zip(prompts, new, strict=True))
    ]


def test_each_position_is_steered_alone(networks):
    """The pass over all positions of a reply equals one plain pass for each, changed at its end."""
    base, _ = networks
    reply = greedy(networks[1])[0]
    (of,) = disagreements(networks, [reply], OneLabel(), layer=LAYER)
    vectors = Vectors(1, WIDTH, layer=LAYER, n_hidden=0).requires_grad_(False)
    vectors.vectors_KD.fill_(0.7)
    with torch.no_grad():
        found = steered_logits(base, UpperLayers(base, LAYER), of, vectors)
    ids = [*reply.base_ids, *reply.reply_ids]
    assert len(of.at_P) > 5
    for place, token, logits in zip(of.at_P.tolist(), of.token_P.tolist(), found, strict=True):

        def hook(_, __, output):
            output = output.clone()
            output[0, -1] += 0.7
            return output

        handle = base.model.layers[LAYER].register_forward_hook(hook)
        with torch.inference_mode():
            expected = base(torch.tensor([ids[: place + 1]])).logits[0, -1]
            handle.remove()
            plain = base(torch.tensor([ids[: place + 1]])).logits[0, -1]
        assert torch.allclose(logits, expected, atol=1e-3)
        assert ids[place + 1] == token != int(plain.argmax())


def test_all_disagreements_are_found_and_at_most_so_many_a_category(networks):
    reply = greedy(networks[1])[0]
    step = forced(*networks, reply).step
    differ = step.base.logits_BV.argmax(-1) != torch.tensor(reply.reply_ids)
    (all_,) = disagreements(networks, [reply], OneLabel(), layer=LAYER)
    assert len(all_.at_P) == int(differ.sum()) > 3
    (few,) = disagreements(networks, [reply], OneLabel(), layer=LAYER, most=3)
    assert len(few.at_P) == 3 and set(few.at_P.tolist()) < set(all_.at_P.tolist())

    class ByOneCoordinate:
        n = 2

        def of(self, hidden_BD):
            return (hidden_BD[:, 3] > 0).long()

    sorted_ = ByActivation(ByOneCoordinate(), 2)
    (two,) = disagreements(networks, [reply], sorted_, layer=LAYER, most=3)
    hidden = forced(*networks, reply, tuned_layers={2}).step.tuned.hidden[2]
    assert two.label_P.tolist() == (hidden[two.at_P - 5, 3] > 0).long().tolist()
    assert max(torch.bincount(two.label_P)) <= 3


def test_a_planted_vector_is_found_and_its_controls_are_not(networks, positions):
    base, tuned = networks
    train, held_out = positions
    settings = Fit(n_hidden=0, vector_rate=0.05, epochs=12, patience=4)
    vectors = fitted(base, LAYER, 1, train, held_out, settings)
    found = recovered(base, LAYER, held_out, vectors)
    assert found.top1.low > 0.5 and found.nats.high < found.nats_before.low
    assert found.top1.n == len(held_out) == 16 and found.n_positions > 100
    planted = tuned.model.layers[LAYER].mlp.down_proj.bias
    alike = torch.cosine_similarity(vectors.vectors_KD[0], planted, dim=0)
    assert alike > 0.5
    norm = vectors.vectors_KD.norm()
    for seed in range(2):
        control = vectors.randomised(seed)
        assert torch.isclose(control.vectors_KD.norm(), norm)
        assert recovered(base, LAYER, held_out, control).top1.high < found.top1.low
    nothing = Vectors(1, WIDTH, layer=LAYER, n_hidden=0).requires_grad_(False)
    assert recovered(base, LAYER, held_out, nothing).top1.value == 0  # by construction


SMALL = Fit(n_hidden=8, epochs=5, batch=6, seed=4)


def test_a_killed_fit_goes_on_to_the_same_numbers(networks, positions, tmp_path, monkeypatch):
    base, _ = networks
    train, held_out = positions[0][:12], positions[1][:4]
    whole = fitted(base, LAYER, 1, train, held_out, SMALL)
    state, epochs = tmp_path / "fit.safetensors", []
    epoch = fit_module._Work.epoch

    def killed(self, *args):
        if len(epochs) == 2:
            raise KeyboardInterrupt
        epochs.append(1)
        epoch(self, *args)

    with monkeypatch.context() as patch:
        patch.setattr(fit_module._Work, "epoch", killed)
        with pytest.raises(KeyboardInterrupt):
            fitted(base, LAYER, 1, train, held_out, SMALL, state=state)
    assert all(not each.requires_grad for each in base.parameters())

    def counted(self, *args):
        epochs.append(1)
        epoch(self, *args)

    monkeypatch.setattr(fit_module._Work, "epoch", counted)
    resumed = fitted(base, LAYER, 1, train, held_out, SMALL, state=state)
    assert len(epochs) == 5
    for name, each in whole.state_dict().items():
        assert torch.equal(each, resumed.state_dict()[name])
    with pytest.raises(ModelError, match="of a fit with other settings or positions"):
        fitted(base, LAYER, 1, train[1:], held_out, SMALL, state=state)
    other = fitted(base, LAYER, 1, train, held_out, Fit(n_hidden=8, epochs=5, seed=5))
    assert not torch.equal(whole.vectors_KD, other.vectors_KD)


def test_a_fit_stops_without_progress_and_keeps_the_best(networks, positions, monkeypatch):
    base, _ = networks
    train, held_out = positions[0][:12], positions[1][:4]
    settings = Fit(n_hidden=0, vector_rate=3.0, epochs=12, patience=2)  # far too fast
    seen = []
    epoch = fit_module._Work.epoch

    def watched(self, *args):
        epoch(self, *args)
        seen.append((self._state.losses[-1], self._vectors.vectors_KD.detach().clone()))

    monkeypatch.setattr(fit_module._Work, "epoch", watched)
    vectors = fitted(base, LAYER, 1, train, held_out, settings)
    best = min(range(len(seen)), key=lambda i: seen[i][0])
    assert torch.equal(vectors.vectors_KD, seen[best][1])
    assert len(seen) == min(best + 1 + 2, 12) < 12


def test_a_rare_category_counts_as_much():
    loss = by_category(torch.tensor([1.0, 3.0, 10.0]), torch.tensor([0, 0, 4]))
    assert float(loss) == 6


def test_vectors_survive_their_file(tmp_path):
    vectors = Vectors(3, 8, layer=2, n_hidden=4, seed=1)
    with torch.no_grad():
        vectors.vectors_KD.copy_(torch.arange(24).reshape(3, 8))
    vectors.save(tmp_path / "v.safetensors")
    found = Vectors.load(tmp_path / "v.safetensors")
    hidden, label = torch.ones(3, 8), torch.tensor([2, 0, 1])
    assert torch.equal(found.shift(hidden, label), vectors.shift(hidden, label))
    assert found.fingerprint() == vectors.fingerprint() != vectors.randomised(0).fingerprint()
    bare = Vectors(3, 8, layer=2, n_hidden=0)
    bare.save(tmp_path / "b.safetensors")
    assert Vectors.load(tmp_path / "b.safetensors").strength(hidden, label).tolist() == [1, 1, 1]
    (tmp_path / "n.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="cannot be read"):
        Vectors.load(tmp_path / "n.safetensors")
