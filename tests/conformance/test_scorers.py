"""The contract of every scorer. A new one is added to SCORERS and has to hold it."""

import json
import pickle
from dataclasses import fields, is_dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.constraints import from_spec
from twofold.scorers import (
    Compliant,
    Correct,
    Gated,
    Lexicographic,
    Product,
    SoftGate,
    StatesFacts,
    WeightedSum,
)
from twofold.types import FinishReason, Problem, Response, Scorer

SCORERS: list[tuple[Scorer, str]] = [
    (Correct(), "correct"),
    (Correct(profile="official"), "correct"),
    (Compliant(), "compliant"),
    (Compliant("all"), "compliant_all"),
    (Compliant("graded"), "compliant_graded"),
    (SoftGate(), "soft_gate"),
    (SoftGate(Correct(), Compliant("graded")), "soft_gate"),
    (Product((Correct(), Compliant("all"))), "product(correct,compliant_all)"),
    (WeightedSum((Correct(), Compliant())), "weighted_sum(correct,compliant)"),
    (Gated(Correct(), Compliant()), "gated(correct,compliant)"),
    (Gated(Compliant("all"), Correct()), "gated(compliant_all,correct)"),
    (Lexicographic(Correct(), Compliant()), "lexicographic(correct,compliant)"),
    (Lexicographic(Compliant("all"), Correct()), "lexicographic(compliant_all,correct)"),
    (StatesFacts(), "states_facts"),
    (StatesFacts("all"), "states_facts_all"),
]
each = pytest.mark.parametrize("scorer", [pytest.param(s, id=repr(s)) for s, _ in SCORERS])

PROBLEM = Problem(
    question="7 + 5 = ?",
    answer="12",
    constraints=(
        from_spec("punctuation:no_comma", None, profile="fixed"),
        from_spec("keywords:existence", {"keywords": ["sum"]}, profile="fixed"),
    ),
    tags={"facts": "The sum is 12"},
)
GOOD = "The sum is $\\boxed{12}$"
BAD = (
    "It is 13" + ", or so" * 10
)  # as far from the rules as can be, so that a graded score is 0, too
ADVERSARIAL = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "scorers/answers/adversarial.jsonl")
    .read_text()
    .splitlines()
]


def reply(text: str) -> Response:
    return Response(raw=text, reply=text)


@pytest.mark.parametrize(("scorer", "name"), SCORERS)
def test_name_is_stable(scorer: Scorer, name: str) -> None:
    assert scorer.name == name == pickle.loads(pickle.dumps(scorer)).name


@each
def test_is_a_frozen_picklable_value(scorer: Scorer) -> None:
    assert is_dataclass(scorer)
    assert pickle.loads(pickle.dumps(scorer)) == scorer
    assert hash(pickle.loads(pickle.dumps(scorer))) == hash(scorer)
    with pytest.raises(AttributeError):
        setattr(scorer, fields(scorer)[0].name, None)


@each
def test_one_verdict_a_response_in_order(scorer: Scorer) -> None:
    texts = [GOOD, BAD, "", GOOD, BAD]
    verdicts = scorer([PROBLEM] * 5, [reply(text) for text in texts])
    assert [verdict.score for verdict in verdicts] == [1, 0, 0, 1, 0]
    assert all(verdict.reason and "\n" not in verdict.reason for verdict in verdicts)
    assert scorer([], []) == []


@each
def test_lengths_must_agree(scorer: Scorer) -> None:
    with pytest.raises(ValueError, match="zip"):
        scorer([PROBLEM], [reply(GOOD), reply(GOOD)])


@each
@pytest.mark.parametrize("finish_reason", [FinishReason.unclosed_thinking, FinishReason.failed])
def test_no_reply_is_unscored(scorer: Scorer, finish_reason: FinishReason) -> None:
    lost = Response(raw="<think>" + GOOD, reply="", thinking=GOOD, finish_reason=finish_reason)
    verdicts = scorer([PROBLEM] * 2, [lost, reply(GOOD)])
    assert [verdict.score for verdict in verdicts] == [None, 1.0]
    assert finish_reason.value.replace("_", " ") in verdicts[0].reason


@each
def test_the_thought_is_never_judged(scorer: Scorer) -> None:
    thought = Response(raw=GOOD, reply=BAD, thinking=GOOD)
    assert scorer([PROBLEM], [thought])[0].score == 0.0


@each
@pytest.mark.parametrize("blank", ["", " ", "\n\t\n"])
def test_a_blank_reply_is_an_answer_and_a_wrong_one(scorer: Scorer, blank: str) -> None:
    response = Response(raw=blank, reply=blank, finish_reason=FinishReason.empty)
    assert scorer([PROBLEM], [response])[0].score == 0.0


@each
def test_nothing_to_measure_against_is_unscored(scorer: Scorer) -> None:
    verdict = scorer([Problem(question="Say something.")], [reply(GOOD)])[0]
    assert verdict.score is None and verdict.reason


@each
def test_deterministic_in_any_order_and_company(scorer: Scorer) -> None:
    responses = [reply(text) for text in (GOOD, BAD, "\\boxed{\\sqrt{144}} sum", "3 \\times 4")]
    alone = [scorer([PROBLEM], [response])[0] for response in responses]
    assert scorer([PROBLEM] * 4, responses) == alone
    assert scorer([PROBLEM] * 4, responses[::-1]) == alone[::-1]


@each
@given(texts=st.lists(st.text(max_size=60), max_size=20))
@settings(max_examples=40, deadline=None)
def test_any_text_is_judged(scorer: Scorer, texts: list[str]) -> None:
    verdicts = scorer([PROBLEM] * len(texts), [reply(text) for text in texts])
    assert len(verdicts) == len(texts)
    assert all(verdict.score is not None for verdict in verdicts)


MATHS = st.text(alphabet=st.sampled_from([*"0123456789xyi+-*/^_{}(),.=%$ ", "\\"]), max_size=25)


@each
@given(texts=st.lists(MATHS, max_size=10), gold=MATHS)
@settings(max_examples=25, deadline=None)
def test_any_mathematics_is_judged(scorer: Scorer, texts: list[str], gold: str) -> None:
    problem = replace(PROBLEM, question="?", answer=gold)
    responses = [reply(f"\\boxed{{{text}}}") for text in texts]
    assert len(scorer([problem] * len(texts), responses)) == len(texts)


@pytest.mark.parametrize("row", ADVERSARIAL, ids=[row["name"] for row in ADVERSARIAL])
def test_adversarial_reply(row: dict[str, str | float | None]) -> None:
    problem = Problem(question="?", answer=None if row["gold"] is None else str(row["gold"]))
    response = Response.from_json({"raw": row["reply"], **row})
    verdict = Correct()([problem], [response])[0]
    assert verdict.score == row["score"], verdict.reason
