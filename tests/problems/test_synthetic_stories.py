"""The stories say what their steps compute: a solver that reads only the text finds the answer."""

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.errors import ProblemError
from twofold.problems.synthetic import suite
from twofold.problems.synthetic.arithmetic import Step, next_step
from twofold.problems.synthetic.cast import Cast
from twofold.problems.synthetic.stories import FAMILIES

SHARES = {"half": 2, "a third": 3, "a quarter": 4, "a fifth": 5}


def divided(amount: int, by: int) -> int:
    whole, rest = divmod(amount, by)
    assert rest == 0, f"{amount} is no multiple of {by}"
    return whole


def solve_hoard(told: str) -> int:
    held = int(re.search(r"^\w+ has (\d+)", told)[1])
    for sentence in told.split(". ")[1:-1]:
        (k,) = map(int, re.findall(r"\d+", sentence))
        if sentence.endswith((" more", " more in a drawer")):
            held += k
        elif "of them" in sentence:
            held -= k
        elif "times as large" in sentence:
            held *= k
        else:
            assert "equal piles and keeps only one" in sentence
            held = divided(held, k)
    return held


def solve_comparison(told: str) -> int:
    *facts, question = told.split(". ")
    first, _, n = facts[0].split()[:3]
    amount = {first: int(n)}
    for fact in facts[1:]:
        name, _, rest = fact.split(" ", 2)
        base = amount[fact.split()[-1]]
        if found := re.match(r"(\d+) (more|fewer)", rest):
            amount[name] = base + int(found[1]) * (1 if found[2] == "more" else -1)
        elif rest.startswith("twice"):
            amount[name] = 2 * base
        elif found := re.match(r"(\d+) times", rest):
            amount[name] = base * int(found[1])
        else:
            amount[name] = divided(base, SHARES[rest.split(" as many")[0]])
    asked = re.search(r" did (\w+)(?: and (\w+))?", question).groups()
    return sum(amount[name] for name in asked if name)


def solve_purchase(told: str) -> int:
    bill = sum(int(n) * int(p) for n, p in re.findall(r"(\d+) \w+ for (\d+) dollars each", told))
    bill -= sum(map(int, re.findall(r"takes (\d+) dollars off", told)))
    money = re.search(r"with (\d+) dollars", told)
    assert (money is not None) == ("left?" in told)
    return int(money[1]) - bill if money else bill


def solve_workshop(told: str) -> int:
    def number(pattern: str, absent: int) -> int:
        found = re.search(pattern, told)
        return int(found[1]) if found else absent

    made = number(r"makes (\d+)", 0) * number(r"(?:works|in) (\d+) hours", 0)
    made *= number(r"(?:After|in) (\d+) days", 1)
    made = divided(made - number(r"days, (\d+) of the", 0), number(r"boxes of (\d+)", 1))
    return made * number(r"sold for (\d+) dollars", 1)


def solve_sharing(told: str) -> int:
    pile = sum(map(int, re.findall(r"brings (\d+)", told)))
    pile -= sum(map(int, re.findall(r"steals (\d+)", told)))
    each = divided(pile, int(re.search(r"among (\d+) children", told)[1]))
    each += sum(map(int, re.findall(r"already had (\d+)", told)))
    return each - sum(map(int, re.findall(r"gives (\d+)", told)))


def solve_bus(told: str) -> int:
    on_board = int(re.search(r"with (\d+) passengers", told)[1])
    for off in re.findall(r"(\d+) people get off", told):
        on_board -= int(off)
    return on_board + sum(map(int, re.findall(r"(\d+) (?:more )?people get on", told)))


SOLVERS = {
    "hoard": solve_hoard,
    "comparison": solve_comparison,
    "purchase": solve_purchase,
    "workshop": solve_workshop,
    "sharing": solve_sharing,
    "bus": solve_bus,
}
PROBLEMS = [p for split in ("train", "test") for p in suite(1000, seed=11, split=split)]


def test_an_independent_reading_of_the_text_gives_the_answer() -> None:
    for p in PROBLEMS:
        assert SOLVERS[p.tags["family"]](p.question) == int(p.answer), p.question


def test_the_steps_hold_lead_to_the_answer_and_are_the_difficulty() -> None:
    for p in PROBLEMS:
        steps = p.tags["steps"].split("; ")
        assert len(steps) == int(p.tags["difficulty"])
        for step in steps:
            left, sign, right, result = re.fullmatch(r"(\d+) (.) (\d+) = (\d+)", step).groups()
            a, b, c = int(left), int(right), int(result)
            assert {"+": a + b, "-": a - b, "×": a * b, "÷": a / b}[sign] == c, step
        assert steps[-1].endswith(f"= {p.answer}")


def test_every_number_of_a_story_is_at_least_two_where_a_plural_follows() -> None:
    for p in PROBLEMS:
        assert not re.search(r"\b[01] (?!dollars off)", p.question), p.question


def test_text_is_clean() -> None:
    for p in PROBLEMS:
        assert re.fullmatch(r"[A-Z][A-Za-z0-9 .,']+\?", p.question), p.question
        assert "  " not in p.question and "None" not in p.question
        assert all(re.match(r"[A-Z]", s) for s in p.question.split(". "))


@pytest.mark.parametrize("n_steps", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("tell", FAMILIES["test"], ids=lambda f: f.__name__)
def test_a_family_tells_every_length_and_varies(tell, n_steps: int) -> None:
    rng = np.random.default_rng(n_steps)
    stories = [tell(Cast(rng, "test"), n_steps) for _ in range(800)]
    assert {len(story.steps) for story in stories} == {n_steps}
    assert len({story.steps for story in stories}) > (25 if n_steps == 1 else 60)
    assert Counter(story.family for story in stories) == {tell.__name__: 800}


@given(st.integers(2, 300), st.integers(0, 2**32 - 1), st.sampled_from([None, "×", "÷", "+"]))
def test_a_step_can_always_follow(value: int, seed: int, before) -> None:
    step = next_step(np.random.default_rng(seed), value, before=before)
    assert step.left == value
    assert 2 <= step.result <= 300
    assert {step.sign, before} != {"×", "÷"}


@pytest.mark.parametrize(
    ("left", "sign", "right"), [(7, "÷", 2), (3, "-", 3), (500, "×", 2), (0, "+", 5)]
)
def test_a_step_out_of_range_is_a_template_at_fault(left: int, sign, right: int) -> None:
    with pytest.raises(ProblemError, match="template"):
        Step(left, sign, right)
