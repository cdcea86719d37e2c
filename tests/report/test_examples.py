"""The replies on the page: chosen the same every time, rare outcomes first, long texts clipped."""

from pathlib import Path

import pytest

from twofold.report import examples
from twofold.report.examples import HEAD, TAIL, cell, choose, clipped, collect, strata


def test_the_choice_does_not_depend_on_the_order_of_the_file() -> None:
    cells = {f"{i:04x}": "rare" if i % 50 == 0 else "common" for i in range(400)}
    backwards = dict(reversed(cells.items()))
    assert choose(cells, 20) == choose(backwards, 20)


def test_rare_outcomes_are_all_there() -> None:
    cells = {f"{i:04x}": "rare" if i % 50 == 0 else "common" for i in range(400)}
    chosen = choose(cells, 20)
    assert len(chosen) == len(set(chosen)) == 20
    assert sum(cells[problem] == "rare" for problem in chosen) == 8


def test_strata_join_roles_and_conditions() -> None:
    row = {"condition": "constrained", "problem": "a", "sample": 0, "compliant": {"score": 1.0}}
    found = strata(
        [row | {"role": "model"}, row | {"role": "baseline", "compliant": {"score": 0.0}}]
    )
    assert found == {"a": "baseline/constrained/disobedient model/constrained/obedient"}


@pytest.mark.parametrize(
    ("correct", "compliant", "expected"),
    [
        (1.0, 1.0, "right_obedient"),
        (1.0, 0.0, "right_disobedient"),
        (0.0, 0.5, "wrong_disobedient"),
        (None, 1.0, "unscored"),
        (0.0, None, "unscored"),
    ],
)
def test_cells(correct: float | None, compliant: float | None, expected: str) -> None:
    assert cell({"correct": {"score": correct}, "compliant": {"score": compliant}}) == expected


def test_no_verdict_is_unscored_not_wrong() -> None:
    assert cell({}) == "unscored"


def test_long_texts_keep_both_ends() -> None:
    text = "a" * HEAD + "b" * 5000 + "c" * TAIL
    short = clipped(text)
    assert short.startswith("a" * HEAD + "\n")
    assert short.endswith("\n" + "c" * TAIL)
    assert "5000 characters left out" in short
    assert "b" not in short.replace("responses.jsonl", "").replace("[…", "")
    assert clipped("a" * (HEAD + TAIL)) == "a" * (HEAD + TAIL)


def test_collect_joins_replies_and_verdicts(pair_run: Path) -> None:
    found = collect(pair_run)
    assert found.n_problems == found.n_answered == len(found.problems) == 60
    assert [row["number"] for row in found.problems] == list(range(1, 61))
    replies = found.problems[0]["replies"]
    assert {(reply["role"], reply["condition"]) for reply in replies} == {
        (role, condition)
        for role in ("model", "baseline")
        for condition in ("constrained", "unconstrained")
    }
    assert all(set(reply["compliant"]) >= {"score"} for reply in replies)


def test_at_most_so_many_problems_and_characters(
    pair_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "MOST_PROBLEMS", 12)
    first = collect(pair_run)
    assert len(first.problems) == 12
    monkeypatch.setattr(examples, "MOST_TEXT", 30_000)
    fewer = collect(pair_run)
    assert 0 < len(fewer.problems) < 12
    assert {row["id"] for row in fewer.problems} < {row["id"] for row in first.problems}


def test_a_problem_without_a_verdict_is_no_candidate(small_run: Path) -> None:
    lines = (small_run / "verdicts.jsonl").read_text().split("\n")
    (small_run / "verdicts.jsonl").write_text("\n".join(lines[:3]))
    found = collect(small_run)
    assert (found.n_problems, found.n_answered, len(found.problems)) == (6, 3, 3)
