"""HealthBench's score by hand: points won and taken off, clipping, axes and themes."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from twofold.diagnostics.checklist.healthbench import example_score, healthbench, published_std
from twofold.errors import StatsError
from twofold.problems import load
from twofold.types import ALL, Problem, Slice, Verdict
from twofold.types.checklist import Checklist, Criterion

ROOT = Path(os.environ["TWOFOLD_SHARED"])
DATA = ROOT / "data" / "healthbench_sample"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(),
    reason="the HealthBench sample is not here; set TWOFOLD_SHARED to the folder with data/",
)

Item = tuple[float, str]


def problem(name: str, items: Sequence[Item], theme: str = "hedging") -> Problem:
    """A problem from published points and axes."""
    criteria = tuple(
        Criterion(text="...", weight=abs(points), pitfall=points < 0, tags=(f"axis:{axis}",))
        for points, axis in items
    )
    tags = {"source": "healthbench", "theme": theme}
    return Problem(question=name, checklist=Checklist(criteria=criteria), tags=tags)


def judged(asked: Problem, met: Sequence[bool | None]) -> Verdict:
    """Verdicts from what the published grader says: does the reply do it?"""
    assert asked.checklist is not None
    scores = [
        None if does is None else float(does != criterion.pitfall)
        for does, criterion in zip(met, asked.checklist.criteria, strict=True)
    ]
    return Verdict(None, parts={f"item:{i}": Verdict(s) for i, s in enumerate(scores, 1)})


ITEMS: list[Item] = [(6, "accuracy"), (4, "completeness"), (-3, "accuracy")]


@pytest.mark.parametrize(
    ("met", "score"),
    [
        ((True, True, False), 1.0),
        ((True, False, True), 0.3),
        ((False, True, False), 0.4),
        ((False, False, True), -0.3),
        ((False, False, False), 0.0),
        ((True, None, False), None),
    ],
)
def test_one_example(met: Sequence[bool | None], score: float | None) -> None:
    asked = problem("a", ITEMS)
    found = example_score(asked, judged(asked, met))
    assert found == (None if score is None else pytest.approx(score))


def test_an_axis_counts_its_own_criteria() -> None:
    asked = problem("a", ITEMS)
    verdict = judged(asked, (True, False, True))
    assert example_score(asked, verdict, tag="axis:accuracy") == pytest.approx((6 - 3) / 6)
    assert example_score(asked, verdict, tag="axis:completeness") == 0.0
    assert example_score(asked, verdict, tag="axis:hedging") is None


def test_nothing_to_win_is_unscored() -> None:
    asked = problem("a", [(-3, "accuracy")])
    assert example_score(asked, judged(asked, (False,))) is None
    assert healthbench([(asked, judged(asked, (False,)))]) == {}


def test_the_mean_is_clipped_and_not_each_score() -> None:
    first, second = problem("a", ITEMS), problem("b", [(1, "accuracy"), (-3, "accuracy")])
    rows = [(first, judged(first, (True, True, False))), (second, judged(second, (True, True)))]
    found = healthbench(rows)[ALL]
    assert found.value == 0.0  # 1 and (1 - 3) / 1 = -2: the mean is -0.5
    assert 0 <= found.low <= found.high <= 1
    rows[1] = (second, judged(second, (False, False)))
    assert healthbench(rows)[ALL].value == pytest.approx(0.5)


def test_themes_and_axes() -> None:
    first = problem("a", ITEMS, theme="hedging")
    second = problem("b", [(2, "accuracy"), (8, "hedge")], theme="communication")
    rows = [
        (first, judged(first, (True, False, True))),  # 0.3
        (second, judged(second, (False, True))),  # 0.8
    ]
    value = {at: e.value for at, e in healthbench(rows).items()}
    assert value == pytest.approx(
        {
            ALL: (0.3 + 0.8) / 2,
            Slice("theme", "hedging"): 0.3,
            Slice("theme", "communication"): 0.8,
            Slice("axis", "accuracy"): (0.5 + 0.0) / 2,
            Slice("axis", "completeness"): 0.0,
            Slice("axis", "hedge"): 1.0,
        }
    )


def test_an_axis_of_pitfalls_alone_is_left_out() -> None:
    asked = problem("a", [(5, "accuracy"), (-5, "hedge")])
    found = healthbench([(asked, judged(asked, (True, False)))])
    assert Slice("axis", "hedge") not in found
    assert found[Slice("axis", "accuracy")].value == 1.0


def test_one_unscored_criterion_leaves_the_example_out_everywhere() -> None:
    first, second = problem("a", ITEMS), problem("b", ITEMS)
    rows = [
        (first, judged(first, (True, True, False))),
        (second, judged(second, (False, None, False))),
    ]
    found = healthbench(rows)
    assert len(found) == 4  # all, a theme, two axes
    for at, estimate in found.items():
        assert (estimate.value, estimate.n, estimate.n_unscored) == (1.0, 1, 1), at


def test_a_blank_reply_meets_nothing_and_a_failed_one_is_unscored() -> None:
    asked = problem("a", ITEMS)
    assert healthbench([(asked, Verdict(0.0, "blank"))])[ALL].value == 0.0
    assert healthbench([(asked, Verdict(None, "failed"))]) == {}


def test_an_interval_never_claims_certainty_from_equal_scores() -> None:
    for met in ((True, True, False), (False, False, True)):
        rows = [(p, judged(p, met)) for p in (problem(n, ITEMS) for n in "abc")]
        found = healthbench(rows)[ALL]
        assert found.low < found.high


def test_several_replies_to_one_example_are_one_unit() -> None:
    asked, other = problem("a", ITEMS), problem("b", ITEMS)
    rows = [(asked, judged(asked, m)) for m in ((True, False, True), (False, False, True))]
    found = healthbench(rows)[ALL]
    assert (found.value, found.n) == (0.0, 1)
    rows.append((other, judged(other, (True, True, False))))
    found = healthbench(rows)[ALL]
    assert found.value == pytest.approx((0.3 - 0.3 + 1.0) / 3)
    assert found.n == 2


def test_other_problems_are_passed_over() -> None:
    asked = Problem(question="?", checklist=problem("a", ITEMS).checklist, tags={"source": "x"})
    assert healthbench([(asked, judged(asked, (True, True, True)))]) == {}


def test_the_published_error_bar() -> None:
    # Two scores: a resample's mean is low, half or high with chances 1/4, 1/2, 1/4.
    assert published_std([0.0, 1.0], seed=0) == pytest.approx(np.sqrt(1 / 8), abs=0.02)
    # Clipped: 0, 0 and 1.
    assert published_std([-1.0, 1.0], seed=0) == pytest.approx(np.sqrt(3) / 4, abs=0.03)
    assert published_std([0.2, 0.9, 0.4], seed=3) == published_std([0.2, 0.9, 0.4], seed=3)
    with pytest.raises(StatsError, match="no score"):
        published_std([], seed=0)
    asked = problem("a", ITEMS)
    estimate = healthbench([(asked, judged(asked, (True, True, False)))])[ALL]
    assert "published bootstrap std 0.0000 (1000 resamples)" in estimate.method


@needs_data
def test_the_sample_scored_from_its_own_points() -> None:
    """Every third criterion done: the formula from the raw rows is the estimate."""
    problems = load(str(DATA), profile="fixed")
    lines = (DATA / "healthbench_first30.jsonl").read_text("utf-8").split("\n")
    published = [json.loads(line) for line in lines if line.strip()]
    rows, scores = [], []
    for asked, raw in zip(problems, published, strict=True):
        met = [i % 3 == 0 for i in range(len(raw["rubrics"]))]
        points = [item["points"] for item in raw["rubrics"]]
        won = sum(p for p, does in zip(points, met, strict=True) if does)
        scores.append(won / sum(p for p in points if p > 0))
        rows.append((asked, judged(asked, met)))
        assert example_score(*rows[-1]) == pytest.approx(scores[-1])
    found = healthbench(rows)
    assert found[ALL].value == pytest.approx(np.clip(np.mean(scores), 0, 1))
    assert found[ALL].n == 30
    assert found[Slice("theme", "global_health")].n == 8
