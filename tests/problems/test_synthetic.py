"""The suite: pure, balanced, split by construction, and every problem can be solved obediently."""

import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from twofold.errors import ProblemError
from twofold.problems.critic import critique
from twofold.problems.lint import lint
from twofold.problems.synthetic import obedient_reply, problem, solution, suite
from twofold.problems.synthetic.binding import TYPES, clash
from twofold.scorers import Correct
from twofold.types import Problem, Profile, Response

N = 19 * 15  # balanced over types of constraints, and over difficulty and number


@pytest.mark.parametrize("profile", ["official", "fixed"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_every_problem_has_a_right_and_obedient_reply(split, profile: Profile) -> None:
    problems = suite(2 * N, seed=1, split=split, profile=profile)
    for p in problems:
        reply = obedient_reply(p)
        for constraint in p.constraints:
            verdict = constraint.check(reply)
            assert verdict.score == 1, f"{constraint.name}: {verdict.reason}\n{reply}"
    replies = [Response(raw=r, reply=r) for r in map(obedient_reply, problems)]
    assert {v.score for v in Correct(profile=profile)(problems, replies)} == {1.0}


def test_every_solution_is_right_and_heeds_no_constraint() -> None:
    problems = suite(N, split="train")
    texts = [solution(p) for p in problems]
    replies = [Response(raw=t, reply=t) for t in texts]
    assert {v.score for v in Correct()(problems, replies)} == {1.0}
    for p, text in zip(problems, texts, strict=True):
        assert all(step in text for step in p.tags["steps"].split("; "))
    broken = sum(
        c.check(t).score == 0 for p, t in zip(problems, texts, strict=True) for c in p.constraints
    )
    assert broken > sum(len(p.constraints) for p in problems) / 2


def test_the_critic_finds_the_step_that_is_wrong() -> None:
    asked = Problem(question="?", answer="34", tags={"steps": "12 + 5 = 17; 17 × 2 = 34"})
    told = {
        r"12+5=17, and 17 * 2 = 34. \boxed{34}": "Every step holds. The result is 34. Conclusion: right",
        r"So it is \boxed{34}.": "The working is not shown. The result is 34. Conclusion: right",
        r"12 + 5 = 17. Then, 17 × 2 = 36. \boxed{36}": (
            "It should be: 17 × 2 = 34. The result is 34. Conclusion: wrong"
        ),
        r"12 + 5 = 170 and 17 × 2 = 34. \boxed{17}": (
            "It should be: 12 + 5 = 17. The result is 34. Conclusion: wrong"
        ),
        r"12 + 5 = 17 and 17 \times 2 = 34. \boxed{17}": (
            "The steps hold. The result is 34. Conclusion: wrong"
        ),
    }
    for reply, said in told.items():
        assert critique(asked, reply) == said


def test_the_witness_obeys_because_it_was_made_for_the_problem() -> None:
    # The same replies, each given to the next problem, break most constraints that want something.
    problems = suite(N)
    broken = sum(
        c.check(obedient_reply(other)).score == 0
        for p, other in pairwise(problems)
        for c in p.constraints
    )
    assert broken > 0.4 * sum(len(p.constraints) for p in problems)


@pytest.mark.parametrize("profile", ["official", "fixed"])
def test_the_lint_finds_nothing(profile: Profile) -> None:
    assert lint(suite(200, profile=profile)) == []


def test_it_is_balanced() -> None:
    problems = suite(N, seed=4)
    cells = Counter((p.tags["difficulty"], len(p.constraints)) for p in problems)
    assert set(cells.values()) == {19} and len(cells) == 15
    types = Counter(c.name for p in problems for c in p.constraints)
    assert set(types) == set(TYPES)
    assert min(types.values()) >= 15  # each is the first of its problem 15 times
    assert max(types.values()) < 2.5 * min(types.values())
    families = Counter(p.tags["family"] for p in suite(1200, seed=4))
    assert len(families) == 6 and min(families.values()) > 150


def test_train_and_test_share_no_arithmetic_no_question_and_no_name() -> None:
    train, test = suite(2000, split="train"), suite(2000, split="test")
    assert not {p.tags["steps"] for p in train} & {p.tags["steps"] for p in test}
    assert not {p.question for p in train} & {p.question for p in test}
    words = [
        {w for p in part for w in re.findall(r"[A-Z]\w+", p.question)} for part in (train, test)
    ]
    templates = {"How", "The", "At", "All", "After", "Then", "Each"}
    assert words[0] & words[1] <= templates
    assert all(len(w - templates) == 20 for w in words)
    assert "bus" in {p.tags["family"] for p in test} - {p.tags["family"] for p in train}


def test_problems_do_not_repeat() -> None:
    problems = suite(2000)
    assert len({p.id for p in problems}) == 2000
    assert len({p.question for p in problems}) > 1950


def test_a_longer_suite_begins_with_the_shorter() -> None:
    assert suite(40)[:25] == suite(25)
    assert suite(3)[2] == problem(0, 2, split="test", profile="fixed")


def test_the_profile_changes_the_judge_and_not_the_problem() -> None:
    official, fixed = suite(100, profile="official"), suite(100, profile="fixed")
    assert [p.id for p in official] == [p.id for p in fixed]
    assert {c.profile for p in official for c in p.constraints} == {"official"}


def test_seeds_and_neighbours_have_nothing_in_common() -> None:
    one, other = ({p.question for p in suite(200, seed=seed)} for seed in (0, 1))
    assert len(one & other) < 5
    assert problem(0, 1, split="test", profile="fixed") != problem(
        1, 0, split="test", profile="fixed"
    )


def test_another_process_makes_the_same() -> None:
    code = "from twofold.problems.synthetic import suite; print(*[p.id for p in suite(30)])"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [p.id for p in suite(30)]


def test_the_prompt_asks_for_a_box_and_can_leave_the_constraints_out() -> None:
    p = suite(1)[0]
    stated, plain = p.messages()[0]["content"], p.messages(stated=())[0]["content"]
    assert plain.startswith(p.question) and plain.endswith(r"\boxed{}.")
    assert stated == f"{plain}\n" + " ".join(c.instruction() for c in p.constraints)


def test_clashes_hold_in_both_directions_and_leave_every_type_company() -> None:
    for one in TYPES:
        assert clash(one, one)
        assert all(clash(one, other) == clash(other, one) for other in TYPES)
        # three can always be bound: whatever goes with it, something goes with both
        for other in TYPES:
            if not clash(one, other):
                assert any(not clash(one, t) and not clash(other, t) for t in TYPES)


@pytest.mark.parametrize(("index", "split"), [(-1, "test"), (0, "validation")])
def test_there_is_no_such_problem(index: int, split) -> None:
    with pytest.raises(ProblemError, match="count from 0"):
        problem(0, index, split=split, profile="fixed")


def test_an_empty_suite_is_refused() -> None:
    with pytest.raises(ProblemError, match="ask for 1 or more"):
        suite(0)
