"""The token-level panel on the page and in words: every number of the finding, and nothing of nothing."""

import pytest

from twofold.diagnostics.elicitation.analysis import Elicitation
from twofold.report import token_shift
from twofold.report.markdown import summary
from twofold.types import Finding


def row(i):
    """Ten tokens: the last one is far from the base's choice, and has all of the divergence."""
    tuned = {
        "rank": [1] * 9 + [7],
        "kl": [0.0] * 9 + [0.25 * (2 + i)],
        "js": [0.0] * 9 + [0.2],
        "author": [-0.1] * 10,
        "reader": [-1.0] * 10,
    }
    own = tuned | {"rank": [1] * 10, "kl": [0.0] * 10, "js": [0.0] * 10, "reader": [-0.1] * 10}
    return {
        "role": "model",
        "key": f"token_shift/{i}",
        "problem": str(i),
        "condition": "unconstrained",
        "texts": {"model": tuned, "baseline": own, "null": own},
    }


@pytest.fixture(scope="module")
def finding():
    return Elicitation().analyse([row(i) for i in range(5)], [])


def test_the_rows_have_every_side(finding):
    rows = {each.label: each.estimates for each in token_shift.rows(finding)}
    assert rows["Beyond its third"]["model"].value == pytest.approx(0.1)
    assert rows["KL divergence of the reader, nats a token"]["model"].value == pytest.approx(0.1)
    assert rows["Beyond its third"]["null"].value == 0.0
    sparse = rows["Share of the KL in 5 % of the tokens (evenly spread: 0.05)"]
    assert (
        sparse["model"].value == pytest.approx((1.5 + 1.25 + 0.5 * 1.0) / 5)
        and "null" not in sparse
    )
    ratio = rows["Perplexity ratio: for the base, the tuned model's replies / its own"]
    assert ratio["model"].value == pytest.approx(2.718281828**0.9)


def test_the_curve_is_drawn_with_its_intervals(finding):
    drawn = str(token_shift.curve(finding, "shifted"))
    assert "by its base: 1 0.00, 2 0.00" in drawn and "9 0.00, 10 1.00" in drawn
    assert 'cy="12.0"' in drawn  # a share of 1 is at the top
    # three sides: 30 intervals and 27 connecting lines
    assert drawn.count('class="whisker') == 57
    nats = str(token_shift.curve(finding, "kl"))
    assert "10 1.00" in nats and ">1.25<" in nats  # the axis ends a quarter above the largest value


def test_the_summary_has_the_table(finding):
    text = summary([finding])
    assert "token by token" in text and "Beyond its third" in text and "nan" not in text.lower()


@pytest.mark.parametrize("n", [2, 3, 4])
def test_what_too_few_problems_leave_out_has_no_row_and_a_caveat(n):
    few = Elicitation().analyse([row(i) for i in range(n)], [])
    labels = {each.label.split()[0] for each in token_shift.rows(few)}
    assert labels == {"Tokens", "Its", "Beyond", "KL", "Jensen–Shannon"}
    text = summary([few])
    assert "an interval needs 5 problems" in text and "nan" not in text.lower()


def test_nothing_is_shown_of_nothing():
    empty = Finding(diagnostic="elicitation", question="?")
    assert token_shift.rows(empty) == [] and token_shift.curve(empty, "kl") == ""
    assert "token by token" not in summary([empty])
