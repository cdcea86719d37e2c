"""Feature scores: rates and differences by hand, within a problem, corrected for many latents."""

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from twofold.diagnostics.elicitation.sae.activations import Activations  # noqa: E402
from twofold.diagnostics.elicitation.sae.autoencoder import Sae  # noqa: E402
from twofold.diagnostics.elicitation.sae.scores import differences, rates, right_versus_wrong  # noqa: E402
from twofold.errors import StatsError  # noqa: E402


def test_a_rate_is_the_share_of_a_replys_states():
    sae = Sae(torch.eye(3), torch.zeros(3), torch.eye(3), torch.zeros(3), torch.zeros(3), k=1, at=0)
    hidden = torch.eye(3)[[0, 0, 1, 2, 2]]
    reply, span = torch.tensor([0, 0, 0, 2, 2]), torch.zeros(5, 2, dtype=torch.int64)
    found = rates(sae, Activations(hidden, reply, span), 3)
    assert found[0].tolist() == pytest.approx([2 / 3, 1 / 3, 0])
    assert np.isnan(found[1]).all() and found[2].tolist() == [0, 0, 1]


def test_the_latent_that_changed_is_found_among_many():
    """One of 40 latents is on in three quarters of the tuned replies and in a quarter of the base's."""
    rng = np.random.default_rng(0)
    before = {p: (rng.random(40) < 0.4).astype(float) for p in range(60)}
    after = {p: (rng.random(40) < 0.4).astype(float) for p in range(60)}
    for p in range(60):
        before[p][7], after[p][7] = float(p % 4 == 0), float(p % 4 > 0)
    after[99] = np.ones(40)  # not on both sides
    scores = differences(before, after, n_unscored=2)
    assert [each.latent for each in scores if each.is_significant] == [7]
    top = scores[0].comparison
    assert top.difference.value == 0.5 and top.difference.n == 60 and top.difference.n_unscored == 2
    assert top.p_adjusted == pytest.approx(min(1, 40 * top.p))
    assert len(scores) == 40
    # the control: the same replies on both sides
    assert not any(each.is_significant for each in differences(before, before))


def test_right_is_compared_with_wrong_within_a_problem():
    """Latent 0 is of easy problems, which have no wrong reply; latent 1 is of right ones everywhere."""
    rows, problems, correct = [], [], []
    for p in range(20):
        easy = p % 2 == 0
        for i in range(4):
            right = easy or i < 2
            rows.append([float(easy), float(right)])
            problems.append(p)
            correct.append(float(right))
    rows.append([1.0, 1.0])
    problems.append(77)
    correct.append(None)
    found = right_versus_wrong(np.array(rows), problems, correct)
    assert found.n_one_kind == 10
    by_latent = {each.latent: each for each in found.scores}
    assert by_latent[0].comparison.difference.value == 0.0
    assert by_latent[1].comparison.difference.value == 1.0 and by_latent[1].is_significant
    assert by_latent[1].comparison.difference.n == 10
    assert by_latent[1].comparison.difference.n_unscored == 1


def test_more_latents_than_the_test_can_correct_for_are_refused():
    """With 100 the surest difference of many problems is significant, with 101 it could not be."""
    off, on = np.zeros(101), np.ones(101) * 0.9
    before = {p: off + 0.01 * (p % 7) for p in range(60)}
    after = {p: on - 0.01 * (p % 5) for p in range(60)}
    fewer = [{p: side[p][:100] for p in side} for side in (before, after)]
    assert all(each.is_significant for each in differences(*fewer))
    with pytest.raises(StatsError, match="101 latents"):
        differences(before, after)


def test_without_a_problem_of_both_kinds_nothing_is_said():
    with pytest.raises(StatsError, match="both sides"):
        right_versus_wrong(np.zeros((3, 2)), [0, 1, 2], [1.0, 0.0, 1.0])
    with pytest.raises(StatsError, match="both sides"):
        right_versus_wrong(np.full((2, 2), math.nan), [0, 0], [1.0, 0.0])
