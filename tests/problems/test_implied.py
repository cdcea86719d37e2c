"""What other types imply in IFEval's terms is true of every reply that obeys them."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.constraints import CONSTRAINTS, from_spec
from twofold.constraints.opposite import Opposite, opposite
from twofold.problems.lint.clashes import _FOR_GOOD
from twofold.problems.lint.forced import _COPIES, _SIGNS, _SIGNS_FIXED, forced, only
from twofold.problems.lint.implied import _PLACED, implied
from twofold.types import Constraint, Profile

QUESTION = "Ann has 7 pears and buys 10 more. How many has she?"
PROFILES: tuple[Profile, Profile] = ("official", "fixed")


def rules(profile: Profile, seed: int) -> list[Constraint]:
    return [
        from_spec(name, cls.draw(np.random.default_rng([seed, i]), QUESTION), profile=profile)
        for i, (name, cls) in enumerate(CONSTRAINTS.items())
    ]


RULES = [rule for profile in PROFILES for seed in range(6) for rule in rules(profile, seed)]
THAT_IMPLY = [rule for rule in RULES if len(implied(rule)) > 1]
TURNED = [other for rule in RULES if (other := opposite(rule)) and len(implied(other)) > 1]
WITH_SIGNS = [rule for rule in RULES if forced(rule) and "sign" not in rule.name]
PIECES = st.sampled_from(
    [
        "word ",
        "a ",
        "e.g. ",
        "3 ",
        ". ",
        "! ",
        "? ",
        "?! ",
        ", ",
        "; ",
        ": ",
        "\n",
        "\n* ",
        "-",
        "...",
    ]
)


def test_the_names_of_types_and_arguments_exist() -> None:
    for name, argument in _PLACED.items():
        assert argument in {f.name for f in fields(CONSTRAINTS[name])}  # type: ignore[arg-type]
    names = {*_FOR_GOOD, *_COPIES, *_SIGNS, *_SIGNS_FIXED}
    assert names <= set(CONSTRAINTS)
    assert {rule.name for rule in THAT_IMPLY} - set(_PLACED) == {
        "count:word_count_range",
        "count:unique_word_count",
        "letters:letter_counting2",
        "keywords:word_once",
        "keywords:exclude_word_harder",
        "keywords:word_count_different_numbers",
        "count:count_increment_word",
        "count:keywords_multiple",
    }


def test_the_opposites_that_imply() -> None:
    assert {other.rule for other in TURNED} == {
        "keywords:existence",
        "keywords:frequency",
        "length_constraints:number_words",
        "length_constraints:number_sentences",
    }


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_an_obeying_reply_obeys_what_is_implied_and_has_what_is_forced(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from([*THAT_IMPLY, *WITH_SIGNS, *TURNED]))
    own = [
        word
        for value in (rule.of if isinstance(rule, Opposite) else rule).args().values()
        if isinstance(value, str)
        for word in value.split()
    ]
    pieces = st.one_of(PIECES, st.sampled_from([f"{word} " for word in own] or ["so "]))
    around = st.lists(pieces, max_size=6).map("".join)
    text = data.draw(around) + rule.witnesses()[0] + data.draw(around)
    if rule.check(text).score == 1:
        for each in implied(rule):
            assert each.check(text).score != 0, (rule, each, text)
            for one in forced(each):
                assert one.in_one or one.what.split()[0].casefold() in text.casefold()


@pytest.mark.parametrize(
    "rule", [*THAT_IMPLY, *TURNED], ids=lambda rule: f"{rule.name}-{rule.profile}"
)
def test_the_witness_obeys_what_is_implied(rule: Constraint) -> None:
    obeys = rule.witnesses()[0]
    if rule.check(obeys).score == 1:
        assert all(each.check(obeys).score == 1 for each in implied(rule))


def test_bounds_that_the_published_checkers_imply() -> None:
    """Their different words may be N with one that is empty: a lone mark is a word to them."""
    rule = from_spec("count:unique_word_count", {"N": 3}, profile="official")
    assert rule.check("one two -").score == 1
    assert [each.args() for each in implied(rule)[1:]] == [{"num_words": 2, "relation": "at least"}]
    args = {"keyword": "lamp", "frequency": 3, "relation": "less than"}
    rule = from_spec("keywords:word_count_different_numbers", args, profile="official")
    assert [each.args() for each in implied(rule)[1:]] == [args]


@pytest.mark.parametrize("rule", RULES[: len(CONSTRAINTS)], ids=lambda rule: rule.name)
def test_a_copy_is_the_only_reply(rule: Constraint) -> None:
    copies = only(rule)
    if copies:
        assert rule.check(copies[0]).score == 1
        assert rule.check(f"{copies[0]} word").score == rule.check(f"word {copies[0]}").score == 0
