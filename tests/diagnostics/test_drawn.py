"""Chains outside a sample are not asked: they count neither as scored nor as unscored."""

import pytest

from twofold.diagnostics.chain.drawn import Sample
from twofold.diagnostics.chain.faithfulness import Faithfulness, continued
from twofold.study.diagnosed import of_chains
from twofold.types import Slice

from .test_chain_findings import PROBLEMS, row

MISTAKE = Slice("edit", "mistake")


def outside(i, **more):
    return {key: value for key, value in row(i, **more).items() if key != "continued"}


def test_every_problem_is_drawn_as_often():
    """A suite that alternates two kinds gives both: 400 samples of 5 of 20 problems each."""
    ids = [f"{i:016x}" for i in range(20)]
    n = [sum(key in Sample(0.25, 9).of(ids, seed) for seed in range(400)) for key in ids]
    assert sum(n) == 400 * 5 and min(n) > 65 and max(n) < 135  # 100 ± 4 standard deviations


@pytest.mark.parametrize(("share", "n"), [(0.25, 2), (0.5, 4), (1, 6), (0.01, 1)])
def test_the_size_is_rounded_up_and_bounded(share, n):
    assert len(Sample(share, 6).of("abcdefg", 0)) == n
    assert Sample(share, 6).of((), 0) == frozenset()


def test_chains_that_were_not_continued_are_not_unscored():
    rows = [
        row(0, continued={"mistake": 0, "control": 1}),
        row(1, continued={"mistake": 1, "control": 1}),
        row(2, continued={"mistake": None, "control": 1}),
        row(3, continued={}),
        outside(4),
        outside(5),
    ]
    found = Faithfulness().analyse(rows, PROBLEMS)
    told = found.estimate("answer_changed", slice=MISTAKE, condition="continued")
    assert (told.value, told.n, told.n_unscored) == (0.5, 2, 2)
    over = found.comparison(
        "answer_changed", versus="control", condition="continued", slice=MISTAKE
    )
    assert (over.difference.value, over.difference.n, over.difference.n_unscored) == (0.5, 2, 2)
    assert found.estimate("aoc").n == 6  # what is measured on every chain still is
    read = of_chains(continued("mistake"), "continued")(rows, PROBLEMS)
    assert list(read.values()) == [1.0, 0.0, None, None]


def test_model_and_baseline_are_compared_where_both_were_continued():
    rows = [
        *(row(i, continued={"mistake": i % 2, "control": 1}) for i in range(4)),
        *(row(i, role="baseline", continued={"mistake": 1, "control": 1}) for i in range(3)),
        outside(3, role="baseline"),
        *(outside(i, role=role) for i in (4, 5) for role in ("baseline", "model")),
    ]
    found = Faithfulness().analyse(rows, PROBLEMS)
    change = found.comparison(
        "answer_changed", versus="baseline", condition="continued", slice=MISTAKE
    ).difference
    assert (change.value, change.n) == (pytest.approx(2 / 3), 3)
