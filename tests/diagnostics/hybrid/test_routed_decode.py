"""The step decoder against plain passes over the whole reply, without any cache, row by row."""

import pytest
import torch
from tiny_pairs import nudged, tiny

from twofold.diagnostics.elicitation.hybrid.actions import Steer, TakeTuned
from twofold.diagnostics.elicitation.hybrid.categories import ByActivation, OneLabel
from twofold.diagnostics.elicitation.hybrid.gates import ArgmaxDiffers, AtRandom, Budget, Divergence
from twofold.diagnostics.elicitation.hybrid.reader import Reader
from twofold.diagnostics.elicitation.hybrid.routed_decode import Route, RoutedRow, decode_routed
from twofold.diagnostics.elicitation.hybrid.vectors import Vectors
from twofold.errors import ModelError
from twofold.models.decode import PlannedRow, decode
from twofold.types import Sampling

STEPS, LAYER, TUNED_LAYER = 64, 1, 2
GREEDY = Sampling(max_tokens=STEPS)
PROMPTS = [tuple(range(3, 3 + n)) for n in (9, 1, 5, 14)]


class BySign:
    """Two categories, by the sign of one coordinate."""

    n = 2

    def of(self, hidden_BD):
        return (hidden_BD[:, 0] > 0).long()


def vectors(width=32, n=2, *, size=6.0):
    found = Vectors(n, width, layer=LAYER, n_hidden=8, seed=3).requires_grad_(False)
    rng = torch.Generator().manual_seed(5)
    found.vectors_KD.copy_(size * torch.randn(n, width, generator=rng))
    return found


def rows(prompts=PROMPTS, seed=0):
    return [RoutedRow(ids, ids, seed + i, STEPS) for i, ids in enumerate(prompts)]


def last(network, ids, *, layer=None, change=None):
    """Logits and a layer's output after the last token, all tokens read anew; only it is changed."""
    seen = {}

    def hook(_, __, output):
        seen["h"] = output[0, -1].clone()
        if change is not None:
            output = output.clone()
            output[0, -1] += change
        return output

    handle = None if layer is None else network.model.layers[layer].register_forward_hook(hook)
    with torch.inference_mode():
        logits = network(torch.tensor([ids]), use_cache=False).logits[0, -1]
    if handle:
        handle.remove()
    return logits, seen.get("h")


def by_hand(base, tuned, prompt, of, *, steers=True):
    """The paper's step, one row, nothing kept: differ? then add alpha * V_c at the last position."""
    ids, acted = list(prompt), []
    for _ in range(STEPS):
        plain, h = last(base, ids, layer=LAYER)
        theirs, hidden = last(tuned, ids, layer=TUNED_LAYER)
        differ = bool(plain.argmax() != theirs.argmax())
        if differ and steers:
            c = int(hidden[0] > 0)
            inner = torch.nn.functional.gelu(of.hidden.weight @ h + of.hidden.bias)
            alpha = torch.log1p(torch.exp(of.heads.weight[c] @ inner + of.heads.bias[c]))
            plain, _ = last(base, ids, layer=LAYER, change=alpha * of.vectors_KD[c])
        elif differ:
            plain = theirs
        ids.append(int(plain.argmax()))
        acted.append(differ)
    return ids[len(prompt) :], acted


@pytest.fixture(scope="module", params=["llama", "qwen2"])
def networks(request):
    base = tiny(request.param)
    return base, nudged(base, 0.03)


def steered(networks, prompts=PROMPTS, sampling=GREEDY, gate=None, of=None):
    labelling = ByActivation(BySign(), TUNED_LAYER)
    route = Route(gate or ArgmaxDiffers(), Steer(of or vectors(), labelling))
    with torch.inference_mode():
        return decode_routed(*networks, rows(prompts), route, sampling, eos=())


def test_cached_hybrid_decoding_equals_full_recomputation(networks):
    """64 steps, four rows of different lengths: padding, caches and the other rows change nothing."""
    found = steered(networks)
    plain = decode(networks[0], [PlannedRow(p, 0, STEPS) for p in PROMPTS], GREEDY, eos=())
    for prompt, each, unsteered in zip(PROMPTS, found, plain, strict=True):
        ids, acted = by_hand(*networks, prompt, vectors())
        assert each.ids == ids and each.acted == acted
        assert each.ids != unsteered and 5 < each.n_acted < STEPS - 5  # something to see


def test_the_tuned_token_is_inserted(networks):
    with torch.inference_mode():
        route = Route(ArgmaxDiffers(), TakeTuned())
        found = decode_routed(*networks, rows(), route, GREEDY, eos=())
    for prompt, each in zip(PROMPTS, found, strict=True):
        assert (each.ids, each.acted) == by_hand(*networks, prompt, None, steers=False)


def test_every_row_of_a_batch_is_steered_alike(networks):
    """With transformers 5, `output[0] += v` in a hook steers row 0 alone."""
    first, *others = steered(networks, [PROMPTS[0]] * 3)
    plain = decode(networks[0], [PlannedRow(PROMPTS[0], 0, STEPS)], GREEDY, eos=())
    assert first.ids != plain[0]
    assert all(each.ids == first.ids and each.acted == first.acted for each in others)


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_left_padding_and_company_do_not_change_a_row(networks, temperature):
    sampling = Sampling(max_tokens=STEPS, temperature=temperature, top_p=0.9)
    together = steered(networks, sampling=sampling)
    for i, prompt in enumerate(PROMPTS):
        labelling = ByActivation(BySign(), TUNED_LAYER)
        route = Route(ArgmaxDiffers(), Steer(vectors(), labelling))
        with torch.inference_mode():
            (alone,) = decode_routed(
                *networks, [RoutedRow(prompt, prompt, i, STEPS)], route, sampling, eos=()
            )
        assert alone == together[i]


def test_a_steered_step_leaves_nothing_behind(networks):
    """What is read after a rerun is equal to the bit to what is read without one."""
    base, _ = networks
    found = []
    for reruns in (False, True):
        reader = Reader(base, steered=LAYER)
        with torch.inference_mode(), reader.opened(PROMPTS) as ids_B:
            for _ in range(12):
                read = reader.read(ids_B)
                if reruns:
                    moved = read.steered(read.hidden[LAYER] + 3)
                    assert not torch.equal(moved, read.logits_BV)
                ids_B = read.logits_BV.argmax(-1)
        keys = [each.keys.clone() for each in reader._past.layers]
        found.append((read.logits_BV, keys))
    (plain, keys), (after, others) = found
    assert torch.equal(plain, after)
    assert all(torch.equal(a, b) for a, b in zip(keys, others, strict=True))
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in base.model.layers)


def test_models_of_another_depth_width_and_padded_vocabulary():
    base, tuned = tiny(vocabulary=320), tiny("qwen2", depth=2, width=16)
    gate, action = Divergence(0.3), TakeTuned()
    with torch.inference_mode():
        found = decode_routed(base, tuned, rows(), Route(gate, action), GREEDY, eos=())
    for prompt, each in zip(PROMPTS, found, strict=True):
        ids = list(prompt)
        for token, acted in zip(each.ids, each.acted, strict=True):
            ours, theirs = (last(network, ids)[0][:300] for network in (base, tuned))
            p, q = (x.double().softmax(-1) for x in (ours, theirs))
            m = (p + q) / 2
            js = float((p * (p / m).log() + q * (q / m).log()).sum() / 2)
            assert acted == (js > 0.3)
            assert token == int((theirs if acted else ours).argmax())
            ids.append(token)


def test_rows_that_ended_are_dropped_and_the_end_is_the_base_s(networks):
    """The end token stops a row, whichever model says it; the others go on unchanged."""
    whole = steered(networks)
    end = whole[1].ids[10]
    with torch.inference_mode():
        route = Route(ArgmaxDiffers(), Steer(vectors(), ByActivation(BySign(), TUNED_LAYER)))
        cut = decode_routed(*networks, rows(), route, GREEDY, eos=(end,))
    for full, each in zip(whole, cut, strict=True):
        n = full.ids.index(end) + 1 if end in full.ids else STEPS
        assert (each.ids, each.acted) == (full.ids[:n], full.acted[:n])
    assert min(len(each.ids) for each in cut) < STEPS


def test_a_random_gate_fires_at_its_rate_and_a_budget_holds(networks):
    base, _ = networks
    many = [tuple(range(3, 3 + i % 7 + 2)) for i in range(32)]
    with torch.inference_mode():
        route = Route(AtRandom(rate=0.2), Steer(vectors(n=1), OneLabel()))
        found = decode_routed(base, None, rows(many), route, GREEDY, eos=())
        again = decode_routed(base, None, rows(many)[::-1], route, GREEDY, eos=())
    n = 32 * STEPS
    share = sum(each.n_acted for each in found) / n
    assert abs(share - 0.2) < 4 * (0.2 * 0.8 / n) ** 0.5
    assert [each.acted for each in found] == [each.acted for each in again[::-1]]
    assert len({tuple(each.acted) for each in found}) == 32  # each row's own places
    for budget, most in ((Budget(most=3), 3), (Budget(share=0.1), 7)):
        with torch.inference_mode():
            route = Route(AtRandom(rate=1.0), TakeTuned(), budget)
            held = decode_routed(base, base, rows(), route, GREEDY, eos=())
        assert [each.n_acted for each in held] == [most] * len(PROMPTS)
    assert held[0].acted[:21] == [True, *[False] * 9, True, *[False] * 9, True]


def test_a_gate_that_needs_the_tuned_model_says_so(networks):
    with pytest.raises(ModelError, match="give one as `tuned`"):
        decode_routed(
            networks[0], None, rows(), Route(ArgmaxDiffers(), TakeTuned()), GREEDY, eos=()
        )


def test_a_layer_that_is_not_there_is_refused(networks):
    for made in (lambda: Reader(networks[0], steered=4), lambda: Reader(networks[0], kept={9})):
        with pytest.raises(
            ModelError, match="none of the network's 4 layers; take one from 0 to 3"
        ):
            made()


def test_a_network_whose_logits_are_more_than_a_head_is_refused(networks):
    base, _ = networks
    reader = Reader(base, steered=LAYER)
    hook = base.register_forward_hook(lambda _, __, out: setattr(out, "logits", out.logits * 0.5))
    try:
        refused = pytest.raises(ModelError, match="more than a norm and a head")
        with torch.inference_mode(), reader.opened(PROMPTS) as ids_B, refused:
            reader.read(ids_B)
    finally:
        hook.remove()
