"""What each part of an instruction is worth, from rows worked out by hand; opposites are opposites."""

import pytest

from twofold.constraints import from_spec
from twofold.diagnostics.instruction.ablation import Ablation
from twofold.diagnostics.instruction.contrary import contrary
from twofold.types import Problem

PROBLEMS = [Problem(question=f"Problem {i}?", answer="1") for i in range(6)]


def rows(met, role="model", kind="punctuation:no_comma"):
    """Rows of one constraint: `met[condition]` has a score for each problem."""
    return [
        {
            "role": role,
            "key": f"{condition}/{PROBLEMS[i].id}",
            "problem": PROBLEMS[i].id,
            "condition": condition,
            "finish_reason": "answered",
            "met": [score],
            "target": score,
            "type": kind,
            "correct": 1.0,
        }
        for condition, scores in met.items()
        for i, score in enumerate(scores)
    ]


READER = {
    "constrained": [1, 1, 1, 1, 1, 0],
    "unconstrained": [0, 0, 1, 0, 0, 1],
    "output_space": [1, 0, 1, 0, 0, 0],
    "empty": [0, 0, 1, 0, 0, 0],
    "delusive": [0, 0, 0, 0, 0, 0],
    "contrary": [0, 0, 0, 0, 1, 0],
}


def test_rates_by_hand():
    found = Ablation().analyse(rows(READER), PROBLEMS)
    assert found.estimate("met", condition="constrained").value == pytest.approx(5 / 6)
    assert found.estimate("met", condition="unconstrained").value == pytest.approx(2 / 6)
    assert found.estimate("chance_corrected", condition="constrained").value == pytest.approx(
        (5 / 6 - 2 / 6) / (1 - 2 / 6)
    )
    semantic = found.comparison("met", versus="output_space", condition="constrained").difference
    assert semantic.value == pytest.approx(5 / 6 - 2 / 6)
    # told and met, told the opposite and broken: problems 0 to 3
    assert found.estimate("pair_passed").value == pytest.approx(4 / 6)
    assert found.estimate("pair_blind").value == pytest.approx(2 / 6 * 4 / 6)


def test_who_obeys_everything_alike_passes_no_pair():
    deaf = {condition: [1] * 6 for condition in READER}
    found = Ablation().analyse(rows(deaf), PROBLEMS)
    assert found.estimate("pair_passed").value == 0.0
    assert (
        found.comparison("met", versus="unconstrained", condition="constrained").difference.value
        == 0.0
    )
    assert (
        found.estimate("chance_corrected", condition="constrained") is None
    )  # nothing is left above a null of 1


def test_an_unscored_reply_is_left_out_and_counted():
    some = {**READER, "constrained": [1, None, 1, 1, 1, 0]}
    found = Ablation().analyse(rows(some), PROBLEMS)
    stated = found.estimate("met", condition="constrained")
    assert (stated.n, stated.n_unscored) == (5, 1)
    assert (
        found.comparison("met", versus="unconstrained", condition="constrained").difference.n == 5
    )


def test_a_change_is_a_difference_of_differences():
    deaf = {condition: [1] * 6 for condition in READER}
    found = Ablation().analyse([*rows(READER), *rows(deaf, "baseline")], PROBLEMS)
    change = found.comparison("instruction_effect", condition="unconstrained").difference
    assert change.value == pytest.approx(3 / 6)  # from 0 to 5/6 - 2/6


OPPOSED = [
    ("length_constraints:number_words", {"num_words": 4, "relation": "less than"}),
    ("length_constraints:number_sentences", {"num_sentences": 2, "relation": "at least"}),
    ("keywords:frequency", {"keyword": "so", "frequency": 2, "relation": "at least"}),
    ("keywords:letter_frequency", {"letter": "q", "let_frequency": 1, "let_relation": "at least"}),
    (
        "change_case:capital_word_frequency",
        {"capital_frequency": 2, "capital_relation": "less than"},
    ),
]


@pytest.mark.parametrize(("name", "args"), OPPOSED)
def test_a_turned_relation_is_the_exact_complement(name, args):
    rule = from_spec(name, args, profile="fixed")
    field = next(key for key in args if "relation" in key)
    other = {"less than": "at least", "at least": "less than"}[args[field]]
    turned = from_spec(name, {**args, field: other}, profile="fixed")
    assert contrary(rule) == turned.instruction()
    for text in (*rule.witnesses(), *turned.witnesses()):
        assert rule.check(text).score + turned.check(text).score == 1


def test_existence_and_forbidding_are_each_others_opposite():
    word = from_spec("keywords:existence", {"keywords": ["so"]}, profile="fixed")
    none = from_spec("keywords:forbidden_words", {"forbidden_words": ["so"]}, profile="fixed")
    assert contrary(word) == none.instruction() and contrary(none) == word.instruction()


def test_a_rule_without_an_opposite_has_none():
    rule = from_spec(
        "length_constraints:nth_paragraph_first_word",
        {"num_paragraphs": 2, "nth_paragraph": 1, "first_word": "so"},
        profile="fixed",
    )
    assert contrary(rule) is None


def test_no_constraints_is_nothing_to_ablate():
    found = Ablation().analyse([], PROBLEMS)
    assert not found.measures and not found.contrasts
