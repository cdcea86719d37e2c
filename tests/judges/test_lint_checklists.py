"""What can be said for sure of a checklist without a model, and what is left to the reader."""

import pytest

from twofold.constraints import from_spec
from twofold.judges.lint import faults
from twofold.judges.writing import UNIVERSAL, written_by_rules
from twofold.problems import load
from twofold.types import Problem
from twofold.types.checklist import ANSWER, Checklist, Criterion


def rule(name, **args):
    return from_spec(name, args or None, profile="fixed")


COMMA = rule("punctuation:no_comma")
BARE = Problem(question="Which river is longest?", answer="Amazon")
RIVER = "Does the reply name a river?"
E, W = "error", "warning"


def found(problem, *criteria):
    return {(f.rule, f.severity) for f in faults(Checklist(criteria=criteria), problem)}


@pytest.mark.parametrize("text", [RIVER, "Which river; and is it long?", "Grammar", "Is it nice?"])
def test_how_a_criterion_is_worded_is_left_to_the_reader(text):
    assert found(BARE, Criterion(text=text)) == set()


@pytest.mark.parametrize(
    ("criterion", "wanted"),
    [
        (Criterion(text=RIVER, weight=0.5), {("weighs_nothing", W)}),
        (Criterion(text="x" * 400), set()),
        (Criterion(text="x" * 401), {("too_long", W)}),
        (
            Criterion(text="x" * 401, rule="punctuation:no_comma"),
            {("unknown_rule", E), ("too_long", W)},
        ),
    ],
)
def test_weight_and_length(criterion, wanted):
    assert found(BARE, criterion) == wanted


def test_too_many_criteria():
    criteria = [Criterion(text=f"Does the reply name river {n}?") for n in range(21)]
    assert found(BARE, *criteria[:20]) == set()
    assert found(BARE, *criteria) == {("too_many", W)}


@pytest.mark.parametrize(
    ("answer", "text", "told"),
    [
        ("5", "Does the reply use at most 15 words?", False),
        ("5", "Does the reply reach 5?", True),
        ("5", "Does the reply reach 5.?", True),
        ("5", "Does the reply reach 5.5 somewhere?", False),
        ("5", "Does the reply reach -5 somewhere?", False),
        ("-5", "Does the reply reach −5 somewhere?", True),
        ("1,000", "Does the reply say 1,000 somewhere?", True),
        ("A", "Does the reply name a river?", False),
        ("A", "Does the reply choose (A)?", True),
        ("the Nile", "Does the reply name the NILE?", True),
        ("the Nile", "Does the reply name the Niler?", False),
        (r"\frac{1}{2}", r"Does the reply say \frac{1}{2} at last?", True),
        (r"\frac{1}{2}", "Does the reply say 1 somewhere?", False),
        ("?", "Is it a question mark?", False),
        (None, "Does the reply say None at all?", False),
    ],
)
def test_the_answer_is_told_as_a_word_of_its_own(answer, text, told):
    said = found(Problem(question="Well?", answer=answer), Criterion(text=text))
    assert said == ({("leaks_answer", W)} if told else set())


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        (("Is it short?", False), ("is it SHORT", False), {("same_criterion", E)}),
        (("Is it short?", False), ("Is it short?", True), {("contradicts", E)}),
        (("Is it short?", False), ("Is it shorter?", False), set()),
    ],
)
def test_two_criteria(one, other, wanted):
    pair = [Criterion(text=text, pitfall=pitfall) for text, pitfall in (one, other)]
    assert found(BARE, *pair) == wanted
    assert found(BARE, *reversed(pair)) == wanted


def test_a_rule_that_the_problem_lacks():
    assert found(BARE, Criterion(text="Is it so?", rule="punctuation:no_comma")) == {
        ("unknown_rule", E)
    }
    unanswered = Problem(question="Why?", constraints=(COMMA,))
    said = faults(Checklist(criteria=(Criterion(text="Is it right?", rule=ANSWER),)), unanswered)
    assert [f.rule for f in said] == ["unknown_rule"]
    assert "name one of: punctuation:no_comma" in said[0].detail


def test_a_rule_counted_twice_and_one_both_ways():
    problem = Problem(question="Why?", constraints=(COMMA,))
    one = Criterion(text="Is there no comma?", rule="punctuation:no_comma")
    assert found(problem, one, one) == {("same_criterion", E)}
    turned = Criterion(text="Is there no comma?", rule="punctuation:no_comma", pitfall=True)
    assert found(problem, one, turned) == {("contradicts", E), ("sign_trap", E)}


def test_constraints_that_clash_are_found_through_their_criteria():
    rock = rule("keywords:forbidden_words", forbidden_words=["rock"])
    problem = Problem(
        question="Why?", constraints=(rock, rule("keywords:existence", keywords=["rock"]))
    )
    assert found(problem, *written_by_rules(problem).criteria) == {("contradicts", E)}


def test_a_fault_says_where_and_what_to_do():
    listed = Checklist(criteria=(Criterion(text=RIVER), Criterion(text="Is it 5?", weight=0.5)))
    (fault,) = faults(listed, Problem(question="Why?", tags={"source_id": "mine#3"}))
    assert fault.source_id == "mine#3"
    assert fault.detail == "item:2 'Is it 5?': weight 0.5; give 1 to 100, or remove it"


@pytest.mark.parametrize(("spec", "n"), [("pocket:130:test", 130), ("synthetic:60", 60)])
def test_checklists_by_rule_have_no_error(spec, n):
    problems = load(spec, profile="fixed")
    assert len(problems) == n
    for problem in problems:
        said = faults(written_by_rules(problem), problem)
        assert [f for f in said if f.severity == "error"] == []


def test_the_universal_criterion_has_no_fault():
    assert found(BARE, UNIVERSAL) == set()
