"""What was lost and what does nothing, by hand: counts, shares, reasons, floors."""

import pytest

from twofold.constraints import from_spec
from twofold.runs.finalize import _loss_in_words
from twofold.runs.losses import LossCount
from twofold.runs.score_responses import CHUNK, ResponseScores, floor_answers
from twofold.storage.jsonl import Row
from twofold.types import FinishReason, Item, Problem, Response, Verdict

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")


def row(
    finish_reason: str = "answered", condition: str = "unconstrained", **verdicts: object
) -> Row:
    return {"role": "model", "condition": condition, "finish_reason": finish_reason, **verdicts}


def failed(reason: str) -> Row:
    return row("failed", compliant={"score": None, "reason": reason})


def counted(*rows: Row) -> LossCount:
    lost = LossCount()
    assert list(lost.counted(rows)) == list(rows)
    return lost


def test_a_constraint_that_was_not_checked_is_lost_and_one_left_open_is_not() -> None:
    def told(verdict: Verdict) -> Row:
        both = Verdict(None, parts={"a": Verdict(1.0), "b": verdict})
        return row(correct={"score": 1.0}, compliant=both.to_json())

    missing = "no package: pip install it"
    left_open = Verdict(None, "the reply ends: pip install it")  # words decide nothing
    lost = counted(told(Verdict(None, missing, note="not_installed")), told(left_open))
    assert (lost.n, lost.of, lost.reasons) == (1, 2, {missing: 1})


def test_what_is_lost_is_counted_by_its_reason() -> None:
    lost = counted(
        row(correct={"score": 1.0}),
        row(correct={"score": None, "reason": "timed out"}),
        row(correct={"score": None}),
        failed("HTTP 500"),
        failed("HTTP 500"),
        row("failed"),
        row("unclosed_thinking", correct={"score": None, "reason": "unclosed thinking"}),
        row(compliant={"score": 0.0}),
    )
    assert lost.reasons == {"timed out": 1, "unscored": 1, "HTTP 500": 2, "failed": 1}
    assert (lost.n, lost.of, lost.share) == (5, 8, 5 / 8)
    assert lost.to_json() == {
        "n": 5,
        "of": 8,
        "share": 5 / 8,
        "too_many": True,
        "reasons": {"HTTP 500": 2, "timed out": 1, "unscored": 1, "failed": 1},
    }


def test_the_ten_most_frequent_reasons_are_written_and_three_are_said() -> None:
    lost = counted(*(failed(f"error {i}") for i in range(12) for _ in range(i + 1)))
    assert list(lost.to_json()["reasons"].items()) == [
        (f"error {i}", i + 1) for i in range(11, 1, -1)
    ]
    assert tuple(_loss_in_words(lost)) == (
        "78 of 78 responses were lost and are unscored "
        "(12 × error 11; 11 × error 10; 10 × error 9).",
    )


def test_nothing_asked_and_nothing_lost_are_no_loss() -> None:
    for lost in (counted(), counted(row(correct={"score": 0.0}))):
        assert (lost.share, lost.worst[1], lost.is_too_many) == (0.0, 0.0, False)
        assert tuple(_loss_in_words(lost)) == ()


@pytest.mark.parametrize(("n_lost", "too_many"), [(1, False), (2, True)])
def test_one_in_twenty_is_borne_in_each_condition_of_its_own(n_lost: int, too_many: bool) -> None:
    stated = [row(condition="constrained", correct={"score": 1.0})] * 400
    plain = [failed("cut")] * n_lost + [row(correct={"score": 1.0})] * (20 - n_lost)
    lost = counted(*stated, *plain)
    assert lost.worst == ("model, unconstrained", n_lost / 20)
    assert lost.is_too_many is too_many


def test_the_floors_are_the_bare_answer_and_the_commonest_one() -> None:
    problems = [Problem(question=f"{i}?", answer=a) for i, a in enumerate(["7", "3", "3", None])]
    found = [(item.role, item.problem, r.reply) for item, r in floor_answers(problems)]
    ids = [problem.id for problem in problems]
    constant = "\\boxed{3}"
    assert found == [
        ("constant_reply", ids[0], constant),
        ("bare_answer", ids[0], "\\boxed{7}"),
        ("constant_reply", ids[1], constant),
        ("bare_answer", ids[1], "\\boxed{3}"),
        ("constant_reply", ids[2], constant),
        ("bare_answer", ids[2], "\\boxed{3}"),
        ("constant_reply", ids[3], constant),
    ]
    tied = [Problem(question="a?", answer="9"), Problem(question="b?", answer="4")]
    assert next(floor_answers(tied))[1].reply == "\\boxed{4}"  # the first by letter
    assert [r.reply for _, r in floor_answers(problems[3:])] == ["\\boxed{5}"]


def test_rows_stand_in_the_order_given_across_chunks_and_say_only_what_applies() -> None:
    both = Problem(question="2 + 2?", answer="4", constraints=(NO_COMMA,))
    free, open_ = Problem(question="1 + 1?", answer="2"), Problem(question="Hm?")
    judged = ResponseScores({p.id: p for p in (both, free, open_)})
    right = Response(raw="#### 4", reply="#### 4", n_reply_tokens=0)
    asked = [(Item("model", "constrained", both.id, g), right) for g in range(CHUNK + 3)]
    asked += [
        (Item("model", "unconstrained", free.id, 0), Response(raw="#### 3", reply="#### 3")),
        (
            Item("model", "unconstrained", open_.id, 0),
            Response(raw="", reply="", finish_reason=FinishReason.failed),
        ),
    ]
    rows = list(judged.rows(asked))
    assert [Item.of(each) for each in rows] == [item for item, _ in asked]
    assert {each["correct"]["score"] for each in rows[:-2]} == {1.0}
    assert {each["compliant"]["score"] for each in rows[:-2]} == {1.0}
    assert {each["n_reply_tokens"] for each in rows[:-2]} == {0}
    assert rows[-2]["correct"]["score"] == 0.0 and "compliant" not in rows[-2]
    assert rows[-1] == asked[-1][0].to_json() | {"finish_reason": "failed"}


def judged(score: float | None, *, scores: bool = True, **more: object) -> Row:
    kept = {"a": score} if scores else {}
    return {"role": "model", "key": "k", "judge": "j", "score": score, "scores": kept, **more}


@pytest.mark.parametrize(
    ("rows", "worst"),
    [
        ([judged(1.0)] * 19 + [judged(None)], ("model, judge j", 0.05)),
        ([judged(1.0)] * 18 + [judged(None)] * 2, ("model, judge j", 0.1)),
        (
            [judged(None, scores=False)] * 5,
            ("model, judge j", 0.0),
        ),  # no reply, so nothing to judge
        ([{"role": "baseline", "key": "k", "retry": True}], ("baseline, diagnostic ood", 1.0)),
        ([{"role": "model", "key": "*", "skipped": "no weights"}], ("", 0.0)),
    ],
)
def test_a_diagnostic_and_a_judge_have_the_same_limit(rows: list[Row], worst) -> None:
    lost = LossCount()
    assert list(lost.asked("ood", rows)) == rows
    assert lost.worst == worst
    assert lost.is_too_many is (worst[1] > 0.05)
    assert (lost.n, lost.of) == (0, 0)
