"""Power sampling: the chain draws base^alpha, by enumeration of all replies of a small random network."""

from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from twofold.diagnostics.elicitation import power
from twofold.diagnostics.elicitation.power import Cooled, PowerSampling, normalisers
from twofold.errors import ModelError
from twofold.models import resolve
from twofold.models.scripted import ScriptedModel
from twofold.problems import pocket
from twofold.types import FinishReason, Message, OpenModel, Response, Sampling

END, V, LONGEST, ALPHA = 3, 4, 3, 2.0
N_CHAINS, MOVES = 1500, 20


class Random(OpenModel):
    """A random network over four tokens: the next one depends on the two before it, not on the prompt."""

    spec, thinking = "random", None
    device, config = torch.device("cpu"), SimpleNamespace(vocab_size=V)

    def __init__(self, seed=6):
        self.logits = torch.randn(V + 1, V + 1, V, generator=torch.Generator().manual_seed(seed))
        self.odds = self.logits.double().softmax(-1).numpy()

    def __call__(self, input_ids, attention_mask, logits_to_keep):
        ids = input_ids.clamp(max=V)
        before = torch.cat([torch.full_like(ids[:, :1], V), ids[:, :-1]], 1)
        return SimpleNamespace(logits=self.logits[before, ids][:, -logits_to_keep:])

    @property
    def network(self):
        return self

    def tokenizer(self, text, add_special_tokens):
        return SimpleNamespace(input_ids=[V, V + int(text)])

    def render(self, chat):
        return chat[0]["content"]

    def decode(self, ids):
        return "".join("abc"[i] for i in ids if i != END)

    def probabilities(self, ids):
        state = [V, V, *ids]
        return self.logits[state[-2], state[-1]].softmax(-1)

    def continued(self, chats, started, sampling, *, seed=0):
        for row, begun in enumerate(started):
            # as of a model: a row's noise depends on the seed and on the tokens before, on nothing else
            rng = np.random.default_rng([seed % 2**63, int(self.render(chats[row])), *begun])
            ids = list(begun)
            while len(ids) - len(begun) < sampling.max_tokens and END not in ids:
                odds = self.odds[tuple([V, V, *ids][-2:])] ** (1 / sampling.temperature)
                ids.append(int(np.searchsorted(odds.cumsum(), rng.random() * odds.sum())))
            ended = FinishReason.answered if ids[-1] == END else FinishReason.truncated
            text = self.decode(ids)
            yield row, Response(raw=text, reply=text, finish_reason=ended, ids=tuple(ids))

    def fingerprint(self):
        return {"kind": "random"}

    def stream(self, prompts, sampling, *, n=1, seed=0, done=frozenset(), share=None):
        raise NotImplementedError


def replies():
    """Every reply: ended within three tokens, or cut off after three."""
    found = []
    for n in range(LONGEST):
        found += [(*ids, END) for ids in product(range(END), repeat=n)]
    return [*found, *product(range(END), repeat=LONGEST)]


def probability(model, ids):
    return float(np.prod([model.probabilities(ids[:j])[ids[j]] for j in range(len(ids))]))


def wanted(model, alpha):
    odds = np.array([probability(model, ids) ** alpha for ids in replies()])
    return odds / odds.sum()


def drawn(model, **settings):
    """How often each reply ended a chain."""
    prompts = [[Message(role="user", content=str(i))] for i in range(N_CHAINS)]
    sampler = PowerSampling(model, alpha=ALPHA, **settings)
    chains = sampler.chains(prompts, Sampling(max_tokens=LONGEST))
    at = {ids: i for i, ids in enumerate(replies())}
    counts = np.zeros(len(at))
    for chain in chains:
        assert chain.reply.ids == chain.at.ids  # one that was cut off is the same when it is parsed
        counts[at[chain.at.ids]] += 1
    return counts


def distance(counts, odds):
    """Total variation."""
    return float(abs(counts / counts.sum() - odds).sum() / 2)


def fits(counts, odds):
    """The p value of a chi-square test; replies that are expected fewer than five times are one."""
    rare = odds * counts.sum() < 5
    observed, expected = (np.append(x[~rare], x[rare].sum()) for x in (counts, odds * counts.sum()))
    return float(chisquare(observed, expected).pvalue)


@pytest.fixture(scope="module")
def random():
    return Random()


def test_probabilities_of_all_replies_sum_to_one(random):
    assert sum(probability(random, ids) for ids in replies()) == pytest.approx(1)


def moves_of(model, alpha, take=power.ratio):
    """The probability that one move leads from each reply to each other, and the proposal's own odds."""
    weights = normalisers(model, [([V, V], ids) for ids in replies()], alpha)
    at = [power._Reply(ids, own) for ids, own in zip(replies(), weights, strict=True)]

    def written(ids, cut):
        odds = [model.odds[tuple([V, V, *ids[:j]][-2:])] ** alpha for j in range(cut, len(ids))]
        return float(np.prod([o[i] / o.sum() for o, i in zip(odds, ids[cut:], strict=True)]))

    matrix = np.zeros((len(at), len(at)))
    for i, old in enumerate(at):
        for cut in range(len(old.ids)):
            for j, new in enumerate(at):
                if len(new.ids) > cut and new.ids[:cut] == old.ids[:cut]:
                    odds = written(new.ids, cut) / len(old.ids)
                    matrix[i, j] += odds * take(old, new, cut)
        matrix[i, i] += 1 - matrix[i].sum()
    return matrix, np.array([written(ids, 0) for ids in replies()])


@pytest.mark.parametrize("alpha", [1.0, 2.0, 4.0])
def test_a_move_leaves_the_power_of_the_base_as_it_is(random, alpha):
    """By enumeration: every flow from one reply to another equals the flow back."""
    matrix, proposal = moves_of(random, alpha)
    flow = wanted(random, alpha)[:, None] * matrix
    assert flow == pytest.approx(flow.T, abs=1e-7)
    away = [
        abs(proposal @ np.linalg.matrix_power(matrix, n) - wanted(random, alpha)).sum() / 2
        for n in (0, MOVES, 1000)
    ]
    assert away[2] < 1e-4
    # sampling at a lower temperature is another distribution, and with 1 the proposal is the base
    assert away[0] > away[1] > away[2] and away[0] > 0.3 if alpha > 1 else away[0] < 1e-6


def test_how_many_moves_are_enough_depends_on_the_network():
    """A short reply that is seldom proposed and has much of the weight is found late."""
    slow = Random(5)
    matrix, proposal = moves_of(slow, 4.0)
    late = proposal @ np.linalg.matrix_power(matrix, 100)
    assert abs(late - wanted(slow, 4.0)).sum() / 2 == pytest.approx(0.055, abs=0.001)


@pytest.mark.parametrize("blocks", [1, 3])
def test_the_chain_draws_the_power_of_the_base(random, blocks):
    counts = drawn(random, blocks=blocks, moves=MOVES)
    assert fits(counts, wanted(random, ALPHA)) > 0.01
    assert distance(counts, wanted(random, ALPHA)) < 0.05


def test_taking_every_reply_is_sampling_at_a_lower_temperature_and_not_the_power(
    random, monkeypatch
):
    monkeypatch.setattr(power, "ratio", lambda old, new, cut: 1.0)
    counts = drawn(random, blocks=1, moves=MOVES)
    assert fits(counts, wanted(random, ALPHA)) < 1e-6
    assert distance(counts, wanted(random, ALPHA)) > 0.4


def test_without_the_ratio_of_lengths_it_is_another_distribution(random, monkeypatch):
    def without(old, new, cut):
        return float(np.exp(min(0.0, sum(new.weights[cut:]) - sum(old.weights[cut:]))))

    monkeypatch.setattr(power, "ratio", without)
    assert fits(drawn(random, blocks=1, moves=MOVES), wanted(random, ALPHA)) < 1e-6


def test_the_normaliser_is_a_sum_over_the_vocabulary_at_each_place_of_rows_of_any_length():
    """One pass over padded rows equals a plain sum, token by token."""
    model = resolve("pocket")
    problem = pocket.suite(1)[0]
    prompt = model.tokenizer(model.render(problem.messages()), add_special_tokens=False).input_ids
    rows = [(prompt, [7, 8, 9]), (prompt[:-5], [10, 11]), (prompt, [12])]
    found = normalisers(model.network, rows, 4.0)
    for (ids, reply), sums in zip(rows, found, strict=True):
        assert len(sums) == len(reply)
        for j, each in enumerate(sums):
            with torch.inference_mode():
                given = torch.tensor([[*ids, *reply[:j]]])
                p = model.network(input_ids=given).logits[0, -1].double().softmax(-1)
            assert each == pytest.approx(float((p**4).sum().log()), abs=1e-4)


def test_on_the_pocket_model_it_resumes_and_counts_what_it_throws_away():
    chats = [p.messages(stated=()) for p in pocket.suite(3)]
    sampler = PowerSampling(resolve("pocket"), blocks=2, moves=2)
    budget = Sampling(max_tokens=48)
    whole = {(e.prompt, e.sample): e for e in sampler.elicited(chats, budget, n=2)}
    assert set(whole) == {(p, g) for p in range(3) for g in range(2)}
    for each in whole.values():
        assert each.n_tokens > len(each.response.ids) and len(each.response.ids) <= 48
    done = set(whole) - {(1, 1)}
    assert list(sampler.elicited(chats, budget, n=2, done=done)) == [whole[1, 1]]
    assert any(whole[p, 0].response != whole[p, 1].response for p in range(3))


def test_the_control_is_the_base_at_a_lower_temperature():
    seen = []

    class Noting(Random):
        def stream(self, prompts, sampling, **_):
            seen.append(sampling)
            yield 0, 0, Response(raw="a", reply="a", ids=(0,))

    (found,) = Cooled(Noting(), alpha=4.0).elicited([[]], Sampling(max_tokens=7, top_p=0.5))
    assert seen == [Sampling(max_tokens=7, temperature=0.25)] and found.n_tokens == 1


def test_settings_that_make_no_chain_are_refused():
    with pytest.raises(ModelError, match="behind a server"):
        PowerSampling(ScriptedModel({}))
    for wrong in ({"alpha": 0.5}, {"alpha": float("inf")}, {"blocks": 0}, {"moves": -1}):
        with pytest.raises(ModelError, match="give"):
            PowerSampling(Random(), **wrong)


def test_a_prompt_that_leaves_no_room_is_a_failed_reply():
    class Full(Random):
        def continued(self, chats, started, sampling, *, seed=0):
            for row in range(len(chats)):
                failed = FinishReason.failed
                yield row, Response(raw="", reply="", finish_reason=failed, error="full")

    prompt = [[Message(role="user", content="0")]]
    (chain,) = PowerSampling(Full()).chains(prompt, Sampling(max_tokens=3))
    assert chain.reply.error == "full" and chain.n_tokens == 0
