"""MathIF's published floors, whole: 420 queries, `official` profile, counted by hand from its paper trail.

The counts are those of the published evaluation on the same replies (12.14 % is 51 of 420).
"""

import os
from pathlib import Path

import pytest

from twofold.problems import load
from twofold.scorers import Compliant, Correct
from twofold.types import Problem, Response

SHARED = Path(os.environ["TWOFOLD_SHARED"])
MATHIF = SHARED / "data" / "mathif"


@pytest.fixture(scope="module")
def problems() -> list[Problem]:
    if not MATHIF.is_dir():
        pytest.skip(f"MathIF's files are not in {MATHIF}; set TWOFOLD_SHARED to where they are")
    return load(str(MATHIF), profile="official")


@pytest.mark.parametrize(
    ("text", "all_met", "share_met", "right"),
    [
        (r"\boxed{GOLD}", 51, 31.03, 417),  # 12.14, 31.03, 99.29
        ("5", 65, 34.29, None),  # 15.48, 34.29
        (r"the answer is $\boxed{GOLD}$.", 68, 36.31, None),  # 16.19, 36.31
        ("", 0, 0.0, 0),
    ],
)
def test_replies_that_do_nothing_score_as_published(problems, text, all_met, share_met, right):
    replies = [text.replace("GOLD", str(problem.answer)) for problem in problems]
    responses = [Response(raw=reply, reply=reply) for reply in replies]
    hacc = [v.score for v in Compliant(how="all")(problems, responses)]
    sacc = [v.score for v in Compliant(how="mean")(problems, responses)]
    assert len(problems) == 420
    assert sum(hacc) == all_met
    assert 100 * sum(sacc) / 420 == pytest.approx(share_met, abs=0.005)
    if right is not None:
        correct = [v.score for v in Correct(profile="official")(problems, responses)]
        assert sum(correct) == right
