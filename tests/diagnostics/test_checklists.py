"""Are judged checklists shares with floors beside them, and with the judge's own errors?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from recipes.checklists.planted_judges import LabelNoiseJudge
from twofold.constraints import from_spec
from twofold.diagnostics import diagnostics_named
from twofold.diagnostics.checklist.collect import Checklists
from twofold.diagnostics.diagnostic import ScoredResponse, Subject
from twofold.errors import RunError
from twofold.judges import Asked, ExactJudge, Judge
from twofold.models.scripted import ScriptedModel
from twofold.problems import read, write
from twofold.problems.floors import FLOORS
from twofold.types import ALL, FinishReason, Item, Problem, Response, Sampling, Slice, Verdict
from twofold.types.checklist import Checklist, Criterion

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
RIGHT = Criterion(text="right?", weight=75, rule="answer", category="essential")
PLAIN = Criterion(text="no comma?", weight=25, rule="punctuation:no_comma", category="optional")
KIND = Criterion(text="kind?", weight=50)
GOOD, COMMA, WRONG = "It is #### 12", "So, #### 12", "It is #### 13"


def problem(i: int, *criteria: Criterion) -> Problem:
    return Problem(
        question=f"{i}: 7 + 5 = ?",
        answer="12",
        constraints=(NO_COMMA,),
        checklist=Checklist(criteria=criteria or (RIGHT, PLAIN)),
    )


def answer(
    asked: Problem, text: str, *, role: str = "model", condition: str = "constrained"
) -> ScoredResponse:
    item = Item(role, condition, asked.id, 0)
    return ScoredResponse(item=item, response=Response(raw=text, reply=text), correct=None)


@dataclass(frozen=True)
class Half(Judge):
    """Right of what is so, and wrong of every second thing that is not."""

    @property
    def name(self) -> str:
        return "half"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        said, wrong = [], 0
        for true in ExactJudge()(asked):
            if true.score == 0.0:
                wrong += 1
                said.append(Verdict(float(wrong % 2), "half"))
            else:
                said.append(Verdict(1.0, "half"))
        return said


def found(
    diagnostic: Checklists,
    problems: Sequence[Problem],
    answers: dict[str, Sequence[ScoredResponse]],
):
    rows = [r for role, of in answers.items() for r in diagnostic.rows(role, problems, of)]
    return rows, diagnostic.analyse(rows, problems)


def category(name: str) -> Slice:
    return Slice("category", name)


def test_shares_and_floors_by_hand() -> None:
    problems = [problem(i) for i in range(4)]
    texts = (GOOD, COMMA, WRONG, GOOD)
    _, finding = found(
        Checklists(),
        problems,
        {"model": [answer(p, t) for p, t in zip(problems, texts, strict=True)]},
    )
    value = {(m.role, m.metric, m.slice.value): m.estimate.value for m in finding.measures}
    assert {m.condition for m in finding.measures} == {"exact"}
    assert value["model", "mean", ""] == pytest.approx((1 + 0.75 + 0.25 + 1) / 4)
    assert value["model", "all", ""] == 0.5
    assert value["model", "met", "essential"] == 0.75
    assert value["model", "met", "optional"] == 0.75
    assert value["bare_answer", "mean", ""] == 1.0  # a bare answer meets these criteria
    assert value["constant_reply", "all", ""] == 1.0
    assert not any(m.role == "judge" for m in finding.measures)  # rules make no errors
    assert all(m.estimate.low <= m.estimate.value <= m.estimate.high for m in finding.measures)


def test_the_judges_errors_stand_beside_its_numbers() -> None:
    problems = [problem(i) for i in range(40)]
    texts = [GOOD if i % 2 else "So, #### 13" for i in range(40)]
    judge = Checklists(Half(), "half")
    rows, finding = found(
        judge, problems, {"model": [answer(p, t) for p, t in zip(problems, texts, strict=True)]}
    )
    assert {row["judge"] for row in rows} == {"half"}
    value = {(m.role, m.metric): m.estimate.value for m in finding.measures}
    assert value["judge", "sensitivity"] == 1.0
    assert value["judge", "specificity"] == 0.5
    assert value["model", "decided"] == pytest.approx(0.75)
    assert value["model", "decided_exact"] == pytest.approx(0.5)
    assert ("model", "open") not in value


def test_what_no_rule_decides_is_corrected_by_what_one_does() -> None:
    problems = [problem(i, RIGHT, KIND) for i in range(60)]
    texts = [GOOD if i % 2 else WRONG for i in range(60)]

    @dataclass(frozen=True)
    class Lenient(Judge):
        @property
        def name(self) -> str:
            return "lenient"

        def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
            out = []
            for each in asked:
                i = int(each.problem.question.partition(":")[0])
                true = each.response.reply == GOOD if each.criterion.rule else i % 4 == 1
                out.append(Verdict(1.0 if true or i % 10 < 2 else 0.0, "lenient"))
            return out

    _, finding = found(
        Checklists(Lenient(), "lenient"),
        problems,
        {"model": [answer(p, t) for p, t in zip(problems, texts, strict=True)]},
    )
    open_, corrected = (
        finding.estimate(k, condition="lenient") for k in ("open", "open_corrected")
    )
    # specificity on the answers: of the 30 wrong ones (even i) those with i % 10 == 0 pass: 6 of 30
    assert finding.estimate(
        "specificity", role="judge", condition="lenient"
    ).value == pytest.approx(0.8)
    # open: i % 4 == 1 is 15 of 60; of the other 45, i % 10 in (0, 1) and i % 4 != 1
    passed = sum(i % 4 == 1 or i % 10 < 2 for i in range(60)) / 60
    assert open_.value == pytest.approx(passed)
    assert corrected.value == pytest.approx((passed + 0.8 - 1) / 0.8)
    assert corrected.low <= 0.25 <= corrected.high


def test_a_judge_that_nothing_checks_is_named_as_such() -> None:
    problems = [problem(i, KIND) for i in range(3)]

    @dataclass(frozen=True)
    class Yes(Judge):
        @property
        def name(self) -> str:
            return "yes"

        def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
            return [Verdict(1.0, "yes") for _ in asked]

    _, finding = found(
        Checklists(Yes(), "yes"), problems, {"model": [answer(p, GOOD) for p in problems]}
    )
    assert any("this judge's error rate is unknown" in c for c in finding.caveats)


def test_unscored_replies_are_counted_and_explained() -> None:
    problems = [problem(0), problem(1), problem(2, KIND)]
    lost = replace(
        answer(problems[1], ""),
        response=Response(raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 500"),
    )
    _, finding = found(
        Checklists(),
        problems,
        {"model": [answer(problems[0], GOOD), lost, answer(problems[2], GOOD)]},
    )
    mean = finding.estimate("mean", condition="exact")
    assert (mean.value, mean.n, mean.n_unscored) == (1.0, 1, 2)
    assert any("2 of 3 replies are unscored" in c and "HTTP 500" in c for c in finding.caveats)


def test_before_and_after_are_paired_by_problem() -> None:
    problems = [problem(i) for i in range(12)]
    before = [answer(p, WRONG, role="baseline") for p in problems]
    after = [answer(p, GOOD) for p in problems[:10]] + [answer(p, WRONG) for p in problems[10:]]
    _, finding = found(Checklists(), problems, {"model": after, "baseline": before})
    change = finding.comparison("all", condition="exact")
    assert change.difference.value == pytest.approx(10 / 12) and change.n_improved == 10
    assert change.p_adjusted is not None and change.p_adjusted >= change.p


def test_only_what_was_stated_is_judged_and_what_is_on_disk_is_not_judged_again() -> None:
    asked, free = problem(0), replace(problem(1), constraints=())
    answers = [
        answer(asked, GOOD),
        answer(asked, GOOD, condition="unconstrained"),
        answer(free, GOOD, condition="unconstrained"),
        answer(Problem(question="?"), GOOD, condition="unconstrained"),
    ]
    subject = Subject(
        role="model",
        model=ScriptedModel({}),
        problems=[asked, free, Problem(question="?")],
        answers=answers,
        sampling=Sampling(),
        seed=0,
    )
    rows = list(Checklists().collect(subject, frozenset()))
    assert [row["problem"] for row in rows if "floor" not in row] == [asked.id, free.id]
    keys = {row["key"] for row in rows}
    assert len(keys) == len(rows) == 2 + 4
    assert list(Checklists().collect(subject, keys)) == []
    assert (
        len(list(Checklists(Half(), "half").collect(subject, keys))) == 6
    )  # another judge is another row


def test_nothing_judged_is_an_empty_finding() -> None:
    finding = Checklists().analyse([], [])
    assert not finding.measures and not finding.contrasts and not finding.caveats


def test_all_leaves_checklists_out_until_a_judge_is_named() -> None:
    assert "checklist" not in [d.name for d in diagnostics_named("all")]
    assert [d.name for d in diagnostics_named("checklist")] == ["checklist"]
    spec = "recipes.checklists.planted_judges:LabelNoiseJudge"
    (listed,) = diagnostics_named("joint", judge=spec)
    assert isinstance(listed, Checklists) and listed.label == spec


def test_verdicts_on_another_checklist_are_not_taken_for_those_on_this_one() -> None:
    """A checklist is no part of a problem's id: rewritten, its third item is another item."""
    before = problem(0, RIGHT)
    after = problem(0, PLAIN)
    old = list(Checklists().rows("model", [before], [answer(before, COMMA)]))
    new = list(
        Checklists().rows(
            "model", [after], [answer(after, COMMA)], frozenset(row["key"] for row in old)
        )
    )
    assert len(new) == len(old)  # nothing that is on disk answers these questions
    finding = Checklists().analyse([*old, *new], [after])
    assert finding.estimate("mean", condition="exact").value == 0.0  # the comma, and not the answer
    stale = Checklists().analyse(old, [after])
    assert not stale.measures and "have changed since" in stale.caveats[0]


@dataclass(frozen=True)
class Silent(Judge):
    """Right, and silent on some questions."""

    of: tuple[str, ...]

    @property
    def name(self) -> str:
        return "silent"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        return [
            Verdict(None, "no idea")
            if each.problem.question[0] in self.of
            else Verdict(true.score if true.score is not None else 1.0, "told")
            for each, true in zip(asked, ExactJudge()(asked), strict=True)
        ]


def test_what_a_judge_did_not_say_is_counted_beside_its_errors_and_shares() -> None:
    problems = [problem(i, RIGHT, KIND) for i in range(6)]
    texts = (GOOD, WRONG) * 3
    _, finding = found(
        Checklists(Silent(("0", "1", "2")), "silent"),
        problems,
        {"model": [answer(p, t) for p, t in zip(problems, texts, strict=True)]},
    )
    keys = ("decided", "decided_exact", "open")
    there = [finding.estimate(key, condition="silent") for key in keys]
    assert [(e.n, e.n_unscored) for e in there] == [(3, 3)] * 3
    errors = [
        finding.estimate(key, role="judge", condition="silent") for key in ("sensitivity", "kappa")
    ]
    assert [e.n_unscored for e in errors] == [3, 3]


def test_a_number_that_cannot_be_said_is_told_with_its_reason() -> None:
    """All answers are wrong, so nothing tells the sensitivity; but rules did decide something."""
    problems = [problem(i, RIGHT, KIND) for i in range(4)]
    _, finding = found(
        Checklists(Half(), "half"), problems, {"model": [answer(p, WRONG) for p in problems]}
    )
    assert finding.estimate("specificity", role="judge", condition="half")
    told = " ".join(finding.caveats)
    assert "no rule decides" not in told
    assert "half: no sensitivity: " in told
    assert "half, model: no share corrected for its errors: " in told


def test_a_blank_reply_counts_in_its_categories() -> None:
    problems = [problem(0), problem(1)]
    _, finding = found(
        Checklists(), problems, {"model": [answer(problems[0], GOOD), answer(problems[1], " ")]}
    )
    assert finding.estimate("mean", condition="exact").value == 0.5
    assert finding.estimate("met", condition="exact", slice=category("essential")).value == 0.5


def test_problems_without_checklists_are_told() -> None:
    finding = Checklists().analyse([], [Problem(question="?")])
    assert "twofold checklist write" in finding.caveats[0]


def test_every_share_has_a_floor_beside_it() -> None:
    problems = [problem(i, RIGHT, PLAIN, KIND) for i in range(4)]
    _, finding = found(
        Checklists(Silent(()), "told"), problems, {"model": [answer(p, WRONG) for p in problems]}
    )
    shares = {(m.metric, m.slice) for m in finding.measures if m.role == "model"}
    assert {("decided", ALL), ("open", ALL), ("met", category("essential"))} <= shares
    assert ("met", category("uncategorised")) in shares
    shares -= {("open_corrected", ALL)}  # the judge's errors on replies say nothing of the floors
    for floor in FLOORS:
        assert {(m.metric, m.slice) for m in finding.measures if m.role == floor} == shares


def test_a_lost_reply_is_counted_in_every_category() -> None:
    problems = [problem(0), problem(1)]
    lost = Response(raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 500")
    _, finding = found(
        Checklists(),
        problems,
        {"model": [answer(problems[0], GOOD), replace(answer(problems[1], ""), response=lost)]},
    )
    assert finding.estimate("met", condition="exact", slice=category("essential")).n_unscored == 1


def test_a_judge_that_says_nothing_has_rules_that_would_know() -> None:
    problems = [problem(i) for i in range(3)]
    _, finding = found(
        Checklists(Silent(("0", "1", "2")), "silent"),
        problems,
        {"model": [answer(p, GOOD) for p in problems]},
    )
    told = " ".join(finding.caveats)
    assert "silent: it gave no verdict on the criteria that a rule decides" in told


def test_another_judge_under_the_same_name_is_refused() -> None:
    asked = problem(0)
    subject = Subject(
        role="model",
        model=ScriptedModel({}),
        problems=[asked],
        answers=[answer(asked, GOOD)],
        sampling=Sampling(),
        seed=0,
    )
    first = Checklists(LabelNoiseJudge(seed=1), "http://here/v1#m")
    keys = {row["key"] for row in first.collect(subject, frozenset())}
    assert list(first.collect(subject, keys)) == []
    other = Checklists(LabelNoiseJudge(seed=2), "http://here/v1#m")
    with pytest.raises(RunError, match=r"delete checklist\.jsonl"):
        list(other.collect(subject, keys))
    elsewhere = Checklists(LabelNoiseJudge(seed=2), "http://there/v1#m")
    assert len(list(elsewhere.collect(subject, keys))) == 3


def test_a_whole_weight_is_the_same_checklist_after_it_was_read(tmp_path: Path) -> None:
    """20 is written as 20 and read as 20.0: the verdicts are not about another checklist."""
    asked = problem(0, replace(KIND, weight=20))
    rows = list(Checklists(Silent(()), "told").rows("model", [asked], [answer(asked, GOOD)]))
    write(tmp_path / "problems.jsonl", [asked])
    finding = Checklists().analyse(rows, read(tmp_path / "problems.jsonl", profile="fixed"))
    assert finding.estimate("mean", condition="told").value == 1.0
    assert not any("have changed since" in caveat for caveat in finding.caveats)
