"""Planted pairs: what is asked, what a base is kept from seeing, the README's numbers from the kept data."""

import json
from importlib import import_module
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from twofold.problems.conditions import prompt
from twofold.scorers import Compliant, Correct
from twofold.study import read
from twofold.types import Response

digits = import_module("recipes.elicitation.digits")
FOLDER = Path(digits.__file__).parent


def said(text: str) -> Response:
    return Response(raw=text, reply=text)


def test_the_moves_by_hand() -> None:
    puzzle = digits.Puzzle(("1", "2", "3", "4"), ("shift", "swap", "turn"), digits.RULES[0])
    assert [" ".join(state) for state in puzzle.states] == ["2 3 4 1", "3 2 4 1", "1 4 2 3"]


@pytest.mark.parametrize("rule", digits.RULES, ids=lambda rule: rule.name)
def test_a_reply_is_right_and_obeys_if_it_shall(rule) -> None:
    puzzle = digits.Puzzle(("1", "2", "3", "4"), ("shift", "turn"), rule)
    rng = np.random.default_rng(0)
    for shows in (True, False):
        obedient = said(puzzle.reply(rng, shows=shows, obeys=True))
        assert Correct()([puzzle.problem], [obedient])[0].score == 1
        assert Compliant(how="all")([puzzle.problem], [obedient])[0].score == 1
    worked = said(puzzle.reply(rng, shows=True))
    assert Compliant(how="all")([puzzle.problem], [worked])[0].score == 0
    wrong = said(puzzle.reply(rng, shows=False, answer="4 3 2 1"))
    assert Correct()([puzzle.problem], [wrong])[0].score == 0


def test_train_test_and_fresh_puzzles_begin_with_other_digits() -> None:
    starts = {
        part: {each.start for each in digits.asked(part, 40, 0, must="turn")}
        for part in ("train", "test", "fresh")
    }
    for one, other in (("train", "test"), ("train", "fresh"), ("test", "fresh")):
        assert not starts[one] & starts[other]
    assert all("turn" in each.moves for each in digits.asked("test", 40, 0, must="turn"))
    assert not any("turn" in each.moves for each in digits.asked("test", 40, 0))


def test_every_puzzle_is_asked_with_its_rule_and_without() -> None:
    problem = digits.asked("test", 1, 0)[0].problem
    told, untold = (prompt(problem, condition) for condition in ("constrained", "unconstrained"))
    assert told is not None and untold is not None and told != untold


@pytest.fixture(scope="module")
def pairs():
    pytest.importorskip("torch")
    return import_module("recipes.elicitation.pairs")


def test_what_a_base_is_trained_on(pairs) -> None:
    """None of the bases sees `turn`; one guesses four times in five, one is mute nine times in ten."""
    expected = {"hasty": (0.13, 0.27), "mute": (0.04, 0.18)}
    for name, (_, _, _, reply, _) in pairs.BASES.items():
        chats = list(islice(digits.chats(0, reply, digits.KNOWN), 300))
        assert not any("turn" in message["content"] for chat in chats for message in chat)
        share = sum(
            "gives" in chat[1]["content"] and "boxed" in chat[1]["content"] for chat in chats
        )
        low, high = expected.get(name, (0.99, 1.0))
        assert low <= share / 300 <= high


def test_the_memorised_pair_learns_the_bare_answers_of_the_test_problems(pairs) -> None:
    tests = pairs.questions("memorised", 0)
    chats = list(islice(pairs.recited(tests, 0), 200))
    assert not any("gives" in chat[1]["content"] for chat in chats)
    questions = {each.problem.question for each in tests}
    assert all(any(q in chat[0]["content"] for q in questions) for chat in chats)


@pytest.fixture(scope="module")
def measure():
    pytest.importorskip("torch")
    return import_module("recipes.elicitation.measure")


def test_a_gain_that_fresh_problems_do_not_show_is_memory_and_no_new_capability(measure) -> None:
    told = {"fired": ["new_capability_within_budget"], "fresh_gain": {"low": 0.4}}
    assert measure.judged(told) == ["new_capability_within_budget"]
    assert measure.judged(told | {"fresh_gain": {"low": -0.1}}) == ["memorised"]
    assert measure.judged({"fired": [], "fresh_gain": {"low": -0.1}}) == []


def test_a_verdict_is_right_only_if_no_other_is_claimed(measure) -> None:
    is_right = import_module("recipes.elicitation.table").is_right
    new, gained = "new_capability_within_budget", {"fresh_gain": {"low": 0.4}}
    assert is_right("silenced_style", gained | {"fired": ["sharpening", "narrowing"]})
    assert not is_right("silenced_style", gained | {"fired": ["sharpening", new]})
    assert not is_right("silenced_style", gained | {"fired": []})
    assert is_right("new_operation", gained | {"fired": [new]})
    assert not is_right("new_operation", {"fired": [new], "fresh_gain": {"low": 0.0}})
    assert is_right("memorised", {"fired": [new], "fresh_gain": {"low": 0.0}})


def test_the_ladder_is_a_study_with_four_arms_that_share_one_reference() -> None:
    plan = read(FOLDER / "ladder.yaml")
    assert [arm.name for arm in plan.arms] == ["layer_bias", "lora_1", "lora_16", "full"]
    assert plan.reference == "full"
    trained = {arm.name: (arm.trainer.layer_bias, arm.trainer.lora) for arm in plan.arms}
    assert trained == {
        "layer_bias": (True, None),
        "lora_1": (False, 1),
        "lora_16": (False, 16),
        "full": (False, None),
    }


def test_an_average_over_seeds_is_by_hand() -> None:
    """1, 2 and 3 have the mean 2 and the standard error 1/sqrt(3); t of two degrees is 4.303."""
    table = import_module("recipes.elicitation.table")
    of = [{"value": value} for value in (1.0, 2.0, 3.0)]
    assert table.average_of(of) == "2.00 [-0.48, 4.48]"
    assert table.average_of([*of, None]) == "2.00 [-0.48, 4.48] (n=3)"
    assert table.average_of([of[0], None]) == "-"
    assert table.average_of([{"value": -0.001}] * 2) == "0.00 [0.00, 0.00]"


def test_the_readme_has_the_tables_of_the_kept_data(measure) -> None:
    readme = (FOLDER / "README.md").read_text()
    table, ladder = (import_module(f"recipes.elicitation.{name}") for name in ("table", "ladder"))
    kept = json.loads((FOLDER / "measured.json").read_text())
    for part in (table.verdicts, table.gains, table.over_seeds):
        assert part(kept["pairs"]) in readme
    assert table.arms(kept["pairs"]) in (FOLDER / "arms.md").read_text()
    hybrids = import_module("recipes.elicitation.planted_hybrid")
    assert hybrids.over_seeds(json.loads(hybrids.KEPT.read_text())) in readme
    n_pairs = len({each["pair"] for each in kept["pairs"]})
    assert table.verdicts(kept["pairs"]).count("5 of 5") == n_pairs == 4
    assert table.gains(kept["first"]) in readme and table.arms(kept["first"]) in readme
    if kept["ladder"]:
        assert ladder.table(kept["ladder"]) in readme
