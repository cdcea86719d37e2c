"""Is a problem asked told and untold where that makes sense, and only there?"""

from twofold.constraints import from_spec
from twofold.problems.conditions import asked, prompt
from twofold.types import Problem

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
PLAIN = Problem(question="What is 1 + 1?", answer="2")
BOUND = Problem(question="What is 2 + 2?", answer="4", constraints=(NO_COMMA,), wordings=(" Do.",))
STATED = Problem(
    question="No commas, please.", constraints=(NO_COMMA,), question_states_constraints=True
)


def test_what_makes_no_sense_is_not_asked() -> None:
    assert prompt(PLAIN, "constrained") is None
    assert prompt(PLAIN, "unconstrained") is not None
    assert prompt(STATED, "unconstrained") is None
    assert prompt(STATED, "constrained")[0]["content"] == "No commas, please."


def test_all_that_is_told_comes_first_and_nothing_twice() -> None:
    found = [
        (condition, chat[0]["content"]) for condition, _, chat in asked([PLAIN, BOUND, STATED])
    ]
    assert found == [
        ("constrained", "What is 2 + 2? Do."),
        ("constrained", "No commas, please."),
        ("unconstrained", "What is 1 + 1?"),
        ("unconstrained", "What is 2 + 2?"),
    ]
