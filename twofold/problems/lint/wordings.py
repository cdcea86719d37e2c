"""Does the prompt say what the checkers check, and only one thing?

A reply can satisfy these faults of published data, but they move the numbers: a model that follows
the words scores below one that guesses the checker.
"""

import re
from collections.abc import Iterator

from twofold.constraints.case import EnglishCapital
from twofold.constraints.keywords import Frequency, LetterFrequency
from twofold.problems.lint.fault import Fault
from twofold.types import Problem

_NUMBER_WORDS = {
    **{"once single one": 1, "twice couple pair both two second": 2, "thrice three third": 3},
    **{"four fourth": 4, "five fifth": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10},
    **{"twelve dozen": 12, "fifteen": 15, "twenty": 20, "hundred": 100},
}


def wordings(problem: Problem) -> Iterator[Fault]:
    """What is said twice, oddly, or differently from what is checked. All warnings."""
    asked = problem.question + problem.ask
    boxed = "\\boxed" in asked
    if boxed and "####" in asked:
        detail = "the prompt asks for the answer after #### and in \\boxed{}"
        yield Fault.of(problem, "two_answer_marks", detail, "warning")
    for constraint in problem.constraints:
        match constraint:
            case EnglishCapital() if boxed:
                detail = (
                    "the prompt asks for \\boxed{}, which is lower case, so the published checker "
                    "fails the reply (profile 'fixed' does not)"
                )
                yield Fault.of(problem, "box_in_capitals", detail, "warning")
            case (
                Frequency(keyword=what, frequency=1, relation="less than")
                | LetterFrequency(letter=what, let_frequency=1, let_relation="less than")
            ):
                detail = f"{what!r} less than 1 time: a ban in the words of a count"
                yield Fault.of(problem, "less_than_one", detail, "warning")
    if problem.question_states_constraints:
        yield from _unsaid(problem)


def _unsaid(problem: Problem) -> Iterator[Fault]:
    """Numbers that a constraint checks and the question does not mention."""
    said = _numbers(problem.question)
    for constraint in problem.constraints:
        for argument, value in constraint.args().items():
            if isinstance(value, int) and value > 1 and not said & {value - 1, value, value + 1}:
                detail = f"{constraint.name} checks {argument} = {value}, which the question does not say"
                yield Fault.of(problem, "number_not_said", detail, "warning")


def _numbers(text: str) -> set[int]:
    """The numbers in a text, in digits or in words."""
    digits = {int(found) for found in re.findall(r"\d+", text.replace(",", ""))}
    said = set(re.findall(r"[a-z]+", text.lower()))
    return digits | {number for words, number in _NUMBER_WORDS.items() if said & set(words.split())}
