"""Does the invented world hold what its questions need, once, and does each split keep to itself?"""

import itertools
from pathlib import Path

import pytest

from twofold.errors import ProblemError
from twofold.problems import io, knowledge, load
from twofold.problems.knowledge import THINGS, TRAIN_NAMES, World
from twofold.scorers import Correct
from twofold.storage.jsonl import read_lines
from twofold.types import Problem, Response


def answered_from(passages: str, problem: Problem) -> str:
    """The answer, looked up in the text of the passages alone."""
    facts = dict(part.rsplit(" is ", 1) for part in passages.replace("\n", " ").split(". ") if part)
    thing, _, who = problem.question.removeprefix("What is the ").partition(" of ")
    who = who.partition(":")[0].rstrip("?")
    if who.startswith("the partner of "):
        who = facts[f"The partner of {who.removeprefix('the partner of ')}"]
    return facts[f"The {thing} of {who}"]


@pytest.mark.parametrize("world", [0, 1])
@pytest.mark.parametrize("split", ["train", "test"])
def test_every_answer_is_in_the_passages(split: knowledge.Split, world: int) -> None:
    there = World(world)
    passages = " ".join(there.passage(name) for name in TRAIN_NAMES) + " "
    problems = knowledge.suite(split, world=world)
    assert len({problem.id for problem in problems}) == len(problems) == 160
    for problem in problems:
        assert answered_from(passages, problem) == problem.answer
        facts = problem.tags["facts"].split("; ")
        assert len(facts) == int(problem.tags["n_facts"])
        assert all(f"{fact}." in passages for fact in facts)
        assert facts[-1].endswith(f" {problem.answer}")


def test_every_gold_passes_its_scorer_and_one_option_is_right() -> None:
    for problem in knowledge.suite("train"):
        texts = [str(problem.solution), *problem.options]
        replies = [Response(raw=text, reply=text) for text in texts]
        first, *options = [v.score for v in Correct()([problem] * len(texts), replies)]
        assert first == 1.0
        assert options == [] or (len(options) == 4 and sum(map(float, options)) == 1.0)  # type: ignore[arg-type]


def test_the_splits_share_no_fact_about_a_thing() -> None:
    train, test = (set(World(3).facts(split)) for split in knowledge.SPLITS)
    assert not train & test
    assert train | test == set(itertools.product(TRAIN_NAMES, THINGS))
    asked = [{p.question for p in knowledge.suite(split)} for split in knowledge.SPLITS]
    assert not asked[0] & asked[1]


def test_partners_are_couples() -> None:
    world = World(5)
    for name in TRAIN_NAMES:
        partner = world.of(name, "partner")
        assert partner != name and world.of(partner, "partner") == name


def test_the_two_files(tmp_path: Path) -> None:
    knowledge.write_passages(tmp_path / "corpus.jsonl")
    rows = list(read_lines(tmp_path / "corpus.jsonl"))
    assert [row["id"] for row in rows] == list(TRAIN_NAMES)
    problems = load("twofold.problems.knowledge:to_learn", profile="fixed")
    io.write(tmp_path / "train.jsonl", problems)
    again = io.read(tmp_path / "train.jsonl", profile="fixed")
    assert again == problems == knowledge.suite("train")
    assert load("twofold.problems.knowledge:held_out", profile="fixed") == knowledge.suite("test")


def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(ProblemError, match="from 0 to 159"):
        World(0).problem(160, split="train")
    with pytest.raises(ProblemError, match="options"):
        Problem(question="Red or blue?", options=("red", "red"))
    assert Problem(question="q", options=("a", "b")).id == Problem(question="q").id
