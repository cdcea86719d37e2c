"""Steering: every row of a batch alike, no padding, and replies that equal full passes by hand."""

import json

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from twofold.diagnostics.elicitation.layers import hooked, layers_of  # noqa: E402
from twofold.diagnostics.elicitation.sae.autoencoder import Sae  # noqa: E402
from twofold.diagnostics.elicitation.sae.steering import FeatureSteering, steered  # noqa: E402
from twofold.errors import ModelError  # noqa: E402
from twofold.models import resolve  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.models.scripted import ScriptedModel  # noqa: E402
from twofold.problems import pocket  # noqa: E402
from twofold.types import Message, Sampling  # noqa: E402

GREEDY = Sampling(max_tokens=24)


def small(kind="Qwen2", **fields):
    config = getattr(transformers, f"{kind}Config")(
        vocab_size=50,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=2,
        **fields,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return getattr(transformers, f"{kind}ForCausalLM")(config).eval()


IDS = torch.tensor([[1, 2, 3, 4], [0, 5, 6, 7], [0, 0, 8, 9]])
MASK = torch.tensor([[1, 1, 1, 1], [0, 1, 1, 1], [0, 0, 1, 1]])


@pytest.mark.parametrize("kind", ["Qwen2", "Llama"])
def test_all_rows_are_steered_and_no_padding(kind):
    """The trap of transformers 5: `output[0] += v` on a bare tensor steers row 0 alone, silently."""
    network, shift = small(kind), torch.full((16,), 2.0)
    seen = {}

    def keep(name):
        return layers_of(network)[1].register_forward_hook(
            lambda _, __, out: seen.__setitem__(name, out[0] if isinstance(out, tuple) else out)
        )

    with torch.inference_mode():
        hook = keep("plain")
        network(input_ids=IDS, attention_mask=MASK)
        hook.remove()
        hook = keep("steered")
        with steered(network, 1, shift):
            network(input_ids=IDS, attention_mask=MASK)
        hook.remove()
    moved = seen["steered"] - seen["plain"]
    assert torch.allclose(moved[MASK.bool()], shift.expand(9, 16), atol=1e-6)
    assert not moved[~MASK.bool()].any()


def test_the_published_idiom_steers_one_row_which_the_test_above_would_see():
    network = small()

    def idiom(_, __, output):
        output[0][:, :] += 2.0

    with torch.inference_mode():
        plain = network.base_model(input_ids=IDS, attention_mask=MASK).last_hidden_state
        hook = layers_of(network)[1].register_forward_hook(idiom)
        changed = network.base_model(input_ids=IDS, attention_mask=MASK).last_hidden_state
        hook.remove()
    rows = (changed - plain).abs().amax((1, 2)) > 1e-4
    assert rows.tolist() == [True, False, False]


def test_hidden_states_show_the_steering_also_if_they_were_asked_for_before():
    network, shift = small(), torch.ones(16)
    with torch.inference_mode():
        plain = network(input_ids=IDS, attention_mask=MASK, output_hidden_states=True)
        with steered(network, 0, shift):
            found = network(input_ids=IDS, attention_mask=MASK, output_hidden_states=True)
        after = network(input_ids=IDS, attention_mask=MASK, output_hidden_states=True)
    moved = found.hidden_states[1] - plain.hidden_states[1]
    assert torch.allclose(moved[MASK.bool()], shift.expand(9, 16), atol=1e-6)
    assert torch.equal(after.logits, plain.logits)  # and it ends with the context


def test_a_layer_that_returns_a_tuple_keeps_the_rest_of_it():
    class Old(torch.nn.Module):
        def forward(self, hidden):
            return hidden, "cache"

    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList([Old()])

        def forward(self, hidden):
            return self.layers[0](hidden)

    network = Network()
    with hooked(network, 0, lambda h: h + 1):
        hidden, cache = network(torch.zeros(2, 3, 4))
    assert hidden.eq(1).all() and hidden.shape == (2, 3, 4) and cache == "cache"
    with hooked(network, 0, lambda h: None):
        assert network(torch.zeros(2, 3, 4))[0].eq(0).all()


def test_a_mask_that_hides_the_padding_and_another_width_are_refused():
    network = small()
    whole = torch.ones(3, 1, 4, 4, dtype=torch.bool)
    for width, mask, why in (
        (16, whole, "not a matrix of rows and tokens"),
        (8, MASK, "direction of width 8 for hidden states of width 16"),
    ):
        with steered(network, 0, torch.ones(width)), pytest.raises(ModelError, match=why):
            network(input_ids=IDS, attention_mask=mask)


@pytest.fixture(scope="module")
def base():
    return HfModel("pocket", use_cache=False)


@pytest.fixture(scope="module")
def sae():
    rows = torch.randn(4, 128, generator=torch.Generator().manual_seed(2))
    rows /= rows.norm(dim=-1, keepdim=True)
    return Sae(rows, torch.zeros(4), rows, torch.zeros(128), torch.zeros(128), k=2, at=1)


CHATS = [each.messages(stated=()) for each in pocket.suite(6)]


def by_hand(model, chat, layer, shift):
    """The greedy reply from one full pass a token, without batch, padding or cache."""
    ids = list(model.tokenizer(model.render(chat), add_special_tokens=False).input_ids)
    new = []
    while len(new) < GREEDY.max_tokens and not (new and new[-1] in model.eos):
        hook = layers_of(model.network)[layer].register_forward_hook(lambda _, __, out: out + shift)
        with torch.inference_mode():
            logits = model.network(input_ids=torch.tensor([ids + new])).logits[0, -1]
        hook.remove()
        new.append(int(logits.argmax()))
    return tuple(new)


@pytest.mark.parametrize("coefficient", [6.0, -6.0])
def test_the_replies_are_those_of_full_passes_by_hand(base, sae, coefficient):
    model = FeatureSteering(base, sae, 2, coefficient)
    found = [of[0].ids for of in model.sample(CHATS, GREEDY)]
    assert len({len(base.render(chat)) for chat in CHATS}) > 1
    assert found == [by_hand(base, chat, 1, coefficient * sae.direction(2)) for chat in CHATS]
    plain = [of[0].ids for of in base.sample(CHATS, GREEDY)]
    assert found != plain
    assert [of[0].ids for of in FeatureSteering(base, sae, 2, 0.0).sample(CHATS, GREEDY)] == plain


def test_the_cache_of_the_base_never_sees_a_steered_reply(sae, tmp_path, monkeypatch):
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path))
    base = HfModel("pocket")
    plain = base.sample(CHATS[:2], GREEDY)
    first = FeatureSteering(base, sae, 2, 30.0).sample(CHATS[:2], GREEDY)
    assert first != plain and base.sample(CHATS[:2], GREEDY) == plain
    assert FeatureSteering(base, sae, 2, 30.0).sample(CHATS[:2], GREEDY) == first


def test_it_is_a_model_that_can_be_resumed(base, sae):
    model, drawn = FeatureSteering(base, sae, 0, 4.0), Sampling(max_tokens=12, temperature=1.0)
    whole = {(p, g): r for p, g, r in model.stream(CHATS[:3], drawn, n=2, seed=3)}
    assert set(whole) == {(p, g) for p in range(3) for g in range(2)}
    assert whole[0, 0] != whole[0, 1]  # samples differ
    done = {(0, 0), (1, 1), (2, 1), (0, 1)}
    rest = {(p, g): r for p, g, r in model.stream(CHATS[:3], drawn, n=2, seed=3, done=done)}
    assert rest == {at: r for at, r in whole.items() if at not in done}


def test_the_control_is_a_random_direction_of_the_same_norm(base, sae):
    model = FeatureSteering(base, sae, 1, 5.0)
    own, random = model.shift(), model.control().shift()
    assert own.norm() == pytest.approx(5.0, rel=1e-5) and random.norm() == pytest.approx(
        5.0, rel=1e-5
    )
    assert abs(float(own @ random)) / 25 < 0.3
    assert torch.equal(random, model.control().shift())
    assert not torch.equal(random, FeatureSteering(base, sae, 2, 5.0).control().shift())


def test_the_dose_is_relative_to_the_prompts_states(base, sae):
    model = FeatureSteering(base, sae, 1, -5.0)
    wanted = []
    for chat in CHATS:
        ids = base.tokenizer(base.render(chat), add_special_tokens=False).input_ids
        with torch.inference_mode():
            out = base.network(input_ids=torch.tensor([ids]), output_hidden_states=True)
        wanted.append(5.0 / float(out.hidden_states[2][0].norm(dim=-1).mean()))
    found = model.dose(CHATS)
    assert found.value == pytest.approx(sum(wanted) / 6, rel=1e-4) and found.n == 6
    assert found.low < found.value < found.high


def test_the_fingerprint_holds_the_digest_and_no_weights(base, sae):
    model = FeatureSteering(base, sae, 1, 5.0)
    found = json.loads(json.dumps(model.fingerprint()))
    assert found["settings"]["dictionary"] == sae.digest and found["settings"]["layer"] == 1
    assert found["base"] == json.loads(json.dumps(base.fingerprint()))
    for other in (
        model.control(),
        FeatureSteering(base, sae, 2, 5.0),
        FeatureSteering(base, sae, 1, 4.0),
    ):
        assert other.fingerprint() != model.fingerprint()
    assert model.spec == "feature_steering(pocket)"


def test_it_is_a_model_by_its_file(base, sae, tmp_path):
    sae.save(tmp_path / "acts" / "sae")
    file = tmp_path / "steered.yaml"
    file.write_text(
        "kind: feature_steering\nbase: pocket\ndictionary: acts/sae\nlatent: 2\ncoefficient: -30\n"
    )
    model, own = resolve(file), FeatureSteering(base, sae, 2, -30.0)
    assert model.fingerprint() == own.fingerprint()
    assert model.sample(CHATS[:2], GREEDY) == own.sample(CHATS[:2], GREEDY)
    for said, message in (
        ("dictionary: acts", "steered.yaml: cannot read .*sae.json"),
        ("dictionary: {release: r}", "names no autoencoder; write its folder"),
        ("dictionary: {release: r, sae_id: s}", "loaded by sae-lens, which is not installed"),
    ):
        file.write_text(
            f"kind: feature_steering\nbase: pocket\n{said}\nlatent: 2\ncoefficient: 1\n"
        )
        with pytest.raises(ModelError, match=message):
            resolve(file)


def test_what_cannot_be_steered_is_named(base, sae):
    with pytest.raises(ModelError, match="behind a server"):
        FeatureSteering(ScriptedModel({}), sae, 0, 1.0)
    with pytest.raises(ModelError, match="from 0 to 3"):
        FeatureSteering(base, sae, 4, 1.0)
    deep = Sae(
        sae.encoder_ND,
        torch.zeros(4),
        sae.decoder_ND,
        torch.zeros(128),
        torch.zeros(128),
        k=2,
        at=9,
    )
    with pytest.raises(ModelError, match="layer 9 is none"):
        FeatureSteering(base, deep, 0, 1.0).sample([[Message(role="user", content="2?")]], GREEDY)
