"""Equality as mathematics, by hand; the process around it has its tests in `test_worker.py`."""

import pytest

from twofold.scorers.answers.symbolic import equal


@pytest.mark.parametrize(
    ("gold", "answer", "same"),
    [
        (r"\sqrt{8}", r"2\sqrt{2}", True),
        (r"\sqrt{8}", r"2\sqrt{3}", False),
        ("5", "5.0", True),
        ("5", "5, 7", False),
        (r"x=\sqrt{8}", r"2\sqrt{2}", True),  # a name on one side is none on the other
        (r"\sqrt{8}", r"x = 2\sqrt{2}", True),
        (r"x=\sqrt{8}", r"x = 2\sqrt{2}", True),
        (r"x=\sqrt{8}", r"y=2\sqrt{2}", False),
        (r"x=\sqrt{8}", r"2\sqrt{3}", False),
        ("(1,2)", "[1,2]", False),
    ],
)
def test_equal_as_mathematics(gold: str, answer: str, same: bool) -> None:
    assert equal(gold, answer) is same
