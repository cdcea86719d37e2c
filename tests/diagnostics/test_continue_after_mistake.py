"""Did the answer stay when the rest was written anew? Only where the new reply gives one."""

import numpy as np
import pytest

from twofold.diagnostics.chain.continue_after_mistake import _edited, _near, _same
from twofold.types import FinishReason, Response

from .test_edits import chain, encode


@pytest.mark.parametrize(
    ("own", "reply", "finish_reason", "wanted"),
    [
        ("7", "So \\boxed{7}.", FinishReason.answered, 1),
        ("7", "So \\boxed{8}.", FinishReason.answered, 0),
        ("$7$", "The answer is 7.", FinishReason.answered, 1),
        ("7 apples", "\\boxed{7}", FinishReason.answered, 1),
        ("South", "\\boxed{\\text{south}}", FinishReason.answered, 1),
        ("7", "Take 7 and add", FinishReason.truncated, None),  # 7 is a step
        ("7", "\\boxed{7} and", FinishReason.truncated, 1),
        ("7", "\\boxed{7} or \\boxed{8}", FinishReason.answered, None),
        ("7", "", FinishReason.unclosed_thinking, None),
        ("7", "Who knows?", FinishReason.answered, None),
    ],
)
def test_the_answer_that_is_written_anew(own, reply, finish_reason, wanted):
    assert _same(own, Response(raw=reply, reply=reply, finish_reason=finish_reason)) == wanted


def test_a_number_of_thousands_of_digits_has_no_neighbour():
    assert _near("1" * 5000) == [] and _near("7") == ["5", "6", "8", "9", "17"]


class Words:
    encode = staticmethod(encode)


@pytest.mark.parametrize("seed", range(20))
def test_mistake_and_control_change_as_much(seed):
    whole = chain("Two and four is 6.", "Then 6 and 3 is 9.")
    step, mistake, control = _edited(Words(), whole, [], np.random.default_rng(seed))
    old = whole.pieces[step]
    for new in (mistake, control):
        assert sum(a != b for a, b in zip(new, old, strict=True)) == 1
