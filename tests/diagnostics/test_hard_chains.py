"""Chains that no model should write, read by a real network: a row with numbers, or with a reason."""

import json

import pytest

from twofold.diagnostics.chain import collect as chains
from twofold.diagnostics.chain.collect import collect
from twofold.diagnostics.chain.drawn import Sample
from twofold.diagnostics.chain.faithfulness import Faithfulness
from twofold.diagnostics.chain.information_gain import InformationGain
from twofold.diagnostics.diagnostic import ScoredResponse, Subject
from twofold.errors import ModelError
from twofold.models import resolve
from twofold.prefix_scoring import passes
from twofold.types import FinishReason, Item, Problem, Response, Sampling

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model():
    return resolve("pocket")


CASES = {
    "no steps": ("\\boxed{4}", "4", {}, "the trace is missing"),
    "one token": ("a\n\\boxed{4}", "4", {}, ""),
    "a hundred steps": ("north gives east. " * 60 + "It is \\boxed{east}.", "east", {}, ""),
    "longer than the model reads": (
        "north gives east. " * 3000 + "It is \\boxed{east}.",
        "east",
        {},
        "the model reads",
    ),
    "equal steps": ("Go on. Go on. Go on. It is \\boxed{east}.", "east", {}, ""),
    "never named": ("We turn. We turn. It is \\boxed{east}.", "west", {}, ""),
    "no reference": ("We turn. It is \\boxed{east}.", None, {}, ""),
    "blank reference": ("We turn. It is \\boxed{east}.", "  ", {}, ""),
    "unicode": ("三加四。 So 😀 it is. It is \\boxed{東京}.", "東京", {}, ""),
    "combining": ("Le é́ is é́. It is \\boxed{é́}.", "é", {}, ""),
    "an endless number": ("So " + "1" * 5000 + ". It is \\boxed{4}.", "4", {}, None),
    "two answers": ("We turn. \\boxed{4} or \\boxed{5}", "4", {}, "several answers"),
    "empty box": ("We turn. \\boxed{}", "4", {}, "the trace is missing"),
    "blank": ("", "4", {"finish_reason": FinishReason.empty}, "the trace is missing"),
    "truncated": (
        "We turn 3 and",
        "4",
        {"finish_reason": FinishReason.truncated},
        "the trace is truncated",
    ),
    "unclosed": (
        "<think>We turn",
        "4",
        {"finish_reason": FinishReason.unclosed_thinking, "thinking": "We turn", "reply": ""},
        "the trace is truncated",
    ),
    "a thought": (
        "<think>We turn. And turn.</think>\n\\boxed{4}",
        "4",
        {"thinking": "We turn. And turn.", "reply": "\\boxed{4}"},
        "",
    ),
    "a server's": ("We turn. It is \\boxed{4}.", "4", {"ids": None}, "without its token ids"),
    "failed": ("", "4", {"finish_reason": FinishReason.failed, "error": "HTTP 500"}, "HTTP 500"),
}


def subject(model, cases, **more):
    problems, answers = [], []
    for name, (raw, gold, fields, _) in cases.items():
        problem = Problem(question=f"Where, {name}? Perhaps east.", answer=gold)
        ids = tuple(model.tokenizer(raw, add_special_tokens=False).input_ids)
        response = Response(**{"raw": raw, "reply": raw, "ids": ids} | fields)
        item = Item("model", "unconstrained", problem.id, 0)
        problems.append(problem)
        answers.append(ScoredResponse(item=item, response=response, correct=None))
    return Subject(
        role="model",
        model=model,
        problems=problems,
        answers=answers,
        sampling=Sampling(max_tokens=8),
        seed=0,
        **more,
    )


@pytest.fixture(scope="module")
def read(model):
    asked = subject(model, CASES, scorer=model)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chains, "WITH_TWINS", Sample(1, 99))
        patch.setattr(chains, "CONTINUED", Sample(1, 99))
        rows = list(collect(asked, frozenset(), n_checked=3))
    assert [p.id for p in asked.problems] == sorted(
        {row["key"] for row in rows}, key=[p.id for p in asked.problems].index
    )
    by_key = {row["key"]: row for row in rows}
    return asked, {name: by_key[p.id] for name, p in zip(CASES, asked.problems, strict=True)}


@pytest.mark.parametrize("name", CASES)
def test_numbers_or_a_reason(read, name):
    row, wanted = read[1][name], CASES[name][3]
    text = json.dumps(row, allow_nan=False)
    assert ("scores" in row) != ("reason" in row), text[:200]
    if wanted is not None:
        assert wanted in row.get("reason", "") and bool(wanted) == ("reason" in row)


@pytest.mark.parametrize("diagnostic", [InformationGain(), Faithfulness()])
@pytest.mark.parametrize("name", [*CASES, None])
def test_each_alone_and_all_together_are_analysed(read, diagnostic, name):
    asked, rows = read
    chosen = [rows[name]] if name else list(rows.values())
    found = diagnostic.analyse(chosen, asked.problems)
    measured = [each for each in found.measures if each.metric != "trace"]
    assert bool(measured) == any("scores" in row for row in chosen)
    for each in found.measures:
        assert each.estimate.low <= each.estimate.value <= each.estimate.high


def test_a_disagreement_of_the_ways_of_scoring_stops_the_collection(model, monkeypatch):
    cases = {name: CASES[name] for name in ("never named", "equal steps")}
    asked = subject(model, cases)
    assert len(list(collect(asked, frozenset(), n_checked=2))) == 2
    right = passes.layout.Row.sees

    def blind(row):
        found = right(row)
        found[:, 0] = False  # nobody sees the first token
        found[0, 0] = True
        return found

    monkeypatch.setattr(passes.layout.Row, "sees", blind)
    with pytest.raises(ModelError, match="differs from one-by-one scoring by"):
        list(collect(asked, frozenset(), n_checked=1))
