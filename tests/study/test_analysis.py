"""The study's numbers by hand: four problems, two seeds, tables of a few rows."""

from collections.abc import Mapping, Sequence

import pytest

from twofold.constraints import from_spec
from twofold.diagnostics.joint.table import JointTable
from twofold.report.study_file import (
    ACCURACY,
    CONSTRAINED_ACCURACY,
    HACC,
    JOINT,
    OBEDIENCE,
    TOKENS,
    Key,
)
from twofold.study.analysis import StudyAnalysis
from twofold.study.scores import Scores
from twofold.types import ALL, Comparison, Estimate, Finding, Outcome, Problem, Slice

QUOTED = from_spec("startend:quotation", None, profile="fixed")
KEY = "startend:quotation"


def problems(n: int) -> list[Problem]:
    return [
        Problem(
            question=f"{i} + 1 = ?",
            answer=str(i + 1),
            constraints=(QUOTED,),
            tags={"kind": "odd" if i % 2 else "even"},
        )
        for i in range(n)
    ]


def table(
    asked: Sequence[Problem],
    unconstrained: Sequence[float | None] | None,
    constrained: Sequence[tuple[float | None, float | None]],
    finish_reason: Mapping[int, str] = {},
    *,
    met_untold: float = 0,
) -> JointTable:
    """One sample a problem: right without constraints, (right, obedient) with them."""
    rows = []
    for i, (problem, (correct, obeys)) in enumerate(zip(asked, constrained, strict=True)):
        about = {"role": "model", "problem": problem.id, "sample": 0}
        about |= {"n_thinking_tokens": 1, "n_reply_tokens": 9 + i}
        plain = {
            "condition": "unconstrained",
            "parts": {KEY: met_untold},
            "finish_reason": "answered",
        }
        if unconstrained is not None:
            rows.append(about | plain | {"correct": unconstrained[i]})
        told = {"condition": "constrained", "parts": {KEY: obeys}, "correct": correct}
        rows.append(about | told | {"finish_reason": finish_reason.get(i, "answered")})
    return JointTable.of(asked, rows)


def analysis(
    asked: Sequence[Problem], arms: Mapping[str, Sequence[JointTable]], **kw: object
) -> StudyAnalysis:
    scores = {arm: {"test": Scores(asked, dict(enumerate(t)))} for arm, t in arms.items()}
    return StudyAnalysis(scores, {a: list(range(len(t))) for a, t in arms.items()}, "test", **kw)  # type: ignore[arg-type]


def finding(work: StudyAnalysis) -> Finding:
    (split,) = work.findings()
    return Finding(diagnostic="", question="", measures=split.measures, contrasts=split.contrasts)


def estimate(found: Finding, arm: str, key: Key, part: Slice = ALL) -> Estimate:
    estimate = found.estimate(key[0], role=arm, condition=key[1], slice=part)
    assert estimate is not None
    return estimate


def comparison(found: Finding, arm: str, key: Key, part: Slice = ALL) -> Comparison:
    c = found.comparison(key[0], role=arm, versus="base", condition=key[1], slice=part)
    assert c is not None
    return c


def verdicts(work: StudyAnalysis) -> dict[str, Outcome]:
    """Of the whole split."""
    return {v.arm: v.outcome for v in work.verdicts() if not v.slice_by}


def test_measures_by_hand() -> None:
    asked = problems(4)
    one = table(asked, [1, 0, 1, 1], [(1, 1), (1, 0), (0, 1), (None, 1)])
    found = finding(analysis(asked, {"base": [one]}))
    assert estimate(found, "base", ACCURACY).value == pytest.approx(0.75)
    constrained = estimate(found, "base", CONSTRAINED_ACCURACY)
    assert constrained.value == pytest.approx(2 / 3)  # the unscored one is no zero
    assert constrained.n == 3
    assert estimate(found, "base", HACC).value == pytest.approx(0.75)
    assert estimate(found, "base", JOINT).value == pytest.approx(1 / 3)
    assert estimate(found, "base", TOKENS).value == pytest.approx(11.5)  # 10, 11, 12, 13
    met = estimate(found, "base", ("met", "constrained"), Slice("type", KEY))
    assert met.value == pytest.approx(0.75)


def test_seeds_are_averaged_and_broken_down_by_tag() -> None:
    asked = problems(4)
    low = table(asked, [0, 0, 0, 0], [(0, 0)] * 4)
    high = table(asked, [1, 0, 1, 0], [(1, 1)] * 4)
    found = finding(analysis(asked, {"base": [low, low], "arm": [low, high]}, by=("kind",)))
    even, odd = Slice("kind", "even"), Slice("kind", "odd")
    assert estimate(found, "arm", ACCURACY).value == pytest.approx(0.25)
    assert estimate(found, "arm", ACCURACY, even).value == pytest.approx(0.5)
    assert estimate(found, "arm", ACCURACY, odd).value == 0
    assert comparison(found, "arm", ACCURACY, even).difference.value == pytest.approx(0.5)


def test_verdicts_of_an_arm_that_raises_both_and_of_one_that_pays() -> None:
    asked = problems(60)
    half = [(i % 2, (i // 2) % 2) for i in range(60)]
    base = table(asked, [i % 2 for i in range(60)], half)
    both = table(asked, [1] * 60, [(1, 1)] * 60)
    paid = table(asked, [1] * 60, [(1, 0)] * 60)
    work = analysis(
        asked, {"base": [base] * 3, "both": [both] * 3, "paid": [paid] * 3}, reference="paid"
    )
    found = finding(work)
    assert verdicts(work) == {"both": "both_rise", "paid": "trade_off"}
    assert comparison(found, "both", JOINT).difference.value == pytest.approx(0.75)
    (kept,) = work.retained()
    assert (kept.arm, kept.reference) == ("both", "paid")
    assert kept.estimate.value == pytest.approx(1.0)
    right = comparison(found, "both", ACCURACY)
    assert 0 < right.p < 0.01
    assert right.p_adjusted == pytest.approx(4 * right.p)  # Holm over four tests, p alike
    assert comparison(found, "both", JOINT).p_adjusted is None


def test_holm_takes_a_verdict_back_among_many_arms() -> None:
    asked = problems(40)
    base = table(asked, [0] * 40, [(0, 0)] * 40)
    lucky = table(asked, [1] * 7 + [0] * 33, [(0, 1)] * 7 + [(0, 0)] * 33)  # exact p 0.0156 each
    flat = {f"flat{i}": [base] for i in range(4)}
    alone = verdicts(analysis(asked, {"base": [base], "lucky": [lucky]}))
    among = verdicts(analysis(asked, {"base": [base], "lucky": [lucky], **flat}))
    assert alone["lucky"] == "both_rise"
    assert among["lucky"] != "both_rise"


@pytest.mark.parametrize(
    ("n_cut", "verdict"), [(0, "both_rise"), (6, "both_rise"), (42, "unfinished")]
)
def test_a_verdict_that_depends_on_unclosed_thinking_is_unfinished(
    n_cut: int, verdict: str
) -> None:
    """The arm obeys in all that it finishes, the base in 18 of 60: cut 42 times, the arm has 18, too."""
    asked = problems(60)
    base = table(asked, [0] * 60, [(0, float(i >= 42)) for i in range(60)])
    cut = dict.fromkeys(range(18, 18 + n_cut), "unclosed_thinking")
    arm = table(asked, [1] * 60, [(None, None) if i in cut else (1, 1) for i in range(60)], cut)
    work = analysis(asked, {"base": [base], "arm": [arm]})
    finished = [i for i in range(60) if i not in cut]
    change = sum(1 - (i >= 42) for i in finished) / len(finished)
    assert comparison(finding(work), "arm", HACC).difference.value == pytest.approx(change)
    assert verdicts(work) == {"arm": verdict}


def test_lengths_share_their_bins_and_lose_no_reply() -> None:
    asked = problems(20)
    base = table(asked, [1] * 20, [(1, 0)] * 20)
    arm = table(asked, [1] * 20, [(1, 1)] * 20)
    found = analysis(asked, {"base": [base], "arm": [arm]}).lengths()
    bins = {name: [(r.low, r.high) for r in found if r.arm == name] for name in ("base", "arm")}
    assert bins["base"] == bins["arm"]
    obeys = [row.hacc for row in found if row.arm == "arm" and row.hacc is not None]
    assert sum(each.n for each in obeys) == 20
    assert all(each.value == 1 for each in obeys)


def test_replies_of_one_length_are_one_bin() -> None:
    asked = problems(1)
    one = table(asked, [1], [(1, 1)])
    (row,) = analysis(asked, {"base": [one]}).lengths()
    assert row.accuracy is not None
    assert (row.low, row.high, row.accuracy.n) == (10, 10, 1)


def test_what_was_not_asked_is_absent_and_no_verdict_is_given() -> None:
    free = [Problem(question=f"{i} + 1 = ?", answer=str(i + 1)) for i in range(4)]
    rows = [
        {"role": "model", "condition": "unconstrained", "problem": p.id, "sample": 0, "correct": 1.0,
         "parts": {}, "finish_reason": "answered", "n_reply_tokens": 3}
        for p in free
    ]  # fmt: skip
    plain = JointTable.of(free, rows)
    work = analysis(free, {"base": [plain], "arm": [plain]})
    assert {measure.metric for measure in finding(work).measures} == {"accuracy"}
    assert work.verdicts() == [] and work.lengths() == []


def test_where_all_was_asked_with_constraints_the_verdict_rests_on_that_accuracy() -> None:
    asked = problems(60)
    base = table(asked, None, [(i % 2, (i // 2) % 2) for i in range(60)])
    arm = table(asked, None, [(1, 1)] * 60)
    work = analysis(asked, {"base": [base], "arm": [arm]})
    found = finding(work)
    assert verdicts(work) == {"arm": "both_rise"}
    assert comparison(found, "arm", CONSTRAINED_ACCURACY).p_adjusted is not None
    assert found.estimate("accuracy", role="arm", condition="unconstrained") is None


def test_what_was_lost_is_counted_beside_every_number_of_a_study() -> None:
    asked = problems(12)
    base = table(asked, [1] * 12, [(1, 1)] * 12)
    # Lost: two replies without constraints, the answer of one more and the constraint of another.
    plain = [None, None, *[1] * 10]
    told = [(None, 1), (1, None), *[(1, 1)] * 10]
    arm = table(asked, plain, told)
    work = analysis(asked, {"base": [base], "arm": [arm]}, by=("kind",))
    found = finding(work)
    lost = {ACCURACY: 2, CONSTRAINED_ACCURACY: 1, HACC: 1, JOINT: 2}
    for key, n in lost.items():
        own, both = estimate(found, "arm", key), comparison(found, "arm", key)
        assert (own.value, own.n, own.n_unscored) == (1.0, 12 - n, n)
        for side in (both.difference, both.before, both.after):
            assert (side.n, side.n_unscored) == (12 - n, n)
        assert estimate(found, "base", key).n_unscored == 0
    even = Slice("kind", "even")  # problem 0: one of each but the constraint
    assert estimate(found, "arm", ACCURACY, even).n_unscored == 1
    assert estimate(found, "arm", HACC, even).n_unscored == 0
    met = estimate(found, "arm", ("met", "constrained"), Slice("type", KEY))
    assert (met.n, met.n_unscored) == (11, 1)
    assert sum(each.accuracy.n_unscored for each in work.lengths() if each.accuracy) == 1
    said = "met): arm 2 of 12 / 1 of 12 / 1 of 12. "
    assert [said in caveat for caveat in work.caveats()] == [True]
    two = analysis(asked, {"base": [base], "arm": [arm], "other": [arm]})
    said = "met): arm 2 of 12 / 1 of 12 / 1 of 12; other 2 of 12 / 1 of 12 / 1 of 12. "
    assert [said in caveat for caveat in two.caveats()] == [True]  # of all arms in one sentence


def test_a_problem_is_lost_if_no_run_has_a_score_for_it() -> None:
    asked = problems(4)
    whole = table(asked, [1, 0, 1, 0], [(1, 1)] * 4)
    torn = table(asked, [None, None, 1, 0], [(1, 1)] * 4)
    gone = table(asked, [None, 0, 1, 0], [(1, 1)] * 4)
    found = finding(analysis(asked, {"base": [whole, whole], "arm": [torn, gone]}))
    own = estimate(found, "arm", ACCURACY)
    assert (own.n, own.n_unscored) == (3, 1)
    assert own.value == pytest.approx(2 / 5)  # of the scored cells, as before


def test_a_problem_without_an_answer_is_not_lost() -> None:
    asked = [*problems(3), Problem(question="Say hello.", constraints=(QUOTED,))]
    one = table(asked, [1, 0, 1, None], [(1, 1), (0, 1), (1, 1), (None, 1)])
    found = finding(analysis(asked, {"base": [one]}))
    assert (estimate(found, "base", ACCURACY).n, estimate(found, "base", ACCURACY).n_unscored) == (
        *(3, 0),
    )
    assert estimate(found, "base", HACC).n == 4


def test_what_is_met_untold_too_is_a_habit() -> None:
    """Both arms quote every reply when told; one of them does so untold as well."""
    asked = problems(40)
    base = table(asked, [0] * 40, [(0, 0)] * 40)
    obeys = table(asked, [1] * 40, [(1, 1)] * 40)
    always = table(asked, [1] * 40, [(1, 1)] * 40, met_untold=1)
    work = analysis(asked, {"base": [base], "obeys": [obeys], "always": [always]})
    found = finding(work)
    assert comparison(found, "obeys", OBEDIENCE).difference.value == pytest.approx(1.0)
    assert comparison(found, "always", OBEDIENCE).difference.value == pytest.approx(0.0)
    assert comparison(found, "always", HACC).difference.value == pytest.approx(1.0)
    of_type = estimate(found, "always", OBEDIENCE, Slice("type", KEY))
    assert of_type.value == pytest.approx(0.0)
    assert verdicts(work) == {"obeys": Outcome.both_rise, "always": Outcome.habit}
