"""From two models to a folder that is a MODEL; what it recovers beyond its controls."""

from dataclasses import replace

import pytest

from twofold.diagnostics.elicitation.hybrid import made as made_module
from twofold.diagnostics.elicitation.hybrid.categories import ByActivation, OneCategory
from twofold.diagnostics.elicitation.hybrid.fit import Fit
from twofold.diagnostics.elicitation.hybrid.forced import forced
from twofold.diagnostics.elicitation.hybrid.gates import Divergence
from twofold.diagnostics.elicitation.hybrid.made import Recipe, made, probe_of, replies_of, split
from twofold.diagnostics.elicitation.hybrid.net_recovery import net_recovery
from twofold.errors import ModelError, StatsError
from twofold.models import resolve
from twofold.stats import recovery
from twofold.types import Message, Sampling

SHORT = Sampling(max_tokens=12)
RECIPE = Recipe(fit=Fit(n_hidden=4, epochs=2), seed=1)


def chats(n):
    return {f"p{i}": [Message(role="user", content=f"what is {i}, it is")] for i in range(n)}


def test_a_hybrid_is_made_and_the_same_call_goes_on(models, tmp_path, monkeypatch):
    first = made(*models, chats(30), SHORT, tmp_path / "a", RECIPE)
    assert set(first.held_out) == {"none", "random_vectors", "bias_only"}
    assert first.held_out["none"].nats_before == first.held_out["bias_only"].nats_before
    assert resolve(tmp_path / "a" / "hybrid.yaml").fingerprint() == first.hybrid.fingerprint()
    fits = []
    fitted = made_module.fitted

    def killed(*args, **named):
        if fits:
            raise KeyboardInterrupt
        fits.append(1)
        return fitted(*args, **named)

    with monkeypatch.context() as patch:
        patch.setattr(made_module, "fitted", killed)
        with pytest.raises(KeyboardInterrupt):
            made(*models, chats(30), SHORT, tmp_path / "b", RECIPE)
    again = made(*models, chats(30), SHORT, tmp_path / "b", RECIPE)
    assert again.hybrid.fingerprint() == first.hybrid.fingerprint()
    assert again.held_out == first.held_out


def test_what_cannot_be_saved_is_refused_before_it_is_fitted(models, tmp_path):
    recipe = replace(RECIPE, labelling=ByActivation(OneCategory(), 1))
    with pytest.raises(ModelError, match="no file can name them; save them"):
        made(*models, {}, SHORT, tmp_path / "a", recipe)
    assert not [*(tmp_path / "a").iterdir()]


def test_replies_are_split_by_their_problem_alone(models):
    replies = replies_of(*models, chats(40), SHORT)
    parts = split(replies, 0)
    names = {part: {each.id for each in of} for part, of in parts.items()}
    assert sum(map(len, names.values())) == 40 == len(set().union(*names.values()))
    fewer = split(replies[::2], 0)
    assert all({each.id for each in of} <= names[part] for part, of in fewer.items())
    with pytest.raises(ModelError, match="of 1 replies, none is left for"):
        split(replies[:1], 0)


def test_a_probe_of_a_gate_reads_the_base_alone(models):
    base, tuned = models
    replies = replies_of(base, tuned, chats(20), SHORT)
    gate = Divergence(0.01)
    probe = probe_of(gate, base, tuned, replies, layer=1)
    fired = said = n = 0
    for each in replies:
        read = forced(base.network, tuned.network, each, base_layers={1})
        fired += int(gate.fires(read.step).sum())
        alone = forced(base.network, None, each, base_layers={1})
        said += int(probe.fires(alone.step).sum())
        n += len(each.reply_ids)
    assert 0 < fired < n and said == fired


def test_net_recovery_by_hand():
    base, tuned = [0] * 40, [1] * 20 + [0] * 20
    full, best, other = [1] * 12 + [0] * 28, [0] * 38 + [1] * 2, [1] + [0] * 39
    found = net_recovery(base, tuned, full, {"other": other, "best": best})
    assert found.control == "best" and found.share.value == pytest.approx((12 - 2) / 20)
    assert found.share.low < 0.5 < found.share.high and found.share.n == 40
    plain = recovery(base, tuned, full)
    assert recovery(base, tuned, full, beyond=base).value == plain.value == pytest.approx(0.6)
    nothing = net_recovery(base, tuned, full, {"best": full})
    assert nothing.share.value == 0 and nothing.share.low < 0 < nothing.share.high
    with pytest.raises(StatsError, match="without a control says nothing"):
        net_recovery(base, tuned, full, {})
