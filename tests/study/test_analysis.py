"""The study's numbers by hand: four problems, two seeds, tables of a few rows."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from twofold.constraints import from_spec
from twofold.diagnostics.joint.table import Table
from twofold.study.analysis import Analysis, to_json
from twofold.study.scores import Scores
from twofold.types import Problem

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
    unconstrained: Sequence[float | None],
    constrained: Sequence[tuple[float | None, float | None]],
    finish_reason: Mapping[int, str] = {},
) -> Table:
    """One sample a problem: right without constraints, (right, obedient) with them."""
    rows = []
    for i, (problem, right, (correct, obeys)) in enumerate(
        zip(asked, unconstrained, constrained, strict=True)
    ):
        about = {"role": "model", "problem": problem.id, "sample": 0}
        about |= {"n_thinking_tokens": 1, "n_reply_tokens": 9 + i}
        how = finish_reason.get(i, "answered")
        rows.append(
            about
            | {
                "condition": "unconstrained",
                "correct": right,
                "parts": {KEY: 0},
                "finish_reason": "answered",
            }
        )
        parts = {KEY: obeys}
        rows.append(
            about
            | {"condition": "constrained", "correct": correct, "parts": parts, "finish_reason": how}
        )
    return Table.of(asked, rows)


def analysis(
    asked: Sequence[Problem], arms: Mapping[str, Sequence[Table]], **kw: object
) -> Analysis:
    scores = {arm: {"test": Scores(asked, dict(enumerate(t)))} for arm, t in arms.items()}
    return Analysis(scores, {a: list(range(len(t))) for a, t in arms.items()}, "test", **kw)  # type: ignore[arg-type]


def test_measures_by_hand() -> None:
    asked = problems(4)
    one = table(asked, [1, 0, 1, 1], [(1, 1), (1, 0), (0, 1), (None, 1)])
    found = analysis(asked, {"base": [one]}).arms()["base"]
    assert found["capability"].value == pytest.approx(0.75)
    assert found["constrained_accuracy"].value == pytest.approx(
        2 / 3
    )  # the unscored one is no zero
    assert found["constrained_accuracy"].n == 3
    assert found["compliance"].value == pytest.approx(0.75)
    assert found["joint"].value == pytest.approx(1 / 3)
    assert found["tokens"].value == pytest.approx(11.5)  # 10, 11, 12, 13
    assert found["types"][KEY].value == pytest.approx(0.75)


def test_seeds_are_averaged_and_broken_down_by_tag() -> None:
    asked = problems(4)
    low = table(asked, [0, 0, 0, 0], [(0, 0)] * 4)
    high = table(asked, [1, 0, 1, 0], [(1, 1)] * 4)
    work = analysis(asked, {"base": [low, low], "arm": [low, high]}, by=("kind",))
    splits = work.arms()["arm"]["splits"]
    assert splits["test"]["capability"].value == pytest.approx(0.25)
    assert splits["test/kind=even"]["capability"].value == pytest.approx(0.5)
    assert splits["test/kind=odd"]["capability"].value == 0
    contrast = work.contrasts()["arm"]
    assert contrast["splits"]["test/kind=even"]["capability"].difference.value == pytest.approx(0.5)


def test_verdicts_of_an_arm_that_raises_both_and_of_one_that_pays() -> None:
    asked = problems(60)
    half = [(i % 2, (i // 2) % 2) for i in range(60)]
    base = table(asked, [i % 2 for i in range(60)], half)
    both = table(asked, [1] * 60, [(1, 1)] * 60)
    paid = table(asked, [1] * 60, [(1, 0)] * 60)
    work = analysis(
        asked, {"base": [base] * 3, "both": [both] * 3, "paid": [paid] * 3}, reference="paid"
    )
    found = work.contrasts()
    assert found["both"]["verdict"] == "both_rise"
    assert found["paid"]["verdict"] == "trade_off"
    assert found["both"]["joint"].difference.value == pytest.approx(0.75)
    assert found["both"]["retained"]["paid"].value == pytest.approx(1.0)
    assert found["paid"]["retained"] == {}
    p, adjusted = found["both"]["capability"].p, found["both"]["capability"].p_adjusted
    assert 0 < p < 0.01 and adjusted == pytest.approx(4 * p)  # Holm over four tests, p alike


def test_holm_takes_a_verdict_back_among_many_arms() -> None:
    asked = problems(40)
    base = table(asked, [0] * 40, [(0, 0)] * 40)
    lucky = table(asked, [1] * 7 + [0] * 33, [(0, 1)] * 7 + [(0, 0)] * 33)  # exact p 0.0156 each
    flat = {f"flat{i}": [base] for i in range(4)}
    alone = analysis(asked, {"base": [base], "lucky": [lucky]}).contrasts()
    among = analysis(asked, {"base": [base], "lucky": [lucky], **flat}).contrasts()
    assert alone["lucky"]["verdict"] == "both_rise"
    assert among["lucky"]["verdict"] != "both_rise"


@pytest.mark.parametrize(
    ("n_cut", "verdict"), [(0, "both_rise"), (6, "both_rise"), (42, "unfinished")]
)
def test_a_verdict_that_hangs_on_unfinished_thoughts_is_unfinished(
    n_cut: int, verdict: str
) -> None:
    """The arm obeys in all that it finishes, the base in 18 of 60: cut 42 times, the arm has 18, too."""
    asked = problems(60)
    base = table(asked, [0] * 60, [(0, float(i >= 42)) for i in range(60)])
    cut = dict.fromkeys(range(18, 18 + n_cut), "unclosed_thinking")
    arm = table(asked, [1] * 60, [(None, None) if i in cut else (1, 1) for i in range(60)], cut)
    found = analysis(asked, {"base": [base], "arm": [arm]}).contrasts()["arm"]
    finished = [i for i in range(60) if i not in cut]
    change = sum(1 - (i >= 42) for i in finished) / len(finished)
    assert found["compliance"].difference.value == pytest.approx(change)
    assert found["verdict"] == verdict


def test_lengths_share_their_bins_and_lose_no_reply() -> None:
    asked = problems(20)
    base = table(asked, [1] * 20, [(1, 0)] * 20)
    arm = table(asked, [1] * 20, [(1, 1)] * 20)
    found = analysis(asked, {"base": [base], "arm": [arm]}).lengths()
    assert [(r["low"], r["high"]) for r in found["base"]] == [
        (r["low"], r["high"]) for r in found["arm"]
    ]
    assert sum(row["compliance"].n for row in found["arm"]) == 20
    assert all(row["compliance"].value == 1 for row in found["arm"])


def test_json_has_no_numpy_and_no_none_in_numbers() -> None:
    asked = problems(4)
    one = table(asked, [1, 0, 1, 1], [(1, 1), (1, 0), (0, 1), (1, 1)])
    row = to_json(analysis(asked, {"base": [one]}).arms())
    assert type(row["base"]["joint"]["value"]) is float
    assert to_json({"a": np.float64(0.5), "b": (1, None)}) == {"a": 0.5, "b": [1, None]}


def test_replies_of_one_length_are_one_bin() -> None:
    asked = problems(1)
    one = table(asked, [1], [(1, 1)])
    (row,) = analysis(asked, {"base": [one]}).lengths()["base"]
    assert (row["low"], row["high"], row["accuracy"].n) == (10, 10, 1)


def test_what_was_not_asked_is_absent_and_no_verdict_is_given() -> None:
    free = [Problem(question=f"{i} + 1 = ?", answer=str(i + 1)) for i in range(4)]
    rows = [
        {"role": "model", "condition": "unconstrained", "problem": p.id, "sample": 0, "correct": 1.0,
         "parts": {}, "finish_reason": "answered", "n_reply_tokens": 3}
        for p in free
    ]  # fmt: skip
    plain = Table.of(free, rows)
    work = analysis(free, {"base": [plain], "arm": [plain]})
    assert "compliance" not in work.arms()["arm"]
    assert work.contrasts()["arm"]["verdict"] is None
    assert work.lengths() == {}
