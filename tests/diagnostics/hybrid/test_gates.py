"""Gates by hand, and a probe that learns one from the base's activations alone."""

import math

import pytest
import torch

from twofold.diagnostics.elicitation.hybrid.categories import ByActivation, RandomLabel
from twofold.diagnostics.elicitation.hybrid.gates import (
    ArgmaxDiffers,
    AtRandom,
    Budget,
    Divergence,
    InCategory,
    jensen_shannon,
)
from twofold.diagnostics.elicitation.hybrid.probe import Probe
from twofold.diagnostics.elicitation.hybrid.reader import Reading
from twofold.diagnostics.elicitation.hybrid.step import Step
from twofold.errors import ModelError


def step(base, tuned=None, *, hidden=None, n_new=None):
    base_BV = torch.tensor(base).log()
    of_tuned = None if tuned is None else Reading(torch.tensor(tuned).log(), hidden or {})
    rows = len(base)
    return Step(Reading(base_BV, hidden or {}), of_tuned, range(rows), n_new or [0] * rows)


def test_where_the_likeliest_tokens_differ():
    at = step([[0.6, 0.4], [0.6, 0.4]], [[0.51, 0.49], [0.49, 0.51]])
    assert ArgmaxDiffers().fires(at).tolist() == [False, True]


def test_the_divergence_by_hand():
    p, q = [0.5, 0.3, 0.2], [0.2, 0.2, 0.6]
    m = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    by_hand = (
        sum(a * math.log(a / c) + b * math.log(b / c) for a, b, c in zip(p, q, m, strict=True)) / 2
    )
    at = step([p, p], [q, p])
    assert jensen_shannon(*at.both_BV)[0].item() == pytest.approx(by_hand, rel=1e-4)
    assert Divergence(by_hand - 1e-3).fires(at).tolist() == [True, False]
    assert Divergence(by_hand + 1e-3).fires(at).tolist() == [False, False]
    never = torch.tensor([[0.0, -torch.inf]]), torch.tensor([[-torch.inf, 0.0]])
    assert jensen_shannon(*never).item() == pytest.approx(math.log(2))


class Fourths:
    n = 4

    def of(self, hidden_BD):
        return hidden_BD[:, 0].long()


def test_chosen_categories():
    labelling = ByActivation(Fourths(), 2)
    gate = InCategory(labelling, (1, 3))
    at = step([[0.5, 0.5]] * 4, [[0.5, 0.5]] * 4, hidden={2: torch.arange(4.0)[:, None]})
    assert gate.fires(at).tolist() == [False, True, False, True]
    assert gate.tuned_layers == {2}
    with pytest.raises(ModelError, match="no category 4; the labelling has 0 to 3"):
        InCategory(labelling, (4,))


def test_random_draws_are_even_and_depend_on_row_place_and_seed_alone():
    rows = 4000
    at = step([[0.5, 0.5]] * rows, n_new=[7] * rows)
    fired = AtRandom(rate=0.3).fires(at)
    assert abs(fired.double().mean().item() - 0.3) < 4 * (0.21 / rows) ** 0.5
    assert torch.equal(fired, AtRandom(rate=0.3).fires(at))
    for other in (
        AtRandom(rate=0.3, seed=1).fires(at),
        AtRandom(rate=0.3).fires(step([[0.5, 0.5]] * rows)),
    ):
        assert abs((fired == other).double().mean().item() - 0.58) < 0.04  # .3^2 + .7^2
    counts = torch.bincount(RandomLabel(5).of(at), minlength=5)
    assert all(abs(n / rows - 0.2) < 4 * (0.16 / rows) ** 0.5 for n in counts.tolist())


def test_a_budget_by_hand():
    tenth = Budget(share=0.1)
    acted, places = 0, []
    for n in range(31):
        if tenth.allows(acted, n):
            acted += 1
            places.append(n)
    assert places == [0, 10, 20, 30]
    assert [Budget(most=2).allows(n, 50) for n in (0, 1, 2)] == [True, True, False]
    assert not Budget(share=0.0).allows(0, 0) and Budget().allows(1000, 1000)


def test_a_probe_learns_a_gate_and_fires_as_often(tmp_path):
    rng = torch.Generator().manual_seed(0)
    hidden = torch.randn(2000, 6, generator=rng) * torch.tensor([1, 1, 50.0, 1, 1, 0.01]) + 3
    fired = (hidden[:, 1] - 3 + 0.3 * torch.randn(2000, generator=rng)) > 1
    probe = Probe.fitted(2, hidden[:1000], fired[:1000])
    at = Step(Reading(torch.zeros(1000, 2), {2: hidden[1000:]}), None, range(1000), [0] * 1000)
    said, truth = probe.fires(at), fired[1000:]
    assert (said == truth).double().mean() > 0.9
    assert abs(said.double().mean() - truth.double().mean()) < 0.05
    own = Step(Reading(torch.zeros(1000, 2), {2: hidden[:1000]}), None, range(1000), [0] * 1000)
    assert int(probe.fires(own).sum()) == int(fired[:1000].sum())
    probe.save(tmp_path / "probe.safetensors")
    again = Probe.load(tmp_path / "probe.safetensors")
    assert again.fingerprint() == probe.fingerprint()
    assert torch.equal(again.fires(at), said)
    with pytest.raises(ModelError, match="fired nowhere or everywhere"):
        Probe.fitted(2, hidden, torch.zeros(2000))
    (tmp_path / "x.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="cannot be read"):
        Probe.load(tmp_path / "x.safetensors")
