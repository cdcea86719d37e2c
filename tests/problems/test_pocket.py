"""The pocket world: answers derived again by hand-written rules, splits apart, everything solvable."""

import os
import re
import subprocess
import sys
from collections import Counter
from itertools import product

import numpy as np
import pytest

from twofold.errors import ProblemError
from twofold.problems import load
from twofold.problems.lint import lint
from twofold.problems.pocket import COMPETING, HELD_OUT, SEEN, SPLITS, Split, problem, suite
from twofold.problems.pocket.binding import clash
from twofold.problems.pocket.reply import OPENINGS, Style, obedient_reply, written
from twofold.problems.pocket.tale import SEEN_SKILLS, UNSEEN_SKILLS, tell
from twofold.problems.pocket.worlds import COMPASS, CUPS, DIAL, WEEK
from twofold.scorers import Correct
from twofold.types import Problem, Profile, Response

DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
FOUR = ["north", "east", "south", "west"]


def solved(question: str) -> tuple[str, list[str]]:
    """The answer and the asked chain, read off the question's words alone."""
    if "cup" in question:
        (state,) = re.findall(r"lies under (\w+)\.", question)
        chain = re.findall(r"swap (\w+ and \w+)\.", question)
        for move in chain:
            one, other = move.split(" and ")
            state = {one: other, other: one}.get(state, state)
    elif "Which day" in question:
        (start,) = re.findall(r"says (\w+)\.", question)
        chain = re.findall(r"go (\d \w+)\.", question)
        by = sum(int(move[0]) * (1 if "on" in move else -1) for move in chain)
        state = DAYS[(DAYS.index(start) + by) % 7]
    elif "Where does" in question:
        (start,) = re.findall(r"faces (\w+)\.", question)
        chain = re.findall(r"steer (\w+)\.", question)
        by = sum({"right": 1, "around": 2, "left": -1}[move] for move in chain)
        state = FOUR[(FOUR.index(start) + by) % 4]
    else:
        (start,) = re.findall(r"shows (\d)\.", question)
        chain = re.findall(r"turn (\w+ \d)\.", question)
        by = sum(int(move[-1]) * (1 if "up" in move else -1) for move in chain)
        state = str((int(start) + by) % 10)
    return state, [re.findall(r"(?:under|says|faces|shows) (\w+)\.", question)[0], *chain]


def chains(split: Split) -> set[str]:
    """The asked chains of a split, from the tags."""
    found = set()
    for p in suite(2000, split=split):
        steps = [s.split(", ", 1)[1].split(" gives ")[0] for s in p.tags["steps"].split("; ")]
        moves = [step.rsplit(" from ", 1)[0] for step in steps]
        found.add(" ".join([steps[0].rsplit(" from ", 1)[1], *moves]))
    return found


@pytest.mark.parametrize("split", SPLITS)
def test_the_answer_follows_from_the_words(split: Split) -> None:
    for p in suite(600, split=split):
        assert solved(p.question)[0] == p.answer, p.question
        assert len(solved(p.question)[1]) - 1 == len(p.tags["steps"].split("; "))


@pytest.mark.parametrize("profile", ["official", "fixed"])
@pytest.mark.parametrize("split", SPLITS)
def test_every_problem_has_a_right_and_obedient_reply(split: Split, profile: Profile) -> None:
    problems = suite(400, seed=1, split=split, profile=profile)
    for p in problems:
        reply = obedient_reply(p)
        for constraint in p.constraints:
            verdict = constraint.check(reply)
            assert verdict.score == 1, f"{constraint.name}: {verdict.reason}\n{reply}"
    replies = [Response(raw=r, reply=r) for r in map(obedient_reply, problems)]
    assert {v.score for v in Correct(profile=profile)(problems, replies)} == {1.0}


@pytest.mark.parametrize("split", SPLITS)
def test_the_lint_finds_nothing(split: Split) -> None:
    assert lint(suite(200, split=split)) == []


def test_a_world_is_a_table_of_permutations() -> None:
    sizes = []
    for world in (DIAL, WEEK, COMPASS, CUPS):
        for goes in world.moves.values():
            assert sorted(goes) == list(range(len(world.states)))
        assert len(set(world.moves.values())) in (len(world.moves), 9)  # up 5 is down 5
        sizes.append(len(world.states) * len(world.moves))
    assert sizes == [100, 42, 12, 24]


def test_the_worlds_share_no_move_and_no_verb() -> None:
    worlds = (DIAL, WEEK, COMPASS, CUPS)
    moves = [move for world in worlds for move in world.moves]
    assert len(set(moves)) == len(moves)
    assert len({world.verb for world in worlds}) == 4


def test_no_chain_is_in_train_and_in_test_or_out_of_distribution() -> None:
    train = chains("train")
    assert not train & chains("test")
    assert not train & chains("ood")


def test_out_of_distribution_is_longer_or_pairs_what_training_never_pairs() -> None:
    names = {"+".join(w.name for w in skill) for skill in SEEN_SKILLS}
    unseen = {"+".join(w.name for w in skill) for skill in UNSEEN_SKILLS}
    assert not names & unseen
    for split in ("train", "test"):
        problems = suite(600, split=split)
        assert {p.tags["skill"] for p in problems} == names
        assert {p.tags["difficulty"] for p in problems} == {"3", "4", "5"}
    kinds = Counter(
        (p.tags["difficulty"] in "67", p.tags["skill"] in unseen) for p in suite(600, split="ood")
    )
    assert kinds == {(True, False): 300, (False, True): 300}


def test_train_never_sees_a_held_out_type_and_test_sees_all_equally() -> None:
    assert not SEEN.keys() & HELD_OUT.keys()
    assert {c.name for p in suite(900, split="train") for c in p.constraints} == set(SEEN)
    for split in ("test", "ood"):
        counts = Counter(c.name for p in suite(1300, split=split) for c in p.constraints)
        assert set(counts) == {*SEEN, *HELD_OUT}
        assert min(counts.values()) >= 100
    for p in suite(300):
        pool = SEEN if p.tags["constraint_types"] == "seen" else HELD_OUT
        assert all(c.name in pool for c in p.constraints)


def test_competing_types_are_seen_and_held_out_and_leave_no_room_for_the_working() -> None:
    assert COMPETING & SEEN.keys() and COMPETING & HELD_OUT.keys()
    shown = Style(thinks=False, shows=True, commas=True, opening=OPENINGS[0])
    broken = Counter[str]()
    for p in suite(900):
        if "+" in p.tags["skill"]:
            continue  # of a pair, few moves may be asked
        reply = written(p.tags["steps"].split("; "), str(p.answer), shown)
        for c in p.constraints:
            if c.name in COMPETING:
                assert c.check(reply).score == 0, (c, reply)
                broken[c.name] += 1
    assert set(broken) == COMPETING


def test_a_thought_makes_room_for_the_working() -> None:
    from twofold.models.thinking import ThinkingPolicy, split

    p = next(p for p in suite(50) if p.constraints[0].name == "length_constraints:number_words")
    style = Style(thinks=True, shows=False, commas=True, opening="It is")
    raw = written(p.tags["steps"].split("; "), str(p.answer), style, p.constraints)
    response = split(raw, policy=ThinkingPolicy(), hit_limit=False)
    assert response.thinking and response.thinking.count(" gives ") >= 1
    assert p.constraints[0].check(response.reply).score == 1


@pytest.mark.parametrize("n", range(1, 8))
def test_a_tale_of_any_length_can_be_told(n: int) -> None:
    for skill, part in product((*SEEN_SKILLS, *UNSEEN_SKILLS), ("train", "test")):
        tale = tell(np.random.default_rng(n), skill, n, part=part, cast=n)  # type: ignore[arg-type]
        assert tale.part == part
        assert 1 <= len(tale.moves) <= n


def test_a_longer_suite_begins_with_the_shorter_and_another_process_makes_the_same() -> None:
    assert suite(40)[:25] == suite(25)
    assert suite(3)[2] == problem(0, 2, split="test", profile="fixed")
    code = "from twofold.problems.pocket import suite; print(*[p.id for p in suite(30)])"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [p.id for p in suite(30)]


def test_problems_do_not_repeat() -> None:
    for split in SPLITS:
        problems = suite(2000, split=split)
        assert len({p.id for p in problems}) == 2000
        assert len({p.question for p in problems}) > 1980


def test_clashes_hold_in_both_directions() -> None:
    types = [*SEEN, *HELD_OUT]
    for one in types:
        assert clash(one, one)
        assert all(clash(one, other) == clash(other, one) for other in types)
        pool = SEEN if one in SEEN else HELD_OUT
        assert any(not clash(one, other) for other in pool)


def test_load_takes_sizes_and_splits() -> None:
    assert load("pocket", profile="fixed") == suite(200)
    assert load("pocket:7:ood", profile="fixed") == suite(7, split="ood")
    for wrong in ("pocket:0", "pocket:5:dev", "pocket:x"):
        with pytest.raises(ProblemError, match="SPLIT one of train, test, ood"):
            load(wrong, profile="fixed")
    with pytest.raises(ProblemError, match="did you mean 'pocket'"):
        load("poket", profile="fixed")
    with pytest.raises(ProblemError, match="no suite"):
        load("synthetic:5:ood", profile="fixed")


def test_invalid_sizes_and_splits_are_refused() -> None:
    with pytest.raises(ProblemError, match="1 or more"):
        suite(0)
    with pytest.raises(ProblemError, match="count from 0"):
        problem(0, -1, split="test", profile="fixed")
    with pytest.raises(ProblemError, match="in train, test, ood"):
        problem(0, 0, split="dev", profile="fixed")  # type: ignore[arg-type]


def test_the_question_can_be_asked_without_its_constraints() -> None:
    p: Problem = suite(1)[0]
    plain = p.messages(stated=())[0]["content"]
    assert plain.startswith(p.question) and plain.endswith(r"\boxed{}.")
