"""Are pairs the best against the worst, and kept by the largest lead in one criterion?"""

import json
from pathlib import Path

import pytest

from twofold.constraints import from_spec
from twofold.judges import ExactJudge, MeetsChecklist
from twofold.methods import Dpo, TrainingError
from twofold.methods.preferences import lead, pairs, read_pairs
from twofold.scorers import Correct
from twofold.types import FinishReason, Problem, Response, Verdict
from twofold.types.checklist import Checklist, Criterion

COMMA, QUOTES = (
    from_spec(name, None, profile="fixed")
    for name in ("punctuation:no_comma", "startend:quotation")
)


def asked(question: str, answer: float, comma: float, quotes: float) -> Problem:
    """A problem whose three criteria weigh so much."""
    criteria = (
        Criterion(text="right?", rule="answer", weight=answer),
        Criterion(text="no comma?", rule="punctuation:no_comma", weight=comma),
        Criterion(text="quoted?", rule="startend:quotation", weight=quotes),
    )
    return Problem(
        question=question,
        answer="12",
        constraints=(COMMA, QUOTES),
        checklist=Checklist(criteria=criteria),
    )


def replies(*texts: str) -> list[Response]:
    return [Response(raw=text, reply=text) for text in texts]


BY = MeetsChecklist(ExactJudge())


def test_the_best_and_the_worst_of_each_problem() -> None:
    problem = asked("a", 50, 25, 25)
    (row,) = pairs([problem], [replies("So, #### 12", '"#### 12"', "#### 13")], by=BY)
    assert (row["chosen"], row["rejected"]) == ('"#### 12"', "#### 13")
    assert row["gap"] == pytest.approx(1 - 0.25) and row["lead"] == 1.0
    assert row["prompt"] == problem.messages() and row["problem"] == problem.id


def test_dpo_tells_how_many_problems_have_no_pair(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One problem has a right and a wrong reply, one two right ones, and one a single one."""
    problems = [Problem(question=name, answer="12") for name in "abc"]
    drawn = [replies("#### 12", "#### 13"), replies("#### 12", "#### 12"), replies("#### 12")]
    monkeypatch.setattr(Dpo, "draw", lambda *_, **__: drawn)
    monkeypatch.setattr(Dpo, "_prefer", lambda _self, _base, rows, **__: rows)
    (row,) = Dpo(reward=Correct()).train("no/model", problems, out=tmp_path)  # type: ignore[misc]
    assert row["problem"] == problems[0].id
    assert "1 pairs; 2 of 3 problems have none; 0 replies unscored" in caplog.text


def test_ties_cut_replies_and_unscored_ones_make_no_pair() -> None:
    problem = asked("a", 50, 25, 25)
    assert pairs([problem], [replies("#### 12", "It is #### 12")], by=BY) == []
    cut = Response(raw="#### 12 and", reply="#### 12 and", finish_reason=FinishReason.truncated)
    lost = Response(raw="", reply="", finish_reason=FinishReason.failed)
    assert pairs([problem], [[cut, lost, *replies("#### 13, no")]], by=BY) == []


def test_kept_by_the_largest_lead_in_one_criterion_not_by_the_total() -> None:
    """A gap of 1.0 that is made of nothing but the answer's weight leads by no more than one of 0.1."""
    small = asked("small", 10, 45, 45)
    total = asked("total", 90, 5, 5)
    graded = {"a": Verdict(0.4), "b": Verdict(0.4)}
    assert (
        lead(Verdict(0.4, parts=graded), Verdict(0.0, parts=dict.fromkeys("ab", Verdict(0.0))))
        == 0.4
    )
    rows = pairs(
        [small, total],
        [replies("#### 12", "#### 13"), replies("#### 12", "#### 13")],
        by=BY,
        keep=0.5,
    )
    assert len(rows) == 1 and rows[0]["problem"] == small.id  # a tie in lead: the first stays


def test_a_chosen_reply_may_trail_in_a_criterion() -> None:
    ahead = Verdict(0.6, parts={"a": Verdict(1.0), "b": Verdict(0.0)})
    behind = Verdict(0.4, parts={"a": Verdict(0.7), "b": Verdict(1.0)})
    assert lead(ahead, behind) == pytest.approx(0.3)  # signed: b's -1 is no lead


@pytest.mark.parametrize(
    ("n", "keep", "left"), [(10, 0.4, 4), (5, 0.4, 2), (3, 0.4, 2), (1, 0.4, 1)]
)
def test_the_share_that_is_kept(n: int, keep: float, left: int) -> None:
    problems = [asked(str(i), 50, 25, 25) for i in range(n)]
    rows = pairs(problems, [replies("#### 12", "#### 13")] * n, by=BY, keep=keep)
    assert len(rows) == left
    order = [problems.index(next(p for p in problems if p.id == row["problem"])) for row in rows]
    assert order == sorted(order)


def test_a_wrong_share_is_reported() -> None:
    with pytest.raises(TrainingError, match="keep is 0"):
        pairs([], [], by=BY, keep=0)


def test_dpo_reads_pairs_and_reports_what_is_wrong_with_them(tmp_path: Path) -> None:
    problem = asked("a", 50, 25, 25)
    rows = pairs([problem], [replies("#### 12", "#### 13")], by=BY)
    file = tmp_path / "pairs.jsonl"
    file.write_text(
        "".join(json.dumps(row) + "\n" for row in [*rows, rows[0] | {"problem": "other"}])
    )
    assert Dpo(pairs=file).rows([problem]) == rows
    with pytest.raises(TrainingError, match="no pair of these problems"):
        Dpo(pairs=file).train("pocket", [asked("b", 50, 25, 25)], out=tmp_path / "run")
    with pytest.raises(TrainingError, match="twofold pairs"):
        read_pairs(tmp_path / "none.jsonl", [problem])
    file.write_text('{"prompt": []}\n')
    with pytest.raises(TrainingError, match="line 1 lacks chosen, rejected, problem"):
        read_pairs(file, [problem])
    for key in ("prompt", "chosen", "rejected", "problem"):
        file.write_text(json.dumps(rows[0] | {key: 5}))
        with pytest.raises(TrainingError, match=f"line 1: '{key}' should be a valid"):
            read_pairs(file, [problem])
