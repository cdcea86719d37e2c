"""The autoencoder: planted directions are found, noise has none, and a kill changes no bit."""

import json

import pytest

torch = pytest.importorskip("torch")

from twofold.diagnostics.elicitation.sae.autoencoder import Sae  # noqa: E402
from twofold.diagnostics.elicitation.sae.training import SaeTraining, _Run, best_of, gradient  # noqa: E402
from twofold.errors import ModelError, RunError  # noqa: E402

QUICK = SaeTraining(n=6, k=2, epochs=5, batch=32)


def planted(n_states, n, width, k, seed=0):
    """States that are k of n directions each, around a point that is not 0, with a little noise."""
    rng = torch.Generator().manual_seed(seed)
    directions = torch.randn(n, width, generator=rng)
    directions /= directions.norm(dim=-1, keepdim=True)
    chosen = torch.rand(n_states, n, generator=rng).topk(k).indices
    much = torch.rand(n_states, k, generator=rng) + 0.5
    weights = torch.zeros(n_states, n).scatter_(1, chosen, much)
    noise = torch.randn(n_states, width, generator=rng) / width**0.5
    return 10 * weights @ directions + noise + 7 * torch.randn(width, generator=rng), directions


def noise(n_states, width, seed=0):
    return torch.randn(n_states, width, generator=torch.Generator().manual_seed(seed))


def matched(sae, directions):
    """The cosine of each planted direction with the latent that is closest to it."""
    return (sae.decoder_ND @ directions.T).max(0).values


def test_planted_directions_are_found_and_noise_has_none():
    hidden, directions = planted(4000, 8, 32, 2)
    training = SaeTraining(n=8, k=2, epochs=80, batch=128)
    sae, left = best_of(training, range(3), hidden, layer=0)
    assert matched(sae, directions).min() > 0.9
    assert sae.unexplained(hidden) < 0.05 and len(sae.dead(hidden)) == 0
    assert set(left) == {0, 1, 2} and min(left.values()) < 0.03
    assert torch.allclose(sae.decoder_ND.norm(dim=-1), torch.ones(8), atol=1e-6)
    of_noise = training.train(noise(4000, 32), layer=0)
    assert matched(of_noise, directions).mean() < 0.6
    # the best 8 directions, 2 at a time, leave most of the variance of 32 equal ones
    assert of_noise.unexplained(noise(4000, 32)) > 0.7


def test_categories_are_the_planted_ones():
    """States of one direction each, with the latents set to them: of() says which, and never sees scale."""
    directions = torch.eye(4, 6)
    sae = Sae(
        directions, torch.zeros(4), directions, torch.zeros(6), torch.full((6,), 2.0), k=2, at=3
    )
    which = torch.tensor([3, 0, 2, 2, 1])
    hidden = torch.full((6,), 2.0) + directions[which] * torch.tensor(
        [[0.1], [9.0], [2.0], [1.0], [50.0]]
    )
    assert sae.of(hidden).tolist() == which.tolist()
    assert sae.of(hidden.to(torch.bfloat16)).dtype == torch.int64
    # the same states without their centre are read as something else: centring happens at inference
    assert torch.allclose(sae.latents(hidden).max(-1).values, torch.ones(5), atol=1e-5)
    assert sae.n == 4 and sae.width == 6 and sae.layer == 3


def test_the_category_is_the_largest_of_all_latents_also_if_all_are_negative():
    sae = Sae(
        torch.eye(3),
        torch.tensor([-9.0, -7.0, -8.0]),
        torch.eye(3),
        torch.zeros(3),
        torch.zeros(3),
        k=1,
        at=0,
    )
    assert sae.of(torch.zeros(2, 3)).tolist() == [1, 1]
    assert sae.active(torch.zeros(1, 3)).tolist() == [[False, True, False]]


def small_sae():
    rng = torch.Generator().manual_seed(4)
    rows = torch.randn(5, 4, generator=rng)
    rows /= rows.norm(dim=-1, keepdim=True)
    bias = torch.tensor([0.1, -0.2, 0.0, 0.3, -9.0])  # the last one is never among the largest
    return Sae(
        rows * 1.3,
        bias,
        rows,
        torch.full((4,), 0.05),
        torch.tensor([1.0, 0.0, -1.0, 2.0]),
        k=2,
        at=1,
    )


def test_the_unexplained_share_is_that_of_plain_sums():
    sae, hidden = small_sae(), noise(7, 4)
    missed = total = 0.0
    states = []
    for state in hidden:
        x = state - sae.centre_D
        states.append(x / x.norm())
    mean = sum(states) / 7
    for x in states:
        z = [
            float(sum(w * (v - b) for w, v, b in zip(row, x, sae.decoder_bias_D, strict=True)) + c)
            for row, c in zip(sae.encoder_ND, sae.encoder_bias_N, strict=True)
        ]
        kept = sorted(range(5), key=lambda i: -z[i])[:2]
        said = sae.decoder_bias_D + sum(z[i] * sae.decoder_ND[i] for i in kept)
        missed += float(((x - said) ** 2).sum())
        total += float(((x - mean) ** 2).sum())
    assert sae.unexplained(hidden) == pytest.approx(missed / total, rel=1e-5)


def test_dead_latents_are_those_that_no_state_is_made_of():
    sae, hidden = small_sae(), noise(40, 4)
    used = {int(i) for z in sae.latents(hidden) for i in z.topk(2).indices}
    assert 4 not in used and sae.dead(hidden).tolist() == sorted(set(range(5)) - used)
    assert len(sae.dead(hidden[:1])) == 3  # one state is made of two of five


def test_the_gradient_is_that_of_a_graph():
    weights = {
        name: each.clone().requires_grad_()
        for name, each in small_sae().tensors().items()
        if name != "centre_D"
    }
    x = torch.nn.functional.normalize(noise(9, 4), dim=-1)
    z = (x - weights["decoder_bias_D"]) @ weights["encoder_ND"].T + weights["encoder_bias_N"]
    said = torch.zeros_like(z).scatter(1, (top := z.topk(2)).indices, top.values)
    missed = said @ weights["decoder_ND"] + weights["decoder_bias_D"] - x
    loss = missed.square().sum() / (x - x.mean(0)).square().sum()
    loss.backward()
    found = gradient({name: each.detach() for name, each in weights.items()}, x, 2)
    for name, each in found.items():
        assert torch.allclose(each, weights[name].grad, atol=1e-6), name


class _KilledError(Exception):
    pass


@pytest.mark.parametrize("after", [1, 3, 4])
def test_killed_after_any_epoch_it_ends_with_the_same_bits(tmp_path, monkeypatch, after):
    hidden = noise(200, 8)
    whole = QUICK.train(hidden, layer=2, folder=tmp_path / "whole")
    epoch = _Run.epoch

    def until(self):
        if self.n_epochs == after:
            raise _KilledError
        epoch(self)

    with monkeypatch.context() as patched:
        patched.setattr(_Run, "epoch", until)
        with pytest.raises(_KilledError):
            QUICK.train(hidden, layer=2, folder=tmp_path / "killed")
    done = []
    monkeypatch.setattr(_Run, "epoch", lambda self: (done.append(1), epoch(self)))
    again = QUICK.train(hidden, layer=2, folder=tmp_path / "killed")
    assert len(done) == 5 - after
    assert again.digest == whole.digest and again.trained == whole.trained
    for name in ("sae.safetensors", "sae.json", "training.safetensors"):
        there, here = ((tmp_path / each / name).read_bytes() for each in ("whole", "killed"))
        assert there == here, name
    # and what is finished is read, not trained
    assert QUICK.train(hidden, layer=2, folder=tmp_path / "killed").digest == whole.digest
    assert len(done) == 5 - after


def test_the_seed_decides_everything(tmp_path):
    hidden = noise(200, 8)
    first, again, other = (
        SaeTraining(n=6, k=2, epochs=3, batch=32, seed=seed).train(hidden, layer=0)
        for seed in (1, 1, 2)
    )
    assert first.digest == again.digest != other.digest


def test_it_stops_where_nothing_is_gained():
    """States of one point and its opposite: the loss is all but 0 after a few epochs."""
    hidden = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).repeat(100, 1)
    sae = SaeTraining(n=2, k=1, epochs=300, batch=16, patience=3).train(hidden, layer=0)
    told = dict(sae.trained)
    assert told["n_epochs"] == told["best_epoch"] + 3 < 300
    assert told["unexplained_held_out"] < 0.05


def test_other_states_or_settings_in_the_same_folder_are_refused(tmp_path):
    QUICK.train(noise(200, 8), layer=2, folder=tmp_path)
    for training, hidden, layer, why in (
        (QUICK, noise(200, 8, seed=1), 2, "states"),
        (SaeTraining(n=6, k=2, epochs=6, batch=32), noise(200, 8), 2, "settings"),
        (QUICK, noise(200, 8), 1, "layer"),
    ):
        with pytest.raises(RunError, match=f"other {why}"):
            training.train(hidden, layer=layer, folder=tmp_path)


def test_a_saved_one_is_the_same_and_a_mixed_up_one_is_refused(tmp_path):
    sae = small_sae()
    sae.save(tmp_path / "a")
    assert Sae.load(tmp_path / "a").digest == sae.digest
    about = json.loads((tmp_path / "a" / "sae.json").read_text())
    assert (about["n"], about["width"], about["k"], about["layer"]) == (5, 4, 2, 1)
    other = QUICK.train(noise(200, 4), layer=2)
    other.save(tmp_path / "b")
    (tmp_path / "a" / "sae.json").write_bytes((tmp_path / "b" / "sae.json").read_bytes())
    with pytest.raises(ModelError, match="two autoencoders"):
        Sae.load(tmp_path / "a")
    (tmp_path / "b" / "sae.safetensors").write_bytes(b"none")
    with pytest.raises(ModelError, match="cannot be read"):
        Sae.load(tmp_path / "b")
    with pytest.raises(ModelError):
        Sae.load(tmp_path / "missing")


def test_what_does_not_fit_is_named():
    sae = small_sae()
    with pytest.raises(ModelError, match=r"\(3, 5\).*width 4"):
        sae.of(torch.zeros(3, 5))
    with pytest.raises(ModelError, match="width 4"):
        sae.of(torch.zeros(4))
    with pytest.raises(ModelError, match="from 0 to 4"):
        sae.direction(5)
    with pytest.raises(ModelError, match=r"centre_D has the shape \(3,\)"):
        Sae(torch.eye(4), torch.zeros(4), torch.eye(4), torch.zeros(4), torch.zeros(3), k=1, at=0)
    with pytest.raises(ModelError, match="k is 7 of 6 latents"):
        SaeTraining(n=6, k=7)
    with pytest.raises(ModelError, match="epochs is 0"):
        SaeTraining(epochs=0)
    with pytest.raises(ModelError, match="collect at least 64"):
        SaeTraining(n=32).train(noise(63, 4), layer=0)
    broken = noise(100, 4)
    broken[3, 1] = torch.nan
    with pytest.raises(ModelError, match="not finite"):
        QUICK.train(broken, layer=0)
    with pytest.raises(ModelError, match="give \\(states, width\\)"):
        QUICK.train(torch.zeros(4, 5, 6), layer=0)
