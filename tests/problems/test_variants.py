"""Variants of word problems: what stays, what changes, and that the answer is still exact."""

import re

import pytest

from twofold.problems import pocket, synthetic
from twofold.problems.variants import KINDS, variants
from twofold.types import Problem

SOURCES = {
    "synthetic": synthetic.suite(30),
    "synthetic, train": synthetic.suite(15, split="train"),
    "pocket": pocket.suite(26),
}


@pytest.mark.parametrize("source", SOURCES)
def test_every_variant_keeps_the_contract(source):
    seen = set()
    for problem in SOURCES[source]:
        for kind, made in variants(problem):
            seen.add(kind)
            assert made.constraints == () and made.question != problem.question
            assert made.tags["variant"] == kind and made.tags["variant_of"] == problem.id
            assert "steps" not in made.tags
            if kind in ("renamed", "distractor"):
                assert made.answer == problem.answer
        assert dict(variants(problem)) == dict(variants(problem))
    assert seen == set(KINDS)


@pytest.mark.parametrize("problem", pocket.suite(26), ids=lambda p: p.id)
def test_a_pocket_variant_is_solved_by_following_its_moves(problem):
    """Solve the told moves again, from the words alone."""
    from twofold.problems.pocket.worlds import COMPASS, CUPS, DIAL, WEEK

    for kind, made in variants(problem):
        asked = next(w for w in (DIAL, WEEK, COMPASS, CUPS) if made.answer in w.states)
        sentences = re.split(r"(?<=\.) ", made.question)
        stated = asked.told.split("{thing}")[1].split("{state}")[0].strip()
        things = [t for t in asked.things if f"the {t}" in sentences[-1]]
        (start,) = (
            s.rstrip(".").rsplit(" ", 1)[1]
            for s in sentences
            if f" {things[0]} {stated}" in f" {s}" and not s.endswith("?")
        )
        state = start
        for sentence in sentences:
            move = re.match(rf"\w+ {asked.verb} (.+)\.$", sentence)
            if move:
                state = asked.after(state, move[1])
        assert state == made.answer, (kind, made.question)


def test_a_distractor_only_adds_a_number():
    problem = SOURCES["synthetic"][0]
    made = dict(variants(problem))["distractor"]
    extra = [s for s in made.question.split(". ") if "umbrellas" in s]
    assert len(extra) == 1 and re.search(r"\d\d", extra[0])
    assert made.question.replace(extra[0] + ". ", "") == problem.question


def test_new_names_are_exchanged_one_for_one():
    asked = Problem(question="Tom has 3 pens and Bob has 2. Tom gives Bob 1. Who?", answer="2")
    made = dict(variants(asked))["renamed"]
    names = re.findall(r"[A-Z][a-z]+", made.question.removesuffix("Who?"))
    assert len(set(names)) == 2 and not {"Tom", "Bob"} & set(names)
    assert names[0] == names[2] and names[1] == names[3]


@pytest.mark.parametrize(
    ("problem", "kinds"),
    [
        (Problem(question="What is 2 + 2?", answer="4"), []),
        (Problem(question="Write a poem about Tom. Will you?"), []),
        (Problem(question="It rains. How many?", answer="4"), ["distractor"]),
        (Problem(question="Tom sits.", answer="4"), ["renamed"]),
    ],
)
def test_what_is_not_safe_is_not_made(problem, kinds):
    assert [kind for kind, _ in variants(problem)] == kinds


@pytest.mark.parametrize(
    "tags",
    [
        {"source": "pocket"},
        {"source": "pocket", "skill": "juggling", "difficulty": "3"},
        {"source": "pocket", "skill": "dial", "difficulty": "hard"},
        {"source": "synthetic"},
        {"source": "synthetic", "family": "opera", "difficulty": "3"},
        {"source": "synthetic", "family": "shop", "difficulty": ""},
    ],
)
@pytest.mark.parametrize("question", ["?", "Tom has 3.", "字字字？", "Tom has 3 pens. How many?"])
def test_a_file_with_the_name_of_a_suite_only_has_the_safe_variants(tags, question):
    made = {kind for kind, _ in variants(Problem(question=question, answer="5", tags=tags))}
    assert made <= {"renamed", "distractor"}
