"""HSR, SSR and CSL by hand and by brute force; what is unscored stays out and is counted."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.diagnostics.checklist.followbench import followbench, part, weighted
from twofold.errors import ProblemError, StatsError
from twofold.stats import mean
from twofold.types import ALL, Problem, Verdict
from twofold.types.checklist import Checklist, Criterion

HSR, SSR, CSL = "followbench_hsr", "followbench_ssr", "followbench_csl"

Row = tuple[Problem, Verdict]
Marks = Sequence[float | None]


def row(category: str, group: int, level: int, marks: Marks) -> Row:
    """A reply to a request of `level` criteria; `marks` are their verdicts."""
    criteria = tuple(Criterion(text=f"What level {i} adds?") for i in range(1, level + 1))
    tags = {"source": "followbench", "category": category, "group": str(group)}
    problem = Problem(
        question=f"{category} {group} {level}",
        checklist=Checklist(criteria=criteria),
        tags=tags | {"level": str(level)},
    )
    parts = {f"item:{i}": Verdict(mark) for i, mark in enumerate(marks, 1)}
    return problem, Verdict(None, parts=parts)


def met(level: int) -> list[float]:
    return [1.0] * level


TWO_GROUPS = [
    row("content", 1, 1, met(1)),
    row("content", 1, 2, met(2)),
    row("content", 1, 3, met(3)),
    row("content", 1, 4, [1, 0, 1, 1]),
    row("content", 1, 5, [0] * 5),
    row("style", 1, 1, met(1)),
    row("style", 1, 2, [1, 0]),
    row("style", 1, 3, met(3)),
    row("style", 1, 4, met(4)),
    row("style", 1, 5, met(5)),
]


def test_three_numbers_by_hand() -> None:
    found = followbench(TWO_GROUPS)
    value = {at: e.value for at, e in found.items()}
    assert [value[HSR, part(level=n)] for n in range(1, 6)] == [1, 0.5, 1, 0.5, 0.5]
    assert [value[SSR, part(level=n)] for n in range(1, 6)] == [1, 0.75, 1, 0.875, 0.5]
    assert value[HSR, ALL] == pytest.approx((1 + 1 + 3 + 2 + 2.5) / 15)
    assert value[SSR, ALL] == pytest.approx((1 + 1.5 + 3 + 3.5 + 2.5) / 15)
    assert value[CSL, ALL] == pytest.approx(2)  # 3 levels, and 1: it stops at the first failure
    assert value[CSL, part("content")] == pytest.approx(3)
    assert value[HSR, part("style")] == pytest.approx(13 / 15)
    assert found[CSL, ALL].n == 2
    assert {at.value for _, at in found if at.by == "category"} == {"content", "style"}


def test_every_number_has_an_interval_around_it() -> None:
    for at, e in followbench(TWO_GROUPS).items():
        assert e.low <= e.value <= e.high, at
        assert e.low < e.high, at
        assert e.low >= 0 and e.high <= (5 if at[0] == CSL else 1), at


def test_a_failed_judge_is_counted_and_not_summed_as_minus_one() -> None:
    found = followbench([row("style", 1, 1, [1]), row("style", 2, 1, [None])])
    ssr = found[SSR, part(level=1)]
    published = (1 + -1) / 2
    assert (ssr.value, ssr.n, ssr.n_unscored) == (1.0, 1, 1)
    assert published == 0.0 != ssr.value
    assert found[HSR, part(level=1)].n_unscored == 1


def test_a_broken_criterion_beside_an_unscored_one_is_unscored() -> None:
    found = followbench([row("style", 1, 2, [0, None]), row("style", 2, 2, [1, 1])])
    assert found[HSR, part(level=2)].value == 1.0
    assert found[HSR, part(level=2)].n_unscored == 1


def test_a_criterion_without_a_verdict_is_unscored() -> None:
    assert followbench([row("style", 1, 2, [1])]) == {}


def test_a_blank_reply_meets_nothing() -> None:
    problem, _ = row("style", 1, 1, [1])
    found = followbench([(problem, Verdict(0.0, "the reply is blank"))])
    assert found[SSR, part(level=1)].value == 0.0
    assert followbench([(problem, Verdict(None, "failed"))]) == {}


def test_a_group_with_a_gap_is_in_no_csl() -> None:
    whole = [row("style", 1, n, met(n)) for n in range(1, 6)]
    gap = [row("style", 2, n, [None] * n if n == 5 else met(n)) for n in range(1, 6)]
    short = [row("style", 3, 1, [0])]
    csl = followbench(whole + gap + short)[CSL, ALL]
    assert (csl.value, csl.n, csl.n_unscored) == (5.0, 1, 2)


def test_several_replies_a_level_weigh_as_one_group() -> None:
    rows = [row("style", 1, n, met(n)) for n in range(1, 6)]
    rows.append(row("style", 1, 1, [0]))
    found = followbench(rows)
    assert found[HSR, part(level=1)].value == 0.5
    assert found[HSR, part(level=1)].n == 1
    # Drawn with half a chance at level 1: 0 levels or all 5.
    assert found[CSL, ALL].value == pytest.approx(2.5)


def test_overall_needs_all_levels() -> None:
    found = followbench([row("style", 1, n, met(n)) for n in (1, 2, 3, 4)])
    assert (HSR, part(level=4)) in found
    assert (HSR, ALL) not in found and (CSL, ALL) not in found
    with pytest.raises(StatsError, match="needs all levels"):
        weighted({1: mean([1])})


def test_other_problems_are_passed_over_and_lost_tags_are_an_error() -> None:
    problem, verdict = row("style", 1, 1, [1])
    other = Problem(question="?", checklist=problem.checklist, tags={"source": "healthbench"})
    assert followbench([(other, verdict)]) == {}
    lost = Problem(question="?", checklist=problem.checklist, tags={"source": "followbench"})
    with pytest.raises(ProblemError, match="lacks the tag category"):
        followbench([(lost, verdict)])
    rewritten = replace(row("style", 1, 2, [1, 1])[0], checklist=problem.checklist)
    with pytest.raises(ProblemError, match="of level 2 has 1 criteria"):
        followbench([(rewritten, verdict)])


def test_grades_count_from_one_half() -> None:
    found = followbench([row("style", 1, 2, [0.5, 0.49])])
    assert found[SSR, part(level=2)].value == 0.5


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(*(st.lists(st.booleans(), min_size=n, max_size=n) for n in range(1, 6))),
        min_size=1,
        max_size=6,
    )
)
def test_as_brute_force_has_it(groups: list[tuple[list[bool], ...]]) -> None:
    rows = [
        row("mixed", g, level, [float(mark) for mark in marks])
        for g, levels in enumerate(groups)
        for level, marks in enumerate(levels, 1)
    ]
    found = followbench(reversed(rows))
    hsr, ssr = [], []
    for level in range(5):
        hsr.append(sum(all(levels[level]) for levels in groups) / len(groups))
        ssr.append(sum(sum(g[level]) / (level + 1) for g in groups) / len(groups))
    lengths = [len(list(itertools.takewhile(all, levels))) for levels in groups]
    for level in range(5):
        assert found[HSR, part("mixed", level + 1)].value == pytest.approx(hsr[level])
        assert found[SSR, part("mixed", level + 1)].value == pytest.approx(ssr[level])
    weights = (1, 2, 3, 4, 5)
    for name, values in ((HSR, hsr), (SSR, ssr)):
        wanted = sum(w * v for w, v in zip(weights, values, strict=True)) / 15
        assert found[name, ALL].value == pytest.approx(wanted)
    assert found[CSL, ALL].value == pytest.approx(sum(lengths) / len(groups))
