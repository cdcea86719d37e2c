"""Drops by hand."""

import pytest

from twofold.diagnostics.generalisation.variants import Variants
from twofold.types import Problem

PROBLEMS = [Problem(question=f"Problem {i}?", answer="1") for i in range(10)]


def rows(scores, role="model"):
    return [
        {
            "role": role,
            "key": f"{kind}/{i}",
            "variant": kind,
            "of": PROBLEMS[i].id,
            "correct": score,
            "guess": int(i == 0),
        }
        for kind, values in scores.items()
        for i, score in enumerate(values)
    ]


SCORES = {
    "original": [1] * 8 + [0] * 2,
    "renamed": [1] * 8 + [0] * 2,
    "distractor": [1] * 3 + [0] * 6 + [None],
}


def test_drops_are_paired_with_the_original():
    found = Variants().analyse(rows(SCORES), PROBLEMS)
    assert (
        found.comparison("accuracy", versus="original", condition="renamed").difference.value == 0.0
    )
    drop = found.comparison("accuracy", versus="original", condition="distractor")
    assert drop.difference.value == pytest.approx(3 / 9 - 8 / 9) and drop.n_regressed == 5
    assert found.estimate("accuracy", condition="distractor").n_unscored == 1
    assert found.estimate(
        "accuracy", role="constant_reply", condition="original"
    ).value == pytest.approx(0.1)
    assert any("distractor of 10" in c or "renumbered of 0" in c for c in found.caveats)


def test_a_change_is_a_difference_of_drops():
    better = {**SCORES, "distractor": [1] * 8 + [0, 0]}
    found = Variants().analyse([*rows(better), *rows(SCORES, "baseline")], PROBLEMS)
    change = found.comparison("accuracy_drop", condition="distractor").difference
    assert change.value == pytest.approx(0 - (3 / 9 - 8 / 9))
    assert found.comparison("accuracy_drop", condition="renamed").difference.value == 0.0
