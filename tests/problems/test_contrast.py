"""Does a twin ask the same with exactly one rule turned, and is it there only where it is true?"""

from dataclasses import replace

from twofold.constraints import from_spec
from twofold.constraints.opposite import Opposite
from twofold.problems import load
from twofold.problems.contrast import TWIN_OF, twin, with_twins
from twofold.types import Problem
from twofold.types.checklist import Checklist, Criterion

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
QUOTED = from_spec("startend:quotation", None, profile="fixed")


def test_one_rule_is_turned_and_the_rest_stays() -> None:
    for suite in ("pocket:40:train", "synthetic:40:train"):
        turned = set()
        for problem in load(suite, profile="fixed"):
            other = twin(problem)
            if not problem.constraints:
                assert other is None
                continue
            assert other is not None and other.id != problem.id
            for field in ("question", "answer", "ask", "checklist"):
                assert getattr(other, field) == getattr(problem, field)
            (at,) = [i for i, c in enumerate(other.constraints) if isinstance(c, Opposite)]
            assert other.constraints[at].of == problem.constraints[at]  # type: ignore[attr-defined]
            for i, (one, two) in enumerate(
                zip(problem.constraints, other.constraints, strict=True)
            ):
                assert i == at or (one.name, one.args()) == (two.name, two.args())
            assert other.tags[TWIN_OF] == problem.id
            assert twin(problem) == other  # drawn by the problem, not by the call
            turned.add((len(problem.constraints), at))
        assert {(2, 0), (2, 1)} <= turned


def test_the_words_of_a_prompt_stay_but_for_the_one_that_is_turned() -> None:
    asked = Problem(
        question="2?",
        ask=" ",
        constraints=(NO_COMMA, QUOTED),
        wordings=("Mind commas: none.", "Quote it."),
    )
    other = twin(asked)
    assert other is not None and other.wordings is not None
    kept = [words for words in other.wordings if words in asked.wordings]  # type: ignore[operator]
    assert len(kept) == 1
    plain = twin(replace(asked, wordings=None, constraints=(NO_COMMA,)))
    assert plain is not None
    assert plain.messages()[0]["content"] == "2? Use at least one comma."


def test_problems_without_a_twin() -> None:
    inside = Problem(
        question="No commas!", constraints=(NO_COMMA,), question_states_constraints=True
    )
    listed = Problem(
        question="2?",
        constraints=(NO_COMMA,),
        checklist=Checklist(criteria=(Criterion(text="No comma?"),)),
    )
    least = from_spec(
        "length_constraints:number_words", {"num_words": 0, "relation": "at least"}, profile="fixed"
    )
    free, always = (
        Problem(question="2 + 2?", answer="4"),
        Problem(question="2?", constraints=(least,)),
    )
    alone = [inside, listed, free, always]
    assert [twin(problem) for problem in alone] == [None] * 4
    bound = Problem(question="2?", constraints=(NO_COMMA,))
    assert with_twins([*alone, bound]) == [*alone, bound, twin(bound)]


def test_a_rule_is_not_turned_into_what_contradicts_another() -> None:
    """A word that must occur is not forbidden by the other's opposite, nor by its own."""
    there = from_spec("keywords:existence", {"keywords": ["pear"]}, profile="fixed")
    args = {"keyword": "pear", "frequency": 2, "relation": "at least"}
    often = from_spec("keywords:frequency", args, profile="fixed")
    for n in range(20):  # the one turned is drawn by the problem
        both = twin(Problem(question=f"{n} + 2?", constraints=(there, often)))
        assert both is not None and both.constraints[0] == there  # once is less than twice
    once = from_spec("keywords:frequency", args | {"frequency": 1}, profile="fixed")
    assert twin(Problem(question="2?", constraints=(there, once))) is None
