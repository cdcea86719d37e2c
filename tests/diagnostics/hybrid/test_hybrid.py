"""Hybrids and cross-sampling as models: resumable, saved, refused with the reason, and their controls."""

import shutil

import pytest
import torch
import yaml
from tiny_llama import tiny_tokenizer
from tiny_pairs import saved, tiny

from twofold.diagnostics.elicitation.hybrid.categories import (
    ByActivation,
    Categories,
    OneCategory,
    SavedCategories,
)
from twofold.diagnostics.elicitation.hybrid.cross_sampling import CrossSampling
from twofold.diagnostics.elicitation.hybrid.gates import ArgmaxDiffers, AtRandom, Budget, Divergence
from twofold.diagnostics.elicitation.hybrid.probe import Probe
from twofold.diagnostics.elicitation.hybrid.steered import Hybrid
from twofold.diagnostics.elicitation.hybrid.vectors import Vectors
from twofold.errors import ModelError
from twofold.models import resolve
from twofold.models.hf import HfModel
from twofold.models.scripted import ScriptedModel
from twofold.runs.audit import audit
from twofold.types import Message, Problem, Sampling, Share

ASKED = [[Message(role="user", content="what is two" + " and two" * i)] for i in range(5)]
SAMPLED = Sampling(max_tokens=16, temperature=1.0)


class Halves:
    """Two categories, by the sign of one coordinate; loaded from a file by a test."""

    n = 2

    @classmethod
    def load(cls, path):
        assert path.read_text() == "halves"
        return cls()

    def of(self, hidden_BD):
        return (hidden_BD[:, 0] > 0).long()


def vectors(n=1, *, n_hidden=4, layer=1, size=5.0):
    found = Vectors(n, 32, layer=layer, n_hidden=n_hidden, seed=3).requires_grad_(False)
    found.vectors_KD.copy_(size * torch.randn(n, 32, generator=torch.Generator().manual_seed(n)))
    return found


@pytest.fixture
def cross(models):
    return CrossSampling(*models, Divergence(0.01))


@pytest.fixture
def hybrid(models):
    return Hybrid(*models, ArgmaxDiffers(), vectors=vectors(), bias=vectors(n_hidden=0))


@pytest.mark.parametrize("kind", ["cross", "hybrid"])
def test_it_is_a_model_that_can_be_resumed_and_shared(kind, request):
    model = request.getfixturevalue(kind)
    whole = {(p, g): r for p, g, r in model.stream(ASKED, SAMPLED, n=2)}
    assert set(whole) == {(p, g) for p in range(5) for g in range(2)}
    assert len({each.ids for each in whole.values()}) == 10
    done = {(0, 1), (3, 0)}
    rest = {(p, g): r for p, g, r in model.stream(ASKED, SAMPLED, n=2, done=done)}
    assert rest == {at: r for at, r in whole.items() if at not in done}
    parts = [{} for _ in range(2)]
    for rank, part in enumerate(parts):
        for p, g, r in model.stream(ASKED, SAMPLED, n=2, share=Share(rank, 2)):
            part[p, g] = r
    assert not parts[0].keys() & parts[1].keys() and parts[0] | parts[1] == whole
    assert whole != {(p, g): r for p, g, r in model.stream(ASKED, SAMPLED, n=2, seed=1)}


def test_without_a_single_firing_it_is_the_base_and_with_all_the_tuned_model(models):
    base, tuned = models
    for gate, same in ((AtRandom(rate=0), base), (AtRandom(rate=1), tuned)):
        found = CrossSampling(base, tuned, gate).sample(ASKED, SAMPLED)
        expected = [[each.ids for each in of] for of in same.sample(ASKED, SAMPLED)]
        assert [[each.ids for each in of] for of in found] == expected
        assert base.sample(ASKED, SAMPLED) != tuned.sample(ASKED, SAMPLED)


def test_the_share_of_inserted_tokens_is_told(models):
    (each, *_) = CrossSampling(*models, AtRandom(rate=1), Budget(most=4)).elicited(ASKED, SAMPLED)
    assert each.n_acted == 4 and each.n_tokens == len(each.response.ids) > 4


def test_what_cannot_be_routed_is_refused_with_the_reason(models, pair, tmp_path):
    base, tuned = models
    tokenizer = tiny_tokenizer()
    tokenizer.add_tokens(["<plan>"])
    other = HfModel(str(saved(tiny(vocabulary=len(tokenizer)), tmp_path / "other", tokenizer)))
    with pytest.raises(ModelError, match=r"have different tokens .*'<plan>' has no id and the id"):
        CrossSampling(base, other, Divergence()).sample(ASKED[:1], SAMPLED)
    with pytest.raises(ModelError, match="works on the networks of local checkpoints"):
        CrossSampling(base, ScriptedModel({}), Divergence())
    with pytest.raises(ModelError, match="reads the tuned model, and none is named; add `tuned`"):
        Hybrid(base, None, Divergence(), vectors=vectors())
    with pytest.raises(ModelError, match="for 2 categories, and the labelling has 1"):
        Hybrid(base, tuned, Divergence(), vectors=vectors(2))
    with pytest.raises(ModelError, match="are 16 wide, and layer 1 is 32"):
        narrow = Vectors(1, 16, layer=1, n_hidden=0)
        Hybrid(base, None, AtRandom(rate=1), vectors=narrow).sample(ASKED[:1], SAMPLED)


def test_a_prompt_without_room_fails_alone(models):
    long = [Message(role="user", content="two and " * 200)]
    found = CrossSampling(*models, Divergence()).sample([long, ASKED[0]], SAMPLED)
    assert "the context of the shorter model 256; shorten the prompt" in found[0][0].error
    assert found[1][0].ids


def test_a_saved_hybrid_is_a_model_of_that_name(hybrid, tmp_path):
    file = hybrid.save(tmp_path / "made")
    assert sorted(each.name for each in file.parent.iterdir()) == [
        "bias.safetensors",
        "hybrid.yaml",
        "vectors.safetensors",
    ]
    again = resolve(file)
    assert again.spec == str(file)
    assert again.fingerprint() == hybrid.fingerprint()
    assert again.sample(ASKED, SAMPLED) == hybrid.sample(ASKED, SAMPLED)
    others = [
        Hybrid(hybrid.base, hybrid.tuned, hybrid.gate, vectors=vectors(size=4.0), bias=hybrid.bias),
        Hybrid(hybrid.base, hybrid.base, hybrid.gate, vectors=hybrid.vectors, bias=hybrid.bias),
        *hybrid.controls(rate=0.1).values(),
        hybrid.controls(rate=0.1, seed=1)["random_vectors"],
    ]
    prints = [str(each.fingerprint()) for each in (hybrid, *others)]
    assert len(set(prints)) == len(prints)


def test_a_moved_folder_with_its_models_still_resolves(pair, tmp_path):
    for each in pair:
        shutil.copytree(each, tmp_path / "here" / each.name)
    base = HfModel(str(tmp_path / "here" / "base"))
    Hybrid(base, None, AtRandom(rate=0.5), vectors=vectors()).save(tmp_path / "here" / "hybrid")
    (tmp_path / "here").rename(tmp_path / "there")
    found = resolve(tmp_path / "there" / "hybrid" / "hybrid.yaml")
    assert found.sample(ASKED[:1], SAMPLED)[0][0].ids


def test_categories_of_a_file_are_loaded_again(models, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source = "class Halves:\n    n = 2\n    @classmethod\n    def load(cls, path):\n        return cls()\n"
    source += "    def of(self, hidden_BD):\n        return (hidden_BD[:, 0] > 0).long()\n"
    (tmp_path / "halves_of_a_test.py").write_text(source)
    (tmp_path / "sae.safetensors").write_text("halves")
    named = SavedCategories("halves_of_a_test:Halves", tmp_path / "sae.safetensors")
    hybrid = Hybrid(
        *models, ArgmaxDiffers(), vectors=vectors(2), labelling=ByActivation(Halves(), 2, named)
    )
    again = resolve(hybrid.save(tmp_path / "made"))
    assert again.fingerprint() == hybrid.fingerprint()
    assert again.sample(ASKED, SAMPLED) == hybrid.sample(ASKED, SAMPLED)
    unnamed = Hybrid(
        *models, ArgmaxDiffers(), vectors=vectors(2), labelling=ByActivation(Halves(), 2)
    )
    with pytest.raises(ModelError, match="save them, and load them from their file"):
        unnamed.save(tmp_path / "not")
    assert isinstance(Halves(), Categories) and isinstance(OneCategory(), Categories)


def test_every_control_replaces_one_part(models):
    labelling = ByActivation(Halves(), 2)
    full = Hybrid(
        *models, ArgmaxDiffers(), vectors=vectors(2), labelling=labelling, bias=vectors(n_hidden=0)
    )
    controls = full.controls(rate=0.25, seed=3)
    assert list(controls) == [
        "random_vectors",
        "random_category",
        "random_positions",
        "bias_only",
        "token_injection",
    ]
    replies = {name: each.sample(ASKED, SAMPLED) for name, each in controls.items()}
    replies["none"] = full.sample(ASKED, SAMPLED)
    texts = [str(each) for each in replies.values()]
    assert len(set(texts)) == len(texts)
    injected = CrossSampling(*models, ArgmaxDiffers()).sample(ASKED, SAMPLED)
    assert replies["token_injection"] == injected
    acted = list(controls["random_positions"].elicited(ASKED, Sampling(max_tokens=64)))
    n = sum(each.n_tokens for each in acted)
    assert abs(sum(each.n_acted for each in acted) / n - 0.25) < 4 * (0.25 * 0.75 / n) ** 0.5
    with pytest.raises(ModelError, match="random_positions needs `rate`"):
        Hybrid(*models, Divergence(), vectors=vectors(), control="random_positions")
    with pytest.raises(ModelError, match="bias_only needs `bias`"):
        Hybrid(*models, Divergence(), vectors=vectors(), control="bias_only")
    one = Hybrid(*models, Divergence(), vectors=vectors())
    assert set(one.controls(rate=0.1)) == {"random_vectors", "random_positions", "token_injection"}


def test_a_hybrid_is_audited_by_its_file(models, tmp_path):
    """A deployable one: the gate reads the base alone, and no tuned model is named."""
    probe = Probe(1, torch.ones(32), 0.0)
    file = Hybrid(models[0], None, probe, vectors=vectors()).save(tmp_path / "made")
    assert "tuned" not in yaml.safe_load(file.read_text())
    problems = [Problem(question=f"What is {i} + 2?", answer=str(i + 2)) for i in range(2)]
    found = audit(resolve(file), problems, out=tmp_path / "run")
    assert audit(resolve(file), problems, out=tmp_path / "run").findings == found.findings
