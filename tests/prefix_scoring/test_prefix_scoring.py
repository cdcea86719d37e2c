"""Every way of scoring a branch gives what a plain forward over the whole text gives."""

import inspect

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.errors import ModelError
from twofold.prefix_scoring import Branch, Tree, branch_logprobs, score, unpacked, why_not
from twofold.prefix_scoring import passes as passes_module
from twofold.types import OpenModel

VOCABULARY = 97
SMALL = {"vocab_size": VOCABULARY, "hidden_size": 32, "num_hidden_layers": 2}
HEADS = {"num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 48}


class Local(OpenModel):
    """A network of random weights: all that `probes` looks at."""

    def __init__(self, network):
        self._network = network.eval()

    network = property(lambda self: self._network)
    tokenizer = property(lambda self: None)
    spec = property(lambda self: "random")

    def render(self, chat):
        raise NotImplementedError

    decode = continued = render

    def fingerprint(self):
        return {}

    def stream(self, *args, **kwargs):
        raise NotImplementedError


def made(kind, config, **more):
    torch.manual_seed(0)
    return Local(kind(config(**more)))


def llama(**more):
    settings = SMALL | HEADS | more
    return made(transformers.LlamaForCausalLM, transformers.LlamaConfig, **settings)


MODELS = {
    "llama": lambda: llama(),
    "llama, eager": lambda: llama(attn_implementation="eager"),
    "qwen3": lambda: made(
        transformers.Qwen3ForCausalLM, transformers.Qwen3Config, head_dim=8, **SMALL, **HEADS
    ),
    "gpt2": lambda: made(
        transformers.GPT2LMHeadModel,
        transformers.GPT2Config,
        vocab_size=VOCABULARY,
        n_embd=32,
        n_layer=2,
        n_head=4,
    ),
    "mistral, window of 8": lambda: made(
        transformers.MistralForCausalLM,
        transformers.MistralConfig,
        sliding_window=8,
        **SMALL,
        **HEADS,
    ),
    "gemma3, window of 8": lambda: made(
        transformers.Gemma3ForCausalLM,
        transformers.Gemma3TextConfig,
        sliding_window=8,
        head_dim=8,
        **SMALL,
        **HEADS,
    ),
    "mamba": lambda: made(
        transformers.MambaForCausalLM,
        transformers.MambaConfig,
        vocab_size=VOCABULARY,
        hidden_size=32,
        num_hidden_layers=2,
        state_size=4,
    ),
}
BRANCHING = ("llama", "llama, eager", "qwen3", "gpt2")


@pytest.fixture(scope="module", params=MODELS)
def named(request):
    return request.param, MODELS[request.param]()


def truth(model, prefix, branch):
    """One forward over the whole text, nothing kept, nothing packed."""
    ids = torch.tensor([[*prefix, *branch]])
    with torch.inference_mode():
        logprobs = model.network(ids).logits[0].double().log_softmax(-1)
    at = range(len(prefix) - 1, len(prefix) + len(branch) - 1)
    return np.array([float(logprobs[i, t]) for i, t in zip(at, branch, strict=True)])


def drawn(seed, n):
    return [int(i) for i in np.random.default_rng(seed).integers(1, VOCABULARY, n)]


def test_branches_at_every_cut_are_those_of_a_plain_forward(named):
    _, model = named
    prefix, branches = drawn(1, 40), [drawn(2, 3), drawn(3, 1), drawn(4, 9)]
    cuts = [1, 5, 20, 39, 40]
    found = branch_logprobs(model, prefix, cuts, branches)
    for at, cut in zip(found, cuts, strict=True):
        for got, branch in zip(at, branches, strict=True):
            np.testing.assert_allclose(got, truth(model, prefix[:cut], branch), atol=2e-4)


def test_which_networks_support_one_pass_scoring(named):
    name, model = named
    assert (why_not(model.network) == "") == (name in BRANCHING)


def test_chains_of_different_length_go_together(named):
    _, model = named
    trees = [
        Tree(
            tuple(drawn(n, n)),
            tuple(Branch(c, tuple(drawn(c, 4)), given=c % 3) for c in range(1, n, 3)),
        )
        for n in (2, 30, 7, 60, 31)
    ]
    found = dict(score(model, trees))
    assert sorted(found) == [0, 1, 2, 3, 4]
    for i, tree in enumerate(trees):
        for got, branch in zip(found[i], tree.branches, strict=True):
            right = truth(model, tree.trunk[: branch.cut], branch.ids)[branch.given :]
            np.testing.assert_allclose(got.logprobs, right, atol=2e-4)


def test_two_phases_in_pieces_are_the_packed_pass(monkeypatch):
    model = llama()
    tree = Tree(tuple(drawn(0, 50)), tuple(Branch(c, tuple(drawn(c, 5))) for c in range(1, 51)))
    ((_, whole),) = score(model, [tree])
    monkeypatch.setattr(passes_module, "PACKED", 0)
    monkeypatch.setattr(passes_module.Place, "piece", lambda self, n_cached: 7)
    ((_, pieces),) = score(model, [tree])
    for one, other in zip(whole, pieces, strict=True):
        np.testing.assert_allclose(one.logprobs, other.logprobs, atol=2e-5)
        assert (one.greedy == other.greedy).all()


@settings(max_examples=25)
@given(st.data())
def test_any_tree(data):
    """Two kinds of tokens, so that branches share tokens with each other and with the trunk."""
    model = test_any_tree.model
    tokens = st.integers(1, 2)
    trunk = data.draw(st.lists(tokens, min_size=1, max_size=25))
    cuts = st.integers(1, len(trunk))
    ids = st.lists(tokens, min_size=2, max_size=6)
    branches = data.draw(st.lists(st.tuples(cuts, ids, st.integers(0, 1)), min_size=1, max_size=9))
    tree = Tree(tuple(trunk), tuple(Branch(c, tuple(i), given=g) for c, i, g in branches))
    packed, most = data.draw(st.tuples(st.sampled_from([0, 999]), st.integers(1, 12)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passes_module, "PACKED", packed)
        patch.setattr(passes_module.Place, "piece", lambda self, n_cached: max(most, packed))
        ((_, found),) = score(model, [tree])
    for got, branch in zip(found, tree.branches, strict=True):
        right = truth(model, tree.trunk[: branch.cut], branch.ids)[branch.given :]
        np.testing.assert_allclose(got.logprobs, right, atol=2e-4)


def test_tokens_that_follow_the_same_tokens_are_read_once(monkeypatch):
    """Of 21 branch tokens 7 are read: one is the trunk's, 7 those of other branches, 6 come last."""
    model = llama()
    elicited = [Branch(3, (8, 9, answer), given=2) for answer in (10, 11, 10)]
    changed = [Branch(2, (4, 5, 6, 7), given=3), Branch(2, (3, 5, 6, 7), given=3)]
    twice = Branch(2, (4, 5, 6, 7), given=3)
    tree = Tree((1, 2, 3, 4), (*elicited, *changed, twice))
    expected = [truth(model, tree.trunk[: b.cut], b.ids)[b.given :] for b in tree.branches]
    n_read = []
    forward = model.network.forward

    def counting(ids, **more):
        n_read.append(ids.shape[1])
        return forward(ids, **more)

    counting.__signature__ = inspect.signature(forward)
    assert not why_not(model.network)
    monkeypatch.setattr(model.network, "forward", counting)
    for packed, calls in ((999, [3 + 7]), (0, [3, 7])):
        n_read.clear()
        monkeypatch.setattr(passes_module, "PACKED", packed)
        ((_, found),) = score(model, [tree])
        assert n_read == calls
        for got, right in zip(found, expected, strict=True):
            np.testing.assert_allclose(got.logprobs, right, atol=2e-4)


test_any_tree.model = llama()


def test_the_greedy_token_is_the_networks_own():
    model, prefix = llama(), drawn(5, 12)
    with torch.inference_mode():
        first = int(model.network(torch.tensor([prefix])).logits[0, -1].argmax())
    ((_, (found,)),) = score(model, [Tree(tuple(prefix), (Branch(12, (3,)),))])
    assert found.greedy.tolist() == [first]


def test_a_check_stops_on_disagreement(monkeypatch):
    model = llama()
    trees = [Tree(tuple(drawn(i, 9)), (Branch(4, (5, 6)),)) for i in range(3)]
    assert len(list(score(model, trees, n_checked=3))) == 3
    right = passes_module.layout.Row.sees

    def blind(row):
        found = right(row)
        found[:, 0] = False  # nobody sees the first token
        found[0, 0] = True
        return found

    monkeypatch.setattr(passes_module.layout.Row, "sees", blind)
    with pytest.raises(ModelError, match="differs from one-by-one scoring by"):
        list(score(model, trees, n_checked=1))


def test_a_network_that_fails_its_test_is_scored_one_by_one(monkeypatch):
    model = llama()
    right = passes_module.layout.Row.sees
    monkeypatch.setattr(passes_module.layout.Row, "sees", lambda row: np.ones_like(right(row)))
    assert "differed from one-by-one scoring" in why_not(model.network)
    prefix = drawn(6, 20)
    ((found,),) = branch_logprobs(model, prefix, [10], [[1, 2]])
    np.testing.assert_allclose(found, truth(model, prefix[:10], [1, 2]), atol=2e-4)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Branch(0, (1, 2)), "follows nothing"),
        (lambda: Branch(3, ()), "scores nothing"),
        (lambda: Branch(3, (1,), given=1), "scores nothing"),
        (lambda: Branch(-1, (1,)), "count from 0"),
        (lambda: Tree((1, 2), (Branch(3, (1,)),)), "which has 2 tokens"),
    ],
)
def test_what_cannot_be_scored_is_refused(build, words):
    with pytest.raises(ModelError, match=words):
        build()


def test_a_tree_without_branches_is_an_empty_list():
    assert list(score(llama(), [Tree((1,), ())])) == [(0, [])]


def test_the_cache_of_one_piece_is_not_seen_by_the_next():
    model = llama()
    prefix = drawn(7, 30)
    alone = branch_logprobs(model, prefix, [30], [[4, 5]])[0][0]
    crowd = branch_logprobs(model, prefix, [30], [drawn(i, 3) for i in range(200)] + [[4, 5]])
    np.testing.assert_allclose(crowd[0][-1], alone, atol=2e-5)


def test_any_of_the_stops_may_come_next(named):
    _, model = named
    prefix, branch, stops = drawn(8, 25), drawn(9, 3), (4, 11, 60)
    tree = Tree(tuple(prefix), tuple(Branch(c, tuple(branch), stops=stops) for c in (3, 25)))
    ((_, found),) = score(model, [tree], n_checked=1)
    for cut, got in zip((3, 25), found, strict=True):
        ends = [truth(model, prefix[:cut], [*branch, stop])[-1] for stop in stops]
        right = [*truth(model, prefix[:cut], branch), np.logaddexp.reduce(ends)]
        np.testing.assert_allclose(got.logprobs, right, atol=2e-4)
        assert len(got.greedy) == 4


@pytest.mark.parametrize("keeps", [True, False])
@torch.inference_mode()
def test_branches_one_by_one_ask_for_a_bounded_number_of_logits(monkeypatch, keeps):
    model = llama()
    tree = Tree(tuple(range(1, 41)), tuple(Branch(cut, (5, 6, 7)) for cut in range(10, 40, 3)))
    place = passes_module.Place(model.network)
    kept = unpacked.scored(place, tree)
    made = []
    forward = model.network.forward

    def counting(ids, logits_to_keep=0):
        out = forward(ids, logits_to_keep=logits_to_keep)
        made.append(out.logits.shape)
        return out

    def without(ids):
        return counting(ids)

    monkeypatch.setattr(model.network, "forward", counting if keeps else without)
    most = 4 * VOCABULARY * 45
    monkeypatch.setattr(unpacked, "MOST_BYTES", most)
    found = unpacked.scored(place, tree)
    assert len(made) > 1, "all branches fit at once into 4,096 tokens"
    assert all(4 * np.prod(shape) <= most for shape in made if shape[0] > 1)
    assert sum(shape[0] for shape in made) == len(tree.branches)
    assert max(a.furthest(b) for a, b in zip(found, kept, strict=True)) < 1e-5
