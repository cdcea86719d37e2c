"""HealthBench rows: the conversation in one question, points as weight and polarity."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from twofold.errors import ProblemError
from twofold.problems import load, read, write
from twofold.types import Problem

ROOT = Path(os.environ["TWOFOLD_SHARED"])
DATA = ROOT / "data" / "healthbench_sample"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(),
    reason="the HealthBench sample is not here; set TWOFOLD_SHARED to the folder with data/",
)


def turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def row(**changed: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "example_tags": ["theme:hedging", "physician_agreed_category:any"],
        "ideal_completions_data": None,
        "prompt": [turn("user", "I cough.")],
        "prompt_id": "abc",
        "rubrics": [
            {"criterion": "Asks since when", "points": 6, "tags": ["axis:accuracy"]},
            {"criterion": "Names a dose", "points": -3, "tags": ["level:example", "axis:hedge"]},
        ],
        "canary": "a canary",
    }
    return made | changed


def loaded(folder: Path, made: dict[str, Any]) -> Problem:
    path = folder / "h.jsonl"
    path.write_text(json.dumps(made) + "\n", encoding="utf-8")
    (problem,) = load(str(path), profile="fixed")
    return problem


def test_points_become_weight_and_polarity(tmp_path: Path) -> None:
    problem = loaded(tmp_path, row())
    assert problem.question == "I cough."
    assert problem.checklist is not None
    won, taken = problem.checklist.criteria
    assert (won.text, won.weight, won.pitfall) == ("Asks since when", 6, False)
    assert (taken.text, taken.weight, taken.pitfall) == ("Names a dose", 3, True)
    assert taken.tags == ("level:example", "axis:hedge")
    assert problem.tags == {
        "source": "healthbench",
        "source_id": "abc",
        "theme": "hedging",
        "physician_agreed_category": "any",
        "canary": "a canary",
    }


def test_several_turns_are_written_out_in_order(tmp_path: Path) -> None:
    turns = [turn("user", "I cough."), turn("assistant", "How long?"), turn("user", "A week.")]
    problem = loaded(tmp_path, row(prompt=turns))
    (message,) = problem.messages()
    assert message["content"].endswith(
        "\n\n[User]\nI cough.\n\n[Assistant]\nHow long?\n\n[User]\nA week."
    )
    assert message["content"].startswith("This is a conversation")


def test_a_system_turn_is_shown(tmp_path: Path) -> None:
    problem = loaded(tmp_path, row(prompt=[turn("system", "Be brief."), turn("user", "Hi")]))
    assert "[System]\nBe brief.\n\n[User]\nHi" in problem.question


@pytest.mark.parametrize("turns", [[], [turn("user", "Hi"), turn("assistant", "Hello")]])
def test_a_prompt_ends_with_the_user(tmp_path: Path, turns: list[dict[str, str]]) -> None:
    with pytest.raises(ProblemError, match="does not end with a turn of the user"):
        loaded(tmp_path, row(prompt=turns))


def test_no_points_are_no_criterion(tmp_path: Path) -> None:
    rubrics = [{"criterion": "Is nice", "points": 0}, {"criterion": "Asks", "points": 0.5}]
    problem = loaded(tmp_path, row(rubrics=rubrics))
    assert problem.checklist is not None
    assert [c.text for c in problem.checklist.criteria] == ["Asks"]
    with pytest.raises(ProblemError, match="no criteria"):
        loaded(tmp_path, row(rubrics=rubrics[:1]))


def test_tags_of_the_data_cannot_pose_as_ours(tmp_path: Path) -> None:
    tags = ["source:gsm8k", "theme:a", "theme:b", "odd"]
    problem = loaded(tmp_path, row(example_tags=tags))
    assert (problem.tags["source"], problem.tags["theme"]) == ("healthbench", "a, b")
    assert "odd" not in problem.tags


def test_problems_survive_our_own_form(tmp_path: Path) -> None:
    problem = loaded(tmp_path, row())
    write(tmp_path / "own.jsonl", [problem])
    assert read(tmp_path / "own.jsonl", profile="fixed") == [problem]


@needs_data
def test_the_sample_is_read_as_it_is() -> None:
    problems = load(str(DATA), profile="fixed")
    lines = (DATA / "healthbench_first30.jsonl").read_text("utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line.strip()]
    assert len(problems) == len(rows) == 30
    assert len({p.id for p in problems}) == 30
    for problem, published in zip(problems, rows, strict=True):
        assert problem.checklist is not None
        criteria = problem.checklist.criteria
        points = [item["points"] for item in published["rubrics"]]
        assert len(criteria) == len(points)
        assert sum(c.weight for c in criteria if not c.pitfall) == sum(p for p in points if p > 0)
        assert sum(c.weight for c in criteria if c.pitfall) == -sum(p for p in points if p < 0)
        for message in published["prompt"]:
            assert message["content"] in problem.question
        assert f"theme:{problem.tags['theme']}" in published["example_tags"]
        assert problem.tags["canary"] == published["canary"]
    assert sum(len(p.checklist.criteria) for p in problems if p.checklist) == 352
