"""Good and bad criteria, written by hand, and what the lint says of each."""

import pytest

from twofold.checklist import ANSWER, Checklist, Criterion
from twofold.constraints import from_spec
from twofold.judges.lint import faults
from twofold.judges.writing import UNIVERSAL, written_by_rules
from twofold.problems import load
from twofold.types import Problem


def rule(name, **args):
    return from_spec(name, args or None, profile="fixed")


COMMA = rule("punctuation:no_comma")
SHORT = rule("length_constraints:number_words", num_words=20, relation="less than")
ROCK = rule("keywords:forbidden_words", forbidden_words=["rock"])
FRENCH = rule("language:response_language", language="fr")
BARE = Problem(question="Which river is longest?", answer="Amazon")


def found(problem, *criteria):
    return {(f.rule, f.severity) for f in faults(Checklist(criteria=criteria), problem)}


def of_text(text, **more):
    return found(BARE, Criterion(text=text, **more))


GOOD = [
    "Does the reply name exactly one river?",
    "Does the reply mention the length of the river?",
    "Is the reply at most 50 words long?",
    "Is the reply between 5 and 10 words long?",
    "Is the reply written in French?",
    'Does the reply use the phrase "salt and pepper; really?"',
    "Does the reply end with a question?",
    "Names exactly one river.",
    "The reply names a river in Africa",
    "Does the reply say that the user must not swim there?",
    "Is every sentence of the reply shorter than ten words?",
    "Does the reply contain the word 'good'?",
    "Does the reply use British spelling, such as 'colour' and 'centre'?",
    "Does the answer name a river or a lake?",
    "Has the reply a title?",
    "Do the steps of the reply follow from each other?",
    "Is the unit written out?",
    "Are all numbers in the reply written as digits?",
    "Does the reply give the value to two decimals, as in 3.14?",
]


@pytest.mark.parametrize("text", GOOD)
def test_a_good_criterion_has_no_fault(text):
    assert of_text(text) == set()


E, W = "error", "warning"
BAD = [
    ("Is the reply clear; does it rhyme?", {("not_atomic", E)}),
    ("Does the reply name a river? Is it long?", {("not_atomic", E)}),
    ("Does the reply name a river and state its length?", {("not_atomic", E)}),
    ("Does the reply name a river and does it rhyme?", {("not_atomic", E)}),
    ("Does the reply name a river, and is it in verse?", {("not_atomic", E)}),
    ("Does the reply name a river, and avoid slang?", {("not_atomic", E)}),
    ("Is the reply clear and concise?", {("not_atomic", E)}),
    ("Is the reply short, friendly and polite?", {("not_atomic", E)}),
    ("Is the reply friendly or polite?", {("not_atomic", W)}),
    ("Does the reply name a river or explain why it cannot?", {("not_atomic", W)}),
    ("Does the reply mention salt and pepper?", {("not_atomic", W)}),
    ("Names a river\nand gives its length", {("not_atomic", E)}),
    ("Which river does the reply name?", {("not_yes_no", E)}),
    ("How long is the reply?", {("not_yes_no", E)}),
    ("Grammar", {("not_yes_no", E)}),
    ("Name a river.", {("not_yes_no", W)}),
    ("Write at most 50 words.", {("not_yes_no", W)}),
    ("Must name one river", {("not_yes_no", W)}),
    ("Does the user want a river?", {("not_about_reply", E)}),
    ("Is the question about rivers?", {("not_about_reply", E)}),
    ("Does the reply avoid slang?", {("put_negatively", W)}),
    ("Does not mention a lake.", {("put_negatively", W)}),
    ("Is the reply free of jokes?", {("put_negatively", W)}),
    ("Does the reply omit the length?", {("sign_trap", E)}),
    ("Fails to name a river", {("sign_trap", E)}),
    ("Is the reply engaging?", {("subjective", W)}),
    ("Does the reply give a good overview?", {("subjective", W)}),
    ("Does the reply name the Amazon?", {("leaks_answer", E)}),
    ("Does the reply say 'AMAZON'?", {("leaks_answer", E)}),
]


@pytest.mark.parametrize(("text", "wanted"), BAD)
def test_a_bad_criterion_has_its_fault_and_no_other(text, wanted):
    assert of_text(text) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Does the reply count a lake as a river?", set()),
        ("Does the reply give a number without its unit?", set()),
        ("Recommends swimming in it", set()),
        ("Does not mention the length.", {("sign_trap", E)}),
        ("Does the reply avoid lakes?", {("sign_trap", E)}),
        ("Is the reply free of errors?", {("sign_trap", E)}),
        ("The response never mentions a lake", {("sign_trap", E)}),
        ("Fails to name a river", {("put_negatively", W)}),
        ("Does the reply omit the length?", {("put_negatively", W)}),
    ],
)
def test_the_sign_of_a_pitfall(text, wanted):
    assert of_text(text, pitfall=True) == wanted


def test_a_weight_of_nearly_nothing():
    assert of_text(GOOD[0], weight=0.5) == {("weighs_nothing", W)}


@pytest.mark.parametrize(
    ("answer", "question", "text", "severity"),
    [
        ("5", "2 + 3?", "Does the reply use at most 15 words?", None),
        ("5", "2 + 3?", "Does the reply reach 5?", E),
        ("5", "2 + 3?", "Does the reply reach 5.?", E),
        ("5", "2 + 3?", "Does the reply reach 5.5 somewhere?", None),
        ("5", "2 + 3?", "Does the reply reach -5 somewhere?", None),
        ("-5", "2 - 7?", "Does the reply reach −5 somewhere?", E),
        ("5", "Is 5 prime?", "Does the reply speak of 5?", W),
        ("1,000", "10^3?", "Does the reply say 1,000 somewhere?", E),
        ("A", "Which?", "Does the reply name a river?", None),
        ("A", "Which?", "Does the reply choose (A)?", E),
        ("no", "May I?", "Does the reply use no commas?", W),
        ("the Nile", "Which?", "Does the reply name the Nile?", E),
        ("the Nile", "Which?", "Does the reply name the Niler?", None),
        (r"\frac{1}{2}", "Half?", r"Does the reply say \frac{1}{2} at last?", E),
        (r"\frac{1}{2}", "Half?", "Does the reply say 1 somewhere?", None),
        ("?", "Mark?", "Is it a question mark?", None),
        (None, "Why?", "Does the reply say None at all?", None),
    ],
)
def test_the_answer_is_told_as_a_word_of_its_own(answer, question, text, severity):
    said = found(Problem(question=question, answer=answer), Criterion(text=text))
    assert said == ({("leaks_answer", severity)} if severity else set())


@pytest.mark.parametrize(
    ("one", "other", "wanted"),
    [
        (("Does the reply name a river?",), ("Does the reply name rivers?",), {("same_criterion", E)}),
        (("Is the reply short?",), ("is the reply SHORT",), {("same_criterion", E)}),
        (
            ("Does the reply use slang?",),
            ("Does the reply not use slang?",),
            {("contradicts", E), ("put_negatively", W)},
        ),
        (("Does the reply use slang?",), ("Does the reply use slang?", True), {("contradicts", E)}),
        (
            ("Does the reply use slang?", True),
            ("Does the reply not use slang?",),
            {("same_criterion", E), ("put_negatively", W)},
        ),
        (
            ("Does the reply name the longest river of Africa?",),
            ("Does the reply name the longest river in all Africa?",),
            {("near_criterion", W)},
        ),
        (("Does Rome come before Paris?",), ("Does Paris come before Rome?",), {("near_criterion", W)}),
        (("Does the reply have 3 steps?",), ("Does the reply have 4 steps?",), set()),
        (("Does the reply name a river?",), ("Does the reply name a lake?",), set()),
        (("Is the reply at most 9 words long?",), ("Is the reply over 10 words long?",),
         {("contradicts", E)}),
        (("Is the reply at most 10 words long?",), ("Is the reply at least 10 words long?",), set()),
        (("Does the reply have exactly two sentences?",),
         ("Does the reply have more than two sentences?",), {("contradicts", E)}),
        (("Does the reply mention 'rock'?",), ("Does the reply mention 'rock'?", True),
         {("contradicts", E)}),
        (("Is the reply in French?",), ("Is the reply in German?",), {("contradicts", E)}),
        (("Is the reply entirely in capital letters?",), ("Is the reply in all lower case?",),
         {("contradicts", E)}),
        (("Is the reply over 9 words long?", True), ("Is the reply at least 12 words long?",),
         {("contradicts", E)}),
    ],
)  # fmt: skip
def test_two_criteria(one, other, wanted):
    pair = [Criterion(text=t, pitfall=bool(rest)) for t, *rest in (one, other)]
    assert found(BARE, *pair) == wanted
    assert found(BARE, *reversed(pair)) == wanted


@pytest.mark.parametrize(
    ("constraints", "text", "wrong"),
    [
        ((SHORT,), "Does the reply have at least 20 words?", True),
        ((SHORT,), "Does the reply have at least 19 words?", False),
        ((SHORT,), "Is the reply at most 9 words long?", False),
        ((ROCK,), "Does the reply mention 'rock'?", True),
        ((ROCK,), "Does the reply mention 'river'?", False),
        ((ROCK,), "Does the reply use the exact phrase 'hard rock'?", True),
        ((COMMA,), "Does the reply use commas?", True),
        ((COMMA,), "Does the reply use no commas?", False),
        ((FRENCH,), "Is the reply written in English?", True),
        ((FRENCH,), "Is the reply written in French?", False),
        ((FRENCH,), "Is the reply entirely in capital letters?", True),
        ((), "Does the reply have at least 20 words?", False),
    ],
)
def test_a_criterion_against_the_constraints(constraints, text, wrong):
    problem = Problem(question="Why?", constraints=constraints)
    assert (("contradicts", E) in found(problem, Criterion(text=text))) == wrong


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
    words = rule("keywords:existence", keywords=["rock"])
    problem = Problem(question="Why?", constraints=(ROCK, words))
    assert ("contradicts", E) in found(problem, *written_by_rules(problem).criteria)


def test_the_wording_of_a_rule_is_not_the_lints_business():
    exact = Criterion(text="Comma; which? Grammar", rule="punctuation:no_comma")
    assert found(Problem(question="Why?", constraints=(COMMA,)), exact) == set()


def test_a_fault_says_where_and_what_to_do():
    listed = Checklist(criteria=(Criterion(text=GOOD[0]), Criterion(text="Is it nice; or red?")))
    (fault,) = faults(listed, Problem(question="Why?", tags={"source_id": "mine#3"}))[:1]
    assert fault.source_id == "mine#3"
    assert fault.detail.startswith(
        "item:2 'Is it nice; or red?': it asks several things; make each"
    )


@pytest.mark.parametrize(("spec", "n"), [("pocket:130:test", 130), ("synthetic:60", 60)])
def test_checklists_by_rule_have_no_error(spec, n):
    problems = load(spec, profile="fixed")
    assert len(problems) == n
    for problem in problems:
        said = faults(written_by_rules(problem), problem)
        assert [f for f in said if f.severity == "error"] == []


def test_the_universal_criterion_has_no_fault():
    assert found(BARE, UNIVERSAL) == set()
