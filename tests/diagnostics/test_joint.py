"""The joint finding against numbers made by hand."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from twofold.diagnostics.joint.analysis import AS_WRONG, Joint, axes
from twofold.diagnostics.joint.table import JointTable, rows
from twofold.types import Constraint, Count, Outcome, Problem, Slice, Verdict


@dataclass(frozen=True)
class Says(Constraint):
    name: ClassVar[str] = "test:says"
    group: ClassVar[str] = "lexical"
    family: ClassVar[str] = "test"
    departure: ClassVar[str] = ""
    word: str
    profile: str = "fixed"

    def wordings(self) -> tuple[str, ...]:
        return (f"Say {self.word}.",)

    def witnesses(self):
        return self.word, "silence"

    def _official(self, text):
        return Verdict(float(self.word in text), "looked")

    _fixed = _official


@dataclass(frozen=True)
class Shouts(Says):
    name: ClassVar[str] = "test:shouts"
    group: ClassVar[str] = "format"
    family: ClassVar[str] = "test"


# Four problems; the first two with one constraint, the others with two.
PROBLEMS = [
    Problem(question="q0", answer="1", constraints=(Says("a"),), tags={"difficulty": "1"}),
    Problem(question="q1", answer="2", constraints=(Says("b"),), tags={"difficulty": "1"}),
    Problem(
        question="q2", answer="3", constraints=(Says("c"), Shouts("d")), tags={"difficulty": "2"}
    ),
    Problem(
        question="q3", answer="4", constraints=(Says("e"), Says("f")), tags={"difficulty": "2"}
    ),
]


def row(
    index, correct, *parts, role="model", condition="constrained", finish_reason="answered", **more
):
    problem = PROBLEMS[index]
    return {
        "role": role,
        "condition": condition,
        "problem": problem.id,
        "sample": 0,
        "correct": correct,
        "parts": dict(zip(problem.constraint_keys, parts, strict=True)),
        "finish_reason": finish_reason,
    } | more


STATED = [row(0, 1.0, 1.0), row(1, 1.0, 0.0), row(2, 0.0, 1.0, 1.0), row(3, 0.0, 0.0, 1.0)]
PLAIN = [
    row(0, 1.0, 0.0, condition="unconstrained"),
    row(1, 1.0, 0.0, condition="unconstrained"),
    row(2, 1.0, 1.0, 0.0, condition="unconstrained"),
    row(3, 0.0, 0.0, 0.0, condition="unconstrained"),
]


def test_every_headline_number_by_hand():
    finding = Joint().analyse(STATED + PLAIN, PROBLEMS)
    assert finding.estimate("accuracy", condition="constrained").value == 2 / 4
    assert finding.estimate("accuracy", condition="unconstrained").value == 3 / 4
    assert finding.estimate("hacc", condition="constrained").value == 2 / 4  # q0 and q2
    assert finding.estimate("sacc", condition="constrained").value == pytest.approx(
        (1 + 0 + 1 + 0.5) / 4
    )
    assert finding.estimate("joint", condition="constrained").value == 1 / 4  # q0
    cells = {
        k: finding.estimate(k, condition="constrained").value
        for k in ("right_obedient", "right_disobedient", "wrong_obedient", "wrong_disobedient")
    }
    assert cells == dict.fromkeys(cells, 0.25)


def test_types_groups_null_and_lift_by_hand():
    finding = Joint().analyse(STATED + PLAIN, PROBLEMS)
    # says: stated a=1 b=0 c=1 e=0 f=1, plain c=1 of 5
    assert finding.estimate(
        "met", condition="constrained", slice=Slice("type", "test:says")
    ).value == pytest.approx(3 / 5)
    assert finding.estimate(
        "met", condition="unconstrained", slice=Slice("type", "test:says")
    ).value == pytest.approx(1 / 5)
    assert finding.estimate(
        "chance_corrected", condition="constrained", slice=Slice("type", "test:says")
    ).value == pytest.approx((0.6 - 0.2) / 0.8)
    assert (
        finding.estimate("met", condition="constrained", slice=Slice("type", "test:shouts")).value
        == 1.0
    )
    assert (
        finding.estimate("met", condition="unconstrained", slice=Slice("group", "format")).value
        == 0.0
    )
    assert (
        finding.estimate("met", condition="constrained", slice=Slice("type", "test:says")).n == 4
    )  # problems, not constraints


def test_breakdowns_by_hand():
    finding = Joint().analyse(STATED, PROBLEMS)
    assert (
        finding.estimate(
            "accuracy", condition="constrained", slice=Slice("n_constraints", "1")
        ).value
        == 1.0
    )
    assert (
        finding.estimate("hacc", condition="constrained", slice=Slice("n_constraints", "2")).value
        == 0.5
    )
    assert (
        finding.estimate("joint", condition="constrained", slice=Slice("difficulty", "2")).value
        == 0.0
    )
    assert not [m for m in finding.measures if m.slice.by == "source"]


def test_length_bins_hold_every_row_once():
    lengths = [10, 20, 30, 40]
    saved = [dict(r, n_reply_tokens=n) for r, n in zip(STATED, lengths, strict=True)]
    finding = Joint().analyse(saved, PROBLEMS)
    bins = {
        m.slice: m.estimate.n
        for m in finding.measures
        if m.slice.by == "reply_tokens" and m.metric == "hacc"
    }
    assert sum(bins.values()) == 4
    assert len(bins) == 4


def test_tokens_are_shown_with_what_was_thrown_away_where_something_was():
    lengths = [10, 20, 30, 40]
    saved = [dict(r, n_reply_tokens=n) for r, n in zip(STATED, lengths, strict=True)]
    plain = Joint().analyse(saved, PROBLEMS)
    assert not [m for m in plain.measures if m.metric == "tokens"]
    saved[0]["n_spent_tokens"] = 50
    saved[1] = {**saved[1], "n_thinking_tokens": 5}
    del saved[3]["n_reply_tokens"]  # unknown, so left out and counted
    found = Joint().analyse(saved, PROBLEMS)
    tokens = found.estimate("tokens", condition="constrained")
    assert (tokens.value, tokens.n, tokens.n_unscored) == (pytest.approx((50 + 25 + 30) / 3), 3, 1)
    (said,) = [each for each in found.caveats if "thrown-away" in each]
    assert "model, constrained: 35.0 [" in said and "(n=3)" in said


def test_unscored_is_left_out_and_counted_not_zero():
    lost = [row(0, None, None, finish_reason="failed"), *STATED[1:]]
    finding = Joint().analyse(lost, PROBLEMS)
    accuracy = finding.estimate("accuracy", condition="constrained")
    assert (accuracy.value, accuracy.n, accuracy.n_unscored) == (pytest.approx(1 / 3), 3, 1)
    assert Count(role="model", condition="constrained", metric="failed", n=1) in finding.counts
    assert any("1 of 4 replies" in caveat for caveat in finding.caveats)


def test_hacc_joint_and_cells_rest_on_the_same_replies():
    table = JointTable.of(
        PROBLEMS, [row(2, 0.0, None, 1.0), row(3, 1.0, 0.0, None), row(0, 1.0, None)]
    )
    block = table.block("model", "constrained")
    assert [h if h == h else None for h in block.hacc()] == [None, None, None]
    assert [j if j == j else None for j in block.joint()] == [None, None, None]
    finding = Joint().analyse([*STATED[:2], row(2, 0.0, None, 1.0)], PROBLEMS)
    shares = [
        finding.estimate(metric, condition="constrained") for metric in ("hacc", "sacc", "joint")
    ]
    assert {(e.n, e.n_unscored) for e in shares} == {(2, 1)}
    assert finding.estimate("right_obedient", condition="constrained").n == 2


def test_a_model_that_stops_finishing_cannot_be_told_to_have_risen():
    """Half right before; after, only what it still finishes is right."""
    problems = [Problem(question=f"q{i}", answer="1", constraints=(Says("a"),)) for i in range(200)]

    def rows_of(role, scores):
        for problem, score in zip(problems, scores, strict=True):
            yield {
                "role": role,
                "condition": "constrained",
                "problem": problem.id,
                "sample": 0,
                "correct": score,
                "parts": {"test:says": score},
                "finish_reason": "answered" if score is not None else "unclosed_thinking",
            }

    before = [float(i % 2) for i in range(200)]
    after = [1.0 if i < 60 else None for i in range(200)]
    rows = [*rows_of("baseline", before), *rows_of("model", after)]
    finding = Joint().analyse(rows, problems)
    assert axes(finding.contrasts)["capability"].difference.value == 0.5  # among the 60 survivors
    worst = axes(finding.contrasts, AS_WRONG)["capability"].difference
    assert worst.value == pytest.approx(60 / 200 - 0.5)
    assert finding.outcome is Outcome.unfinished


def test_an_unclosed_thought_is_no_wrong_answer_and_its_bound_is_told():
    cut = [row(0, None, None, finish_reason="unclosed_thinking"), *STATED[1:]]
    finding = Joint().analyse(cut, PROBLEMS)
    assert finding.estimate("hacc", condition="constrained").n_unscored == 1
    assert any("were they all wrong, accuracy would be 0.250" in c for c in finding.caveats)


def test_before_and_after_are_paired_on_what_both_scored():
    before = [
        row(0, 0.0, 0.0, role="baseline"),
        row(1, 1.0, 0.0, role="baseline"),
        row(2, None, None, None, role="baseline", finish_reason="failed"),
        row(3, 1.0, 1.0, 1.0, role="baseline"),
    ]
    finding = Joint().analyse(STATED + before, PROBLEMS)
    accuracy = finding.comparison("accuracy", condition="constrained")
    # pairs: q0 0->1, q1 1->1, q3 1->0; q2 is lost
    assert (accuracy.n_improved, accuracy.n_regressed) == (1, 1)
    assert accuracy.difference.value == 0.0
    assert (accuracy.difference.n, accuracy.difference.n_unscored) == (3, 1)
    assert accuracy.p == 1.0
    assert axes(finding.contrasts)["capability"] == accuracy  # nothing was asked unconstrained
    assert (
        finding.comparison(
            "met", condition="constrained", slice=Slice("type", "test:says")
        ).p_adjusted
        is not None
    )
    assert finding.outcome is Outcome.underpowered


def test_both_rise_needs_both_lower_bounds():
    problems = [Problem(question=f"q{i}", answer="1", constraints=(Says("a"),)) for i in range(60)]

    def run(role, right, kept):
        for i, problem in enumerate(problems):
            yield {
                "role": role,
                "condition": "constrained",
                "problem": problem.id,
                "sample": 0,
                "correct": float(i < right),
                "parts": {"test:says": float(i < kept)},
                "finish_reason": "answered",
            }

    def found(*models):
        return Joint().analyse([r for m in models for r in run(*m)], problems).outcome

    assert found(("baseline", 20, 20), ("model", 40, 40)) is Outcome.both_rise
    assert found(("baseline", 20, 40), ("model", 40, 20)) is Outcome.trade_off
    assert found(("baseline", 20, 20), ("model", 40, 20)) is Outcome.one_rises
    assert found(("baseline", 40, 20), ("model", 20, 20)) is Outcome.worse


def test_problems_without_answers_have_no_accuracy():
    problem = Problem(question="Write.", constraints=(Says("a"),), question_states_constraints=True)
    finding = Joint().analyse(
        [
            {
                "role": "model",
                "condition": "constrained",
                "problem": problem.id,
                "sample": 0,
                "parts": {"test:says": 1.0},
                "finish_reason": "answered",
            }
        ],
        [problem],
    )
    assert finding.estimate("hacc", condition="constrained") is not None
    assert not [m for m in finding.measures if m.metric in ("accuracy", "joint")]
    assert any("no accuracy" in caveat for caveat in finding.caveats)


def test_order_of_rows_does_not_matter():
    first = Joint().analyse(STATED + PLAIN, PROBLEMS, seed=3)
    second = Joint().analyse((STATED + PLAIN)[::-1], PROBLEMS, seed=3)
    assert first == second


def test_rows_from_verdicts_keep_unscored_apart_from_absent():
    verdicts = [
        {
            "role": "model",
            "condition": "constrained",
            "problem": "p",
            "sample": 0,
            "finish_reason": "answered",
            "compliant": {"score": None, "parts": {"a": {"score": None}, "b": {"score": 1.0}}},
        }
    ]
    (made,) = rows(verdicts)
    assert "correct" not in made
    assert made["parts"] == {"a": None, "b": 1.0}


def test_problems_that_are_too_hard_for_every_model_are_told():
    asked = [Problem(question=f"{i}?", answer=str(i % 2)) for i in range(40)]

    def found(right: int) -> tuple[str, ...]:
        rows = [
            {
                "role": role,
                "condition": "unconstrained",
                "problem": problem.id,
                "sample": 0,
                "parts": {},
                "correct": float(i < right if role == "model" else problem.answer == "0"),
                "finish_reason": "answered",
            }
            | ({"condition": "floor"} if role == "constant_reply" else {})
            for role in ("model", "constant_reply")
            for i, problem in enumerate(asked)
        ]
        return Joint().analyse(rows, asked).caveats

    rate = "0.500 [0.352, 0.648] (n=40)"  # Wilson by hand: 20 of 40
    told = (
        f"No model is shown to be right more often than one constant answer, {rate}: model {rate}."
    )
    assert any(told in caveat for caveat in found(20))
    assert not any("constant answer" in caveat for caveat in found(35))
