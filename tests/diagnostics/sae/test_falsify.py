"""Token injection: a planted detector of a token is caught, a latent of more than tokens passes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from twofold.diagnostics.elicitation.layers import hidden_states  # noqa: E402
from twofold.diagnostics.elicitation.sae.activations import ActivationCache, Activations, Said, said  # noqa: E402
from twofold.diagnostics.elicitation.sae.autoencoder import Sae  # noqa: E402
from twofold.diagnostics.elicitation.sae.falsify import (  # noqa: E402
    Falsification,
    Injection,
    TokenInjection,
    Verdict,
    associated,
    effect,
    reported,
)
from twofold.diagnostics.elicitation.sae.scores import FeatureScore  # noqa: E402
from twofold.errors import ModelError, StatsError  # noqa: E402
from twofold.models import resolve  # noqa: E402
from twofold.problems import pocket  # noqa: E402
from twofold.stats import paired  # noqa: E402
from twofold.types import Estimate, Sampling  # noqa: E402

N_WORDS, WIDTH = 40, 12
PROSE = range(20, N_WORDS)  # tokens of ordinary text
THOUGHT = range(0, 12)  # tokens of replies
MARK = 5


def read(rows):
    """A small world: a random state for each token, and one number that only a chain of thought raises.

    The last number is 1 at a token whose ten tokens before it are all of a reply: a context of more than
    three tokens, which no injected piece makes.
    """
    words = torch.randn(N_WORDS, WIDTH - 1, generator=torch.Generator().manual_seed(0))
    found = []
    for row in rows:
        deep = [
            float(j >= 10 and all(t in THOUGHT for t in row[j - 10 : j])) for j in range(len(row))
        ]
        found.append(torch.cat([words[row], 4 * torch.tensor(deep)[:, None]], dim=1))
    return found


def dictionary():
    """Latent 0 is the state of the token MARK, latent 1 the chain of thought, latent 2 nothing of either."""
    mark = read([[MARK]])[0][0] / read([[MARK]])[0][0].norm()
    rows = torch.stack([mark, torch.eye(WIDTH)[-1], torch.eye(WIDTH)[0] * 0])
    return Sae(rows, torch.zeros(3), rows, torch.zeros(WIDTH), torch.zeros(WIDTH), k=1, at=0)


def corpus(seed=0, n=30):
    """Replies of 30 tokens in which MARK stands in every one, and their states per token."""
    rng = np.random.default_rng(seed)
    replies = []
    for _ in range(n):
        ids = rng.choice(list(THOUGHT), size=30)
        ids[rng.integers(30, size=4)] = MARK
        replies.append(Said((20, 21), tuple(int(i) for i in ids)))
    states = read([list(each.ids) for each in replies])
    reply = torch.tensor([i for i, each in enumerate(replies) for _ in each.ids])
    span = torch.tensor([[j, j + 1] for each in replies for j in range(len(each.ids))])
    return replies, Activations(torch.cat(states), reply, span)


def prose(n=60, seed=1):
    rng = np.random.default_rng(seed)
    return [[int(t) for t in rng.choice(list(PROSE), size=25)] for _ in range(n)]


def test_a_planted_token_feature_is_caught_and_a_feature_of_context_passes():
    replies, states = corpus()
    token, context = TokenInjection(dictionary(), read, prose()).falsify([0, 1], replies, states)
    assert token.verdict is Verdict.token_driven and not token.passes
    assert token.by_size[1].pieces[0] == (MARK,)
    assert token.by_size[1].effect.value > 0.8 and token.by_size[1].p < 0.01
    # the control puts other tokens of the prose into the same places
    assert token.by_size[1].control.high < token.by_size[1].effect.low
    assert set(context.by_size) == {1, 2, 3}
    assert context.verdict is Verdict.context and context.passes
    assert all(each.effect.value == 0.0 for each in context.by_size.values())


def test_too_few_texts_pass_nothing():
    """A latent that moves by chance alone, on five texts: nothing is known, so it does not pass."""
    verdicts = set()
    for seed in range(4):
        replies, states = corpus(seed)
        rows = torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(seed))
        rows[0, -1] = 0
        noisy = Sae(rows, torch.zeros(1), rows, torch.zeros(WIDTH), torch.zeros(WIDTH), k=1, at=0)
        (found,) = TokenInjection(noisy, read, prose(5, seed)).falsify([0], replies, states)
        verdicts.add(found.verdict)
        assert not found.passes
    assert Verdict.undecided in verdicts


def test_the_associated_pieces_by_hand():
    replies = [Said((), (1, 2, 1, 2, 1, 2)), Said((), (3, 3, 3, 9))]
    reply = torch.tensor([0] * 6 + [1] * 4)
    span = torch.tensor([[j, j + 1] for j in range(6)] + [[j, j + 1] for j in range(4)])
    states = Activations(torch.zeros(10, 2), reply, span)
    z = np.array([0.0, 5.0, 1.0, 4.0, 2.0, 3.0, 3.5, 3.5, 3.5, 99.0])
    # token 9 was said once; 2 has (5 + 4 + 3) / 3, 3 has 3.5, 1 has 1
    assert associated(z, replies, states, 1) == [(2,), (3,), (1,)]
    # (1, 2) three times, the others twice at most; a piece never spans two replies
    assert associated(z, replies, states, 2) == [(1, 2)]


def test_the_effect_by_hand():
    before, after = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), np.array([2.0, 4.0, 4.0, 4.0, 6.0])
    # the means are 3 and 4; the variances 10/4 and 8/4
    assert effect(before, after).value == pytest.approx(1 / np.sqrt((10 / 4 + 8 / 4) / 2))
    assert effect(before, before).value == 0.0
    assert effect(np.zeros(5), np.zeros(5)).high == 0.0
    for n in range(5):
        with pytest.raises(StatsError, match=f"needs 5 of them, not {n}"):
            effect(before[:n], after[:n])


def injection(d, p, high=None):
    e = Estimate(
        value=d, low=d - 0.1, high=d + 0.1 if high is None else high, n=60, method="by hand"
    )
    return Injection(pieces=((MARK,),), effect=e, control=e, p=p)


def test_the_verdicts_are_the_published_thresholds():
    for d, p, high, verdict in (
        (0.8, 0.009, None, Verdict.token_driven),
        (0.79, 0.009, None, Verdict.partly),
        (0.5, 0.009, None, Verdict.partly),
        (0.49, 0.04, None, Verdict.weakly),
        (0.9, 0.04, None, Verdict.weakly),
        (0.2, 0.04, None, Verdict.weakly),
        (0.2, 0.06, None, Verdict.undecided),
        (0.19, 0.001, 0.4, Verdict.context),
        (-0.5, 0.5, 0.2, Verdict.context),
        (0.1, 0.5, 0.6, Verdict.undecided),
    ):
        assert injection(d, p, high).verdict is verdict, (d, p, high)
    good, bad = injection(0.0, 1.0, 0.1), injection(0.9, 0.001)
    assert Falsification(0, {1: good, 2: bad}).verdict is Verdict.token_driven
    # the reason is that of the size that decided, not of the largest effect
    both = Falsification(0, {1: bad, 2: injection(2.0, 0.04)})
    assert both.verdict is Verdict.token_driven and "d = 0.90" in both.because()
    assert Falsification(0, {1: good}).passes and not Falsification(0, {}).passes


def test_the_report_says_which_failed_and_why():
    scores = [
        FeatureScore(0, paired([0.0] * 20, [1.0] * 20)),
        FeatureScore(1, paired([0.0] * 20, [1.0] * 20)),
        FeatureScore(2, paired([0.0, 1.0] * 10, [0.0, 1.0] * 10)),
    ]
    tests = [
        Falsification(0, {1: injection(0.9, 0.001)}),
        Falsification(1, {1: injection(0.0, 1.0, 0.1)}),
    ]
    said_ = reported(scores, tests, decode=lambda ids: f"<{ids[0]}>")
    assert len(said_) == 2 and "latent 1" in said_[0] and "passed" in said_[0]
    assert "latent 0" in said_[1] and "failed" in said_[1]
    assert "token driven" in said_[1] and "'<5>'" in said_[1] and "d = 0.90" in said_[1]
    with pytest.raises(ModelError, match="latent 1 is to be reported and was not tested"):
        reported(scores, tests[:1])
    assert reported(scores[2:], []) == ["no latent differs after the correction for many tests"]


def test_texts_that_decide_nothing_are_refused():
    for texts in (*(prose(n) for n in range(5)), [*prose(5), [1] * 8]):
        with pytest.raises(ModelError, match="give at least 5"):
            TokenInjection(dictionary(), read, texts)
    replies, states = corpus()
    (found,) = TokenInjection(dictionary(), read, prose(5)).falsify([0], replies, states)
    assert {each.effect.n for each in found.by_size.values()} == {5}
    assert found.verdict is Verdict.undecided  # five sign flips give no p below 2 / 32


def test_a_token_feature_of_a_real_network_is_caught(tmp_path):
    """The pocket model: the direction from all states to those of its commonest token."""
    model = resolve("pocket")
    chats = [each.messages(stated=()) for each in pocket.suite(12)]
    answers = model.sample(chats, Sampling(max_tokens=40), seed=1)
    replies = [said(model, chat, of[0]) for chat, of in zip(chats, answers, strict=True)]
    states = ActivationCache(tmp_path, 0, "token").collect(model, replies)
    tokens = np.array([t for each in replies for t in each.ids])
    values, counts = np.unique(tokens, return_counts=True)
    commonest = int(values[counts.argmax()])
    there = torch.from_numpy(tokens == commonest)
    centre = states.hidden_BD.mean(0)
    direction = states.hidden_BD[there].mean(0) - centre
    direction = (direction / direction.norm())[None]
    sae = Sae(direction, torch.zeros(1), direction, torch.zeros(128), centre, k=1, at=0)
    rng = np.random.default_rng(0)
    others = [t for t in range(300, 700) if t != commonest]
    texts = [[int(t) for t in rng.choice(others, size=24)] for _ in range(40)]
    test = TokenInjection(sae, lambda rows: hidden_states(model.network, 0, rows), texts)
    (found,) = test.falsify([0], replies, states)
    assert found.by_size[1].pieces[0] == (commonest,)
    assert found.verdict is Verdict.token_driven
    assert "token driven" in found.because(model.decode)
