"""Constraints drawn for any question: distinct, together, worded as they are checked, named by distance."""

from __future__ import annotations

import numpy as np
import pytest

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.constraints.parts import clash, settled
from twofold.errors import ProblemError
from twofold.problems import load, pocket, synthetic
from twofold.problems.drawn import bind, bound, distance, types_of
from twofold.problems.lint import lint
from twofold.types import Problem

BARE = [
    Problem(
        question=f"Ann has {i} pears and buys {i + 3} more. How many has she?",
        answer=str(2 * i + 3),
    )
    for i in range(2, 62)
]


def test_every_type_has_a_family_and_clashes_with_itself() -> None:
    families = {cls.family for cls in CONSTRAINTS.values()}
    assert len(families) >= 6
    for name in CONSTRAINTS:
        assert clash(name, name)
        for other in CONSTRAINTS:
            assert clash(name, other) == clash(other, name)
        if "whole" in settled(name):
            assert all(clash(name, other) for other in CONSTRAINTS)


def test_one_to_five_that_go_together() -> None:
    made = [bind(p, list(CONSTRAINTS), rng=np.random.default_rng(i)) for i, p in enumerate(BARE)]
    sizes = {len(p.constraints) for p in made}
    assert sizes <= {1, 2, 3, 4, 5} and len(sizes) >= 4
    for problem in made:
        names = [c.name for c in problem.constraints]
        assert not any(clash(a, b) for i, a in enumerate(names) for b in names[i + 1 :])
        assert problem.wordings is not None and len(problem.wordings) == len(names)


def test_no_two_contradict_each_other_by_their_arguments() -> None:
    """Some types of a pair go together only if other words or numbers are drawn."""
    types = [
        "combination:repeat_prompt",
        "keywords:exclude_word_harder",  # a word of the question
        "keywords:letter_frequency",
        "keywords:frequency",
        "words:repeats",
        "count:keywords_multiple",
        "keywords:word_count_different_numbers",
    ]
    pairs = sum(len(p.constraints) > 1 for p in bound(BARE, types))
    assert pairs >= 20
    for made in (bound(BARE, types), bound(BARE, list(CONSTRAINTS), seed=1)):
        assert [fault.detail for fault in lint(made) if fault.severity == "error"] == []


def test_the_same_seed_binds_the_same_whatever_the_order() -> None:
    types = types_of(["punctuation", "case"])
    there, back = bound(BARE, types, seed=1), bound(BARE[::-1], types, seed=1)
    assert [p.id for p in there] == [p.id for p in back[::-1]]
    assert [p.id for p in there] != [p.id for p in bound(BARE, types, seed=2)]
    assert {c.name for p in there for c in p.constraints} <= set(types)


@pytest.mark.parametrize("name", sorted(CONSTRAINTS))
def test_a_wording_states_what_is_checked(name: str) -> None:
    """A problem reads its constraints as its words state them; that must be what was drawn."""
    for seed in range(8):
        args = CONSTRAINTS[name].draw(np.random.default_rng(seed), BARE[0].question)
        rule = from_spec(name, args, profile="fixed")
        for wording in rule.wordings():
            asked = Problem(question=BARE[0].question, constraints=(rule,), wordings=(wording,))
            (read,) = asked.constraints
            for text, score in zip(rule.witnesses(), (1.0, 0.0), strict=True):
                if text.strip() and rule.check(text).score == score:
                    assert read.check(text).score == score, (wording, text, read)


def test_suites_take_drawn_constraints() -> None:
    for suite in (synthetic.suite(4), pocket.suite(4)):
        made = bound(suite, types_of(["keywords"]), most=2)
        assert all(1 <= len(p.constraints) <= 2 for p in made)
        assert [p.answer for p in made] == [p.answer for p in suite]


def test_names_of_types_families_and_distances() -> None:
    assert types_of(["case", "punctuation:no_comma"])[0] in CONSTRAINTS
    with pytest.raises(ProblemError, match="keywords"):
        types_of(["keyword"])
    trained = ["punctuation:no_comma", "keywords:existence"]
    assert distance("punctuation:no_comma", trained) == "trained"
    assert distance("punctuation:punctuation_dot", trained) == "near"
    assert distance("copy:copy", trained) == "far"


def test_what_cannot_be_bound() -> None:
    with pytest.raises(ProblemError, match="1 to 5"):
        bind(BARE[0], ["punctuation:no_comma"], rng=np.random.default_rng(0), most=6)
    stated = Problem(question="Be short.", question_states_constraints=True)
    with pytest.raises(ProblemError, match="bare question"):
        bind(stated, ["punctuation:no_comma"], rng=np.random.default_rng(0))


def test_a_suite_with_types_by_name() -> None:
    found = load("synthetic:12:train:keywords,punctuation:no_comma", profile="fixed")
    allowed = set(types_of(["keywords", "punctuation:no_comma"]))
    assert len(found) == 12
    assert {c.name for problem in found for c in problem.constraints} <= allowed
    assert found == load("synthetic:12:train:keywords,punctuation:no_comma", profile="fixed")
    assert [p.question for p in found] == [p.question for p in synthetic.suite(12, split="train")]
    with pytest.raises(ProblemError, match="no type and no family"):
        load("pocket:3:test:keywrds", profile="fixed")


def test_what_no_reply_can_meet_is_not_drawn() -> None:
    """A short question has too few trigrams for a share within two points."""
    short = Problem(question="2 + 2?", answer="4")
    with pytest.raises(ProblemError, match="give more types"):
        bind(short, ["ratio:overlap"], rng=np.random.default_rng(0))
    made = bind(short, ["ratio:overlap", "startend:quotation"], rng=np.random.default_rng(0))
    assert [c.name for c in made.constraints] == ["startend:quotation"]


@pytest.mark.parametrize(
    ("one", "other", "clashes"),
    [
        # By hand: can one reply meet both, whatever the arguments?
        ("format:title_case", "change_case:english_lowercase", True),
        ("startend:quotation", "startend:end_checker", True),
        ("length_constraints:number_words", "count:word_count_range", True),
        ("words:prime_lengths", "words:consonants", True),
        ("punctuation:no_comma", "count:punctuation", True),
        ("keywords:forbidden_words", "keywords:word_once", True),
        ("format:no_whitespace", "keywords:existence", True),
        ("paragraphs:paragraphs", "format:list", True),
        ("first_word:first_word_answer", "words:start_verb", True),
        ("copy:copy", "punctuation:no_comma", True),
        ("keywords:existence", "startend:quotation", False),
        ("punctuation:no_comma", "length_constraints:number_words", False),
        ("keywords:existence", "keywords:frequency", False),
        ("change_case:english_lowercase", "punctuation:no_comma", False),
        ("detectable_format:title", "length_constraints:number_sentences", False),
        ("count:numbers", "first_word:first_word_answer", False),
    ],
)
def test_pairs_by_hand(one: str, other: str, clashes: bool) -> None:
    assert clash(one, other) == clashes
