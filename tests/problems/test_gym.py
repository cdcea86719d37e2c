"""Problems of reasoning-gym: no overlap of splits, no other scorer, only answers that can be judged."""

import importlib
from itertools import product

import pytest

from twofold.errors import ProblemError
from twofold.problems import gym, load
from twofold.scorers import Correct
from twofold.types import Response

try:
    import reasoning_gym
except ImportError:
    reasoning_gym = None

installed = pytest.mark.skipif(
    reasoning_gym is None, reason="needs reasoning-gym: pip install 'twofold[gym]'"
)
SLOW = {"zebra_puzzles"}
FEW = 12


def made(task, n=FEW, split="test"):
    return gym.suite(task, 3 if task in SLOW else n, split=split)


def judged(problem, answer):
    text = f"Out of 3 ways, it is \\boxed{{{answer}}}."
    (verdict,) = Correct()([problem], [Response(raw=text, reply=text)])
    return verdict.score


def test_there_are_as_many_tasks_as_the_methods_table_says():
    assert len(gym.TASKS) == 26


@installed
@pytest.mark.parametrize("task", sorted(gym.TASKS))
def test_every_gold_answer_is_right_and_every_other_is_wrong(task):
    problems = made(task)
    assert {problem.tags["version"] for problem in problems} == {"0.1.25"}
    for one, other in product(problems, problems):
        assert judged(one, other.answer) == float(one.answer.lower() == other.answer.lower())


@installed
@pytest.mark.parametrize("task", sorted(set(gym.TASKS) - SLOW))
def test_the_packages_own_scorer_agrees_where_it_is_given_the_answer_alone(task):
    """Its scores are thresholded at 1: a wrong answer gets up to 0.99 of it."""
    for problem in made(task, 6):
        seed = int(problem.tags["source_id"].partition("/")[2])
        (item,) = reasoning_gym.create_dataset(task, seed=seed, size=1)
        if task != "gsm_symbolic":  # which of its templates is taken depends on the size
            assert item["question"].strip() == problem.question
            assert str(item["answer"]).strip() == problem.answer
            scorer = reasoning_gym.get_score_answer_fn(task)
            assert scorer(item["answer"], item) == 1


@installed
@pytest.mark.parametrize("task", sorted(set(gym.TASKS) - SLOW))
def test_train_and_test_share_no_question(task):
    train, test = made(task, 60, "train"), made(task, 60, "test")
    asked = [{" ".join(p.question.split()).lower() for p in part} for part in (train, test)]
    assert len(asked[0]) == len(asked[1]) == 60 and not asked[0] & asked[1]
    seeds = [{int(p.tags["source_id"].partition("/")[2]) for p in part} for part in (train, test)]
    assert max(seeds[0]) < gym.TRIES * gym.MOST <= min(seeds[1])


@installed
def test_the_overlap_of_neighbouring_seeds_is_real():
    """The trap that the splits are for: were it gone, this file could be simpler."""
    one, other = (reasoning_gym.create_dataset("chain_sum", seed=s, size=20) for s in (42, 43))
    assert [item["question"] for item in one][1:] == [item["question"] for item in other][:-1]


@installed
def test_the_traps_of_a_scorer_are_real_and_ours_has_none():
    score = reasoning_gym.get_score_answer_fn("gsm_symbolic")
    item = {"answer": "-5", "question": "?", "metadata": {}}
    assert score("-5", item) < 1  # the minus sign is dropped
    item["answer"] = "7"
    assert score("Out of 12 apples, the answer is 7", item) < 1 and score("8", item) > 0
    problem = made("gsm_symbolic", 1)[0]
    problem = type(problem)(question=problem.question, answer="-5")
    assert judged(problem, "-5") == 1 and judged(problem, "5") == 0


@installed
@pytest.mark.parametrize("task", sorted(name for name, shift in gym.TASKS.items() if shift))
def test_ood_shifts_the_configuration_beyond_what_the_defaults_draw(task):
    for problem in made(task, 3, "ood"):
        assert problem.tags["split"] == "ood" and judged(problem, problem.answer) == 1
    default = reasoning_gym.create_dataset(task, seed=0, size=1).config
    shift = gym.TASKS[task]
    assert any(
        value > getattr(default, key.replace("min_", "max_"))
        for key, value in shift.items()
        if not key.startswith("max_")
    )


@installed
def test_the_same_problems_each_time_and_a_smaller_suite_is_the_beginning_of_a_larger():
    assert made("chain_sum", 9) == made("chain_sum", 30)[:9]
    assert [p.id for p in made("gcd", 9)] == [p.id for p in made("gcd", 9)]


@installed
def test_a_task_that_runs_out_says_how_many_it_has(monkeypatch):
    monkeypatch.setattr(gym, "TRIES", 1)  # half of what is drawn belongs to the other split
    with pytest.raises(ProblemError, match="different questions in the split test") as error:
        gym.suite("chain_sum", 40)
    n = int(str(error.value).rpartition(" ")[2])
    assert 0 < n < 40


@installed
def test_load_reads_the_spec():
    (problem,) = load("gym:chain_sum:1:train", profile="fixed")
    assert problem == gym.suite("chain_sum", 1, split="train")[0]
    assert len(load("gym:gcd", profile="fixed", limit=5)) == 5
    assert load("gym:gcd:2:ood", profile="fixed")[0].tags["split"] == "ood"


@pytest.mark.parametrize(
    "spec",
    ["gym", "gym:", "gym:chain_sum:x", "gym:chain_sum:0", "gym:chain_sum:3:dev", "gym:a:1:b:c"],
)
def test_an_invalid_spec_is_refused_with_the_valid_form(spec):
    with pytest.raises(ProblemError, match="gym:"):
        load(spec, profile="fixed")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: gym.suite("chain_sums", 1), "did you mean 'chain_sum'"),
        (lambda: gym.suite("countdown", 1), "one number or word"),
        (lambda: gym.suite("chain_sum", 0), "ask for 1 to"),
        (lambda: gym.suite("syllogism", 1, split="ood"), "no split ood"),
    ],
)
def test_an_impossible_suite_is_refused_with_a_remedy(call, words):
    with pytest.raises(ProblemError, match=words):
        call()


def test_without_the_package_the_remedy_is_named(monkeypatch):
    def missing(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(ProblemError, match=r"pip install 'twofold\[gym\]'"):
        gym.suite("chain_sum", 1)
