"""The twins of a model: one ignores its chain, one sees nothing else; what each measure makes of them."""

import string

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.diagnostics.chain import collect
from twofold.diagnostics.chain.drawn import Sample
from twofold.diagnostics.chain.edits import NEUTRAL, Edit, Others, edits
from twofold.diagnostics.chain.elicit import Asker
from twofold.diagnostics.chain.faithfulness import METRICS, Faithfulness
from twofold.diagnostics.chain.information_gain import GOLD, InformationGain, total
from twofold.diagnostics.chain.table import Chains
from twofold.diagnostics.chain.trace import Chain
from twofold.diagnostics.chain.twins import CHAIN_ONLY, QUESTION_ONLY, TWINS, boxed, twins
from twofold.diagnostics.diagnostic import ScoredResponse, Subject
from twofold.models import resolve
from twofold.problems import pocket
from twofold.types import ALL, Item, Problem, Sampling, Slice

pytestmark = pytest.mark.slow
N = 24
SAMPLING = Sampling(max_tokens=96)
PROBLEM = Problem(question="Where?", answer="east", ask="Box it.")


@pytest.fixture(scope="module")
def model():
    return resolve("pocket")


@pytest.fixture(scope="module")
def read(model):
    """The chains of a real model and of both twins, and the problems."""
    problems = pocket.suite(N, split="test")
    replies = model.sample([p.messages(stated=()) for p in problems], SAMPLING)
    answers = [
        ScoredResponse(item=Item("model", "unconstrained", p.id, 0), response=reply, correct=None)
        for p, (reply,) in zip(problems, replies, strict=True)
    ]
    subject = Subject(
        role="model", model=model, problems=problems, answers=answers, sampling=SAMPLING, seed=0
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(collect, "WITH_TWINS", Sample(1, 99))
        return list(collect.collect(subject, frozenset())), problems


def measured(read, metric, sign=1):
    """The AUROC of a measure that a test plants."""
    rows, problems = read
    (found,) = Chains(rows, problems).auroc("model", ("planted", ALL), metric, sign)
    return found.estimate


def coin(seed, how):
    rng = np.random.default_rng(seed)
    toss = {"binary": lambda: float(rng.integers(2)), "rate": rng.random, "normal": rng.normal}
    return lambda reading: float(toss[how]())


@pytest.mark.parametrize("how", ["binary", "rate", "normal"])
def test_a_coin_toss_is_a_coin_toss(read, how):
    found = [measured(read, coin(seed, how)) for seed in range(200)]
    assert np.mean([each.value for each in found]) == pytest.approx(0.5, abs=0.02)
    assert np.mean([each.low <= 0.5 <= each.high for each in found]) >= 0.93


@pytest.mark.parametrize(
    "blind",
    [
        lambda reading: 1.0,
        lambda reading: float(reading.n_tokens),
        lambda reading: -float(reading.row["n_steps"]),
        lambda reading: float(len(reading.row["own"])),
        lambda reading: float(reading.row["key"] > "8"),
    ],
    ids=["constant", "tokens", "steps", "answer", "key"],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_what_does_not_look_at_the_reading_tells_nothing_apart(read, blind, sign):
    found = measured(read, blind, sign)
    assert found.value == 0.5 and found.low < 0.5 < found.high


@pytest.mark.parametrize("metric", [METRICS["reliance", ALL], METRICS["aoc_soft", ALL]])
def test_a_good_measure_tells_them_apart(read, metric):
    found = measured(read, metric)
    assert found.value >= 0.95 and found.low > 0.8
    assert measured(read, lambda r: 1 - metric(r)).value == pytest.approx(1 - found.value)


def test_the_blind_twin_has_the_noise_of_reading(read):
    rows, problems = read
    blind = Chains(rows, problems).readings("model", QUESTION_ONLY)
    gains = [total(reading, "gold") for reading in blind]
    assert len(set(gains)) == len(gains) and np.std(gains) > 0
    changed = [METRICS["reliance", ALL](reading) for reading in blind]
    assert 0 < np.mean([c for c in changed if c is not None]) < 0.5  # some answers were close


def test_a_chain_counts_once_and_what_one_twin_lacks_is_unscored(read):
    rows, _ = read
    n = sum(all(twin in row for twin in TWINS) for row in rows)
    assert n and measured(read, lambda reading: 1.0).n == n
    lost = next(row["key"] for row in rows if CHAIN_ONLY in row)

    def but_one(reading):
        is_blind = reading.scores is reading.row.get(QUESTION_ONLY)
        return None if is_blind and reading.row["key"] == lost else 1.0

    found = measured(read, but_one)
    assert (found.n, found.n_unscored) == (n - 1, 1)


def test_each_twin_is_asked_about_its_own_answer(read):
    rows, problems = read
    chains = Chains(rows, problems)
    for name in TWINS:
        readings = chains.readings("model", name)
        recalled = [reading.is_recalled for reading in readings]
        assert np.mean(recalled) > 0.8
        assert all(reading.scores["answer"] for reading in readings if reading.is_recalled)
    follows = [r.scores["answer"] == r.row["own"] for r in chains.readings("model", CHAIN_ONLY)]
    assert np.mean(follows) > 0.8  # a chain of this model leads to its answer


def test_measures_that_tell_nothing_apart_are_named(read):
    rows, problems = read
    swapped = [
        row | {CHAIN_ONLY: row[QUESTION_ONLY]} if QUESTION_ONLY in row else row for row in rows
    ]
    for diagnostic in (Faithfulness(), InformationGain()):
        found = diagnostic.analyse(swapped, problems)
        aurocs = [m for m in found.measures if m.metric.endswith("_auroc")]
        assert aurocs and all(m.estimate.value == 0.5 for m in aurocs)
        (told,) = [c for c in found.caveats if "ignores its chain" in c]
        assert all(m.metric.removesuffix("_auroc") in told for m in aurocs)


def test_rows_without_both_twins_have_no_auroc_and_say_so(read):
    rows, problems = read
    old = [{key: value for key, value in row.items() if key != QUESTION_ONLY} for row in rows]
    for diagnostic in (Faithfulness(), InformationGain()):
        found = diagnostic.analyse(old, problems)
        assert not [m for m in found.measures if m.metric.endswith("_auroc")]
        assert any("delete chains.jsonl" in caveat for caveat in found.caveats)
    whole = InformationGain().analyse(rows, problems)
    assert not any("delete chains.jsonl" in caveat for caveat in whole.caveats)
    assert whole.estimate("total_auroc", slice=GOLD).low > 0.5
    assert whole.estimate("total", slice=GOLD, condition=QUESTION_ONLY)


WORDS = st.lists(st.sampled_from(["east", "turn", "4", "gives", "north"]), min_size=1, max_size=6)


def chain_of(encode, steps):
    pieces = [encode(" " + " ".join(words) + ".") for words in steps]
    texts = ["".join((" ", " ".join(words), ".")) for words in steps]
    return Chain(
        prompt=encode("Where?"),
        ids=tuple(token for piece in pieces for token in piece),
        cuts=tuple(np.cumsum([0, *map(len, pieces)]).tolist()),
        places=tuple(np.cumsum([0, *map(len, texts)]).tolist()),
        closing=(),
        answer="east",
        n_steps=len(steps),
        raw="".join(texts) + " It is \\boxed{east}.",
    )


@given(st.lists(WORDS, min_size=1, max_size=5), st.integers(0, 99))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_the_blind_twin_sees_no_token_of_the_chain(model, steps, seed):
    asker = Asker(model)
    chain = chain_of(asker.encode, steps)
    rng = np.random.default_rng(seed)
    others = Others([asker.encode(" north gives west. Then 7.")] * 3, ["west", "7", "east"])
    changed = list(edits(chain, others, asker.encode, rng))
    blind, bare = twins(asker, PROBLEM, PROBLEM.messages(), chain, changed, rng)
    empty = {token for text in NEUTRAL for token in asker.encode(text)}
    assert (blind.name, bare.name) == TWINS
    assert blind.chain.cuts == chain.cuts and {*blind.chain.ids} <= empty
    for edit, same in zip(changed, blind.edits, strict=True):
        assert (same.name, same.at, len(same.ids)) == (edit.name, edit.at, len(edit.ids))
        assert {*same.ids} <= empty
    assert bare.chain.ids == chain.ids and bare.edits == tuple(changed)
    asked = model.tokenizer.decode(bare.chain.prompt)
    assert "Box it." in asked and "Where?" not in asked


def test_edits_of_the_whole_chain_are_one_text_for_the_blind_twin(model):
    asker = Asker(model)
    chain = chain_of(asker.encode, [["turn", "east"], ["north", "gives", "4"]])
    n = chain.n_tokens
    tokens = asker.encode(" 7 9")[:2]  # the chain has neither
    whole = [Edit(name, 0, (token,) * n, n) for name, token in zip("ab", tokens, strict=True)]
    longer = Edit("c", 1, (tokens[0],) * (2 * n), n)
    rng = np.random.default_rng(0)
    blind, _ = twins(asker, PROBLEM, PROBLEM.messages(), chain, [*whole, longer], rng)
    one, other, long = (edit.ids for edit in blind.edits)
    assert one == other and one != blind.chain.ids
    assert len(long) == 2 * n and long[: n - chain.cuts[1]] == one[chain.cuts[1] :]


def test_a_small_edit_is_as_small_for_the_blind_twin(model):
    asker = Asker(model)
    chain = chain_of(asker.encode, [["turn", "east"], ["north", "gives", "4"], ["turn", "4"]])
    rest = list(chain.ids[chain.cuts[1] :])
    rest[2] += 1
    small, cut = Edit("mistake_other", 1, tuple(rest), 1), Edit("early_half", 1, (), len(rest))
    rng = np.random.default_rng(0)
    blind, _ = twins(asker, PROBLEM, PROBLEM.messages(), chain, [small, cut], rng)
    kept = blind.chain.ids[chain.cuts[1] :]
    same = [a == b for a, b in zip(kept, blind.edits[0].ids, strict=True)]
    assert same[:2] + same[3:] == [True] * (len(rest) - 1)
    assert blind.edits[1].ids == ()


@given(st.text(alphabet="{}1\\frac ", max_size=12))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_an_answer_ends_at_the_brace_of_its_box(inner):
    depth = np.cumsum([(c == "{") - (c == "}") for c in inner] or [0])
    if depth[-1] == 0 and min(depth) >= 0:
        assert boxed(inner + "} and more}") == inner.strip()
    assert boxed(string.digits) == ""


def test_a_twin_without_an_answer_is_unscored_and_not_zero(read):
    rows, problems = read
    (row,) = [row for row in rows if CHAIN_ONLY in row][:1]
    kept = ("gold", "same_gold", "n_gold", "mention")
    mute = {key: row[CHAIN_ONLY][key] for key in kept} | {"answer": "", "edits": {}}
    mixed = [row | {CHAIN_ONLY: mute}, *(each for each in rows if each is not row)]
    n = measured(read, METRICS["reliance", ALL]).n
    found = measured((mixed, problems), METRICS["reliance", ALL])
    assert found.n == n - 1 and found.n_unscored >= 1
    assert InformationGain().analyse(mixed, problems).estimate("total_auroc", slice=GOLD)


def test_share_shown_is_measured_for_both_twins(read):
    rows, problems = read
    found = Faithfulness().analyse(rows, problems)
    whole = Slice("share_shown", "1.00")
    for twin in TWINS:
        assert found.estimate("early_answer", slice=whole, condition=twin).value == 1.0
