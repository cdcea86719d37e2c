"""FollowBench's files: levels above 0, one criterion a level, the published numbers of rows."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from twofold.errors import ProblemError
from twofold.problems import load, read, write
from twofold.problems.followbench import answer_form

ROOT = Path(os.environ["TWOFOLD_SHARED"])
DATA = ROOT / "data" / "followbench"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(),
    reason="FollowBench is not here; set TWOFOLD_SHARED to the folder with data/followbench",
)


def row(level: int, **changed: Any) -> dict[str, Any]:
    made = {
        "example_id": 7,
        "category": "style",
        "source": "oasst",
        "level": level,
        "instruction": "Greet me" + "".join(f", wish {i}" for i in range(1, level + 1)) + ".",
        "target": "",
    }
    return made | changed


def saved(folder: Path, *rows: dict[str, Any], name: str = "style_constraints.json") -> str:
    path = folder / name
    path.write_text(json.dumps(list(rows), indent=1), encoding="utf-8")
    return str(path)


def test_the_seed_is_not_a_problem_and_level_n_has_n_criteria(tmp_path: Path) -> None:
    problems = load(saved(tmp_path, *(row(n) for n in range(6))), profile="fixed")
    assert [p.tags["level"] for p in problems] == ["1", "2", "3", "4", "5"]
    assert [len(p.checklist.criteria) for p in problems if p.checklist] == [1, 2, 3, 4, 5]
    second = problems[1]
    assert second.question == "Greet me, wish 1, wish 2."
    assert second.question_states_constraints
    assert (second.answer, second.constraints) == (None, ())
    assert second.tags == {
        "source": "followbench",
        "source_id": "style/7/2",
        "file": "style_constraints",
        "category": "style",
        "group": "7",
        "level": "2",
        "followbench_source": "oasst",
    }
    assert second.checklist is not None
    assert second.checklist.keys == ("item:1", "item:2")
    first_added, second_added = second.checklist.criteria
    assert "Greet me.\n" in first_added.text and "Greet me, wish 1.\n" in first_added.text
    assert "wish 2" not in first_added.text
    assert "Greet me, wish 1.\n" in second_added.text and second.question in second_added.text
    assert second_added.tags == ("level:2", "kind:style")
    assert not second_added.pitfall


def test_rows_may_come_in_any_order(tmp_path: Path) -> None:
    path = saved(tmp_path, *(row(n) for n in (3, 1, 0, 2)))
    assert [p.tags["level"] for p in load(path, profile="fixed")] == ["3", "1", "2"]


def test_without_a_seed_the_first_criterion_shows_the_request_alone(tmp_path: Path) -> None:
    (problem,) = load(saved(tmp_path, row(0, instruction=""), row(1)), profile="fixed")
    assert problem.checklist is not None
    assert "level 0" not in problem.checklist.criteria[0].text
    assert problem.question in problem.checklist.criteria[0].text


def test_a_target_is_kept_as_a_tag(tmp_path: Path) -> None:
    (problem,) = load(saved(tmp_path, row(1, target="(B)")), profile="fixed")
    assert problem.tags["followbench_target"] == "(B)"
    assert problem.answer is None  # a grader of mathematics has nothing to do here


def test_a_missing_level_is_named(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match=r"row 2: group 7 has level 3 but not level 2"):
        load(saved(tmp_path, row(1), row(3)), profile="fixed")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "is not JSON"),
        ('{"a": 1}', "JSON arrays of objects"),
        ("[1]", "JSON arrays of objects"),
        ("[]", "holds no problem"),
    ],
)
def test_what_is_no_array_is_an_error(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "style_constraints.json"
    path.write_text(text)
    with pytest.raises(ProblemError, match=says):
        load(str(path), profile="fixed")


def test_a_level_out_of_range_and_an_unknown_category_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="'level'"):
        load(saved(tmp_path, row(6)), profile="fixed")
    with pytest.raises(ProblemError, match="has no FollowBench category"):
        load(saved(tmp_path, row(1), name="new_constraints.json"), profile="fixed")


def test_a_row_without_its_group_says_what_to_give(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row(2)) + "\n")
    with pytest.raises(ProblemError, match="has no FollowBench category"):
        load(str(path), profile="fixed")
    path = tmp_path / "style.jsonl"
    path.write_text(json.dumps(row(2)) + "\n")
    with pytest.raises(ProblemError, match="without the levels below it"):
        load(str(path), profile="fixed")


def test_a_directory_is_read_in_the_order_of_the_paper(tmp_path: Path) -> None:
    for category in ("mixed", "content", "style"):
        made = row(1, category=category, instruction=f"Write {category}.")
        saved(tmp_path, made, name=f"{category}_constraints.json")
    (tmp_path / "SOURCES.md").write_text("notes")
    found = [p.tags["category"] for p in load(str(tmp_path), profile="fixed")]
    assert found == ["content", "style", "mixed"]


def test_mixed_rows_say_what_kind_each_level_adds(tmp_path: Path) -> None:
    rows = [row(1, category="format"), row(2, category="format, content")]
    problems = load(saved(tmp_path, *rows, name="mixed_constraints.json"), profile="fixed")
    assert problems[1].checklist is not None
    assert [c.tags[1] for c in problems[1].checklist.criteria] == ["kind:format", "kind:content"]
    assert problems[1].tags["category"] == "mixed"


def test_problems_survive_our_own_form(tmp_path: Path) -> None:
    problems = load(saved(tmp_path, row(1), row(2, target="x")), profile="fixed")
    write(tmp_path / "own.jsonl", problems)
    assert read(tmp_path / "own.jsonl", profile="fixed") == problems


@pytest.mark.parametrize(
    ("target", "form"),
    [
        ("{instruction}\nBOT: {answer}", "BOT: ?"),
        ("{instruction}\n{{'bot': '{answer}'}}", "{'bot': '?'}"),
        ("{instruction}\n[Bot]\n{answer}", "[Bot]\n?"),
        ("{instruction}\n{answer}", "?"),
        ("{instruction}\n{answer.__class__}", ""),
        ("(B)", ""),
        ("Say {instruction}\n{answer}", ""),
    ],
)
def test_templates_are_filled_without_format(target: str, form: str) -> None:
    assert answer_form(target, "?") == form


@needs_data
def test_the_published_files_are_complete() -> None:
    problems = load(str(DATA), profile="fixed")
    assert Counter(p.tags["category"] for p in problems) == {
        "content": 125,
        "situation": 110,
        "style": 150,
        "format": 150,
        "example": 200,
        "mixed": 85,
    }
    assert len({p.id for p in problems}) == 820
    assert len({p.tags["source_id"] for p in problems}) == 820
    rows = {
        f"{path.stem.removesuffix('_constraints')}/{r['example_id']}/{r['level']}": r
        for path in DATA.glob("*.json")
        for r in json.loads(path.read_text("utf-8"))
    }
    for problem in problems:
        published = rows[problem.tags["source_id"]]
        assert problem.messages()[0]["content"] == published["instruction"]
        assert problem.checklist is not None
        assert len(problem.checklist.criteria) == published["level"]
        last = problem.checklist.criteria[-1].text
        assert problem.tags["category"] == "example" or published["instruction"] in last


@needs_data
def test_a_single_file_is_read_too() -> None:
    assert len(load(str(DATA / "mixed_constraints.json"), profile="official")) == 85
