"""Does a habit earn nothing in contrast pairs, whatever the reward, and does a reader gain?"""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from itertools import product
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("trl")

from pydantic import ValidationError

from twofold.constraints import from_spec
from twofold.methods import REWARDS, Dpo, Grpo, Rft, TrainingError
from twofold.methods.trl.order import passes
from twofold.methods.trl.reward import TrlReward
from twofold.problems.contrast import twin
from twofold.scorers import SoftGate
from twofold.types import Problem, Response, Scorer, Verdict

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
QUOTED = from_spec("startend:quotation", None, profile="fixed")
FEW = from_spec(
    "length_constraints:number_words", {"num_words": 4, "relation": "less than"}, profile="fixed"
)
ONE = Problem(question="7 + 5 = ?", answer="12", constraints=(NO_COMMA,))
TWO = Problem(question="7 + 5 = ?", answer="12", constraints=(NO_COMMA, QUOTED))
WORDS = Problem(question="7 + 5 = ?", answer="12", constraints=(FEW,))

# What a policy says with which probability.
Policy = Mapping[str, float]

LOST = "<think>So"
# Right or not, and with or without commas; equally long, for rewards that count characters.
SAYS = {
    (right, met): f"{'So' if met else 'So,'} #### {'12' if right else '13'}{'.' * met}"
    for right, met in product((True, False), repeat=2)
}


def mixed(habit: float, right: float = 0.4, lost: float = 0.1) -> Policy:
    """A policy that leaves out commas with the probability `habit`, whether it is right or not."""
    found = {
        text: (1 - lost) * (right if is_right else 1 - right) * (habit if met else 1 - habit)
        for (is_right, met), text in SAYS.items()
    }
    return {**found, LOST: lost}


def rewards(scorer: Scorer, problem: Problem) -> Callable[[str], float | None]:
    """The reward of one text, as TRL asks for it."""
    reward = TrlReward(scorer, (problem,))

    @cache
    def one(text: str) -> float | None:
        return reward(prompts=[[]], completions=[text], problem=[problem.id])[0]

    return one


def push(
    reward: Callable[[str], float | None],
    policy: Policy,
    met: Callable[[str], float],
    size: int = 3,
) -> float:
    """The expected sum over a group of advantage times `met`: how much training raises the habit.

    The advantage is TRL's without scaling: the reward minus the mean of those there are, or 0 if it
    is None.
    """
    total = 0.0
    for group in product(policy, repeat=size):
        scores = [reward(text) for text in group]
        known = [score for score in scores if score is not None]
        mean = sum(known) / len(known) if known else 0.0
        gained = sum(
            (s - mean) * met(t) for s, t in zip(scores, group, strict=True) if s is not None
        )
        total += prod(policy[text] for text in group) * gained
    return total


def meets(text: str) -> float:
    return float("," not in text)


def turned(problem: Problem) -> Problem:
    found = twin(problem)
    assert found is not None
    return found


@pytest.mark.parametrize("habit", [0.0, 0.3, 0.9, 1.0])
@pytest.mark.parametrize("name", sorted(REWARDS))
def test_a_habit_earns_nothing_under_any_reward(name: str, habit: float) -> None:
    """The policy says the same with the rule and with its opposite; some of it is lost."""
    policy = mixed(habit)
    scorer = REWARDS[name]
    told, opposed = (push(rewards(scorer, p), policy, meets) for p in (ONE, turned(ONE)))
    assert told + opposed == pytest.approx(0, abs=1e-12)
    if 0 < habit < 1 and not name.startswith("correct_") and name != "correct":
        least = 0.002 if name.endswith("graded") else 0.01  # one comma is near to none
        assert told > least  # alone, the rule pays the habit


@pytest.mark.parametrize("name", ["soft_gate", "joint", "product", "compliant_then_correct"])
def test_a_habit_earns_nothing_beside_other_rules(name: str) -> None:
    other = turned(TWO)
    at = next(
        i for i, (a, b) in enumerate(zip(TWO.constraints, other.constraints, strict=True)) if a != b
    )
    policy = {
        f'"{text}"' if quoted else text: p * (0.7 if quoted else 0.3)
        for text, p in mixed(0.8, lost=0).items()
        for quoted in (True, False)
    }
    met: Callable[[str], float] = (lambda t: float(t[0] == '"')) if at else meets
    found = [push(rewards(REWARDS[name], p), policy, met, size=2) for p in (TWO, other)]
    assert sum(found) == pytest.approx(0, abs=1e-12)
    assert found[0] > 0.01


def test_a_graded_habit_earns_nothing() -> None:
    texts = ["#### 12", "so it is #### 12", "so it is now #### 12", "and so it is now then #### 12"]
    policy = dict(zip(texts, (0.5, 0.2, 0.2, 0.1), strict=True))  # 1, 4, 5 and 7 words
    for name in ("soft_gate_graded", "compliant_graded"):
        for at, wrong in product(range(4), (0.0, 0.5)):
            mix = {t: p * (1 - wrong) for t, p in policy.items()}
            mix |= {t.replace("12", "13"): p * wrong for t, p in policy.items()}
            here = {texts[at], texts[at].replace("12", "13")}
            met: Callable[[str], float] = lambda t, here=here: float(t in here)  # type: ignore[misc]  # noqa: E731
            found = [
                push(rewards(REWARDS[name], p), mix, met, size=2) for p in (WORDS, turned(WORDS))
            ]
            assert sum(found) == pytest.approx(0, abs=1e-12)
            assert abs(found[0]) > 1e-3


def test_where_right_replies_obey_more_often_only_being_right_is_paid() -> None:
    """The push on the habit is that of a reward which knows nothing of the rule, by hand."""
    policy = {
        SAYS[True, True]: 0.4,
        SAYS[True, False]: 0.1,
        SAYS[False, True]: 0.2,
        SAYS[False, False]: 0.3,
    }
    found = [push(rewards(SoftGate(), p), policy, meets) for p in (ONE, turned(ONE))]
    right, wrong = (1 + 2 / 3) / 2, (1 / 6 + 0) / 2  # the mean over met and broken
    blind = push(lambda text: right if "12" in text else wrong, policy, meets)
    assert sum(found) == pytest.approx(2 * blind) and blind > 0.01


def test_a_reader_gains_on_both_sides() -> None:
    told, opposed = mixed(0.8), mixed(0.2)
    reward = [rewards(SoftGate(), problem) for problem in (ONE, turned(ONE))]
    assert push(reward[0], told, meets) > 0.01  # with the rule, obeying it is worth more
    assert push(reward[1], opposed, meets) < -0.01  # with its opposite, breaking it is
    both = [
        sum(p * s for t, p in policy.items() if (s := value(t)) is not None)
        for value, policy in zip(reward, (told, opposed), strict=True)
    ]
    deaf = [
        sum(p * s for t, p in mixed(0.8).items() if (s := value(t)) is not None) for value in reward
    ]
    assert sum(both) > sum(deaf) + 0.05


def test_rows_are_pairs_and_singles() -> None:
    free = Problem(question="1 + 1 = ?", answer="2")
    rows = Grpo(contrast=True).rows([ONE, free, TWO])
    ids = [ONE.id, turned(ONE).id, free.id, TWO.id, turned(TWO).id]
    assert [row["problem"] for row in rows] == ids
    assert [row["pair"] for row in rows] == [ONE.id, ONE.id, None, TWO.id, TWO.id]
    assert rows[1]["prompt"][0]["content"].endswith("Use at least one comma.")
    assert [row["problem"] for row in Rft(contrast=True).rows([ONE])] == ids[:2]
    assert [row["problem"] for row in Dpo(contrast=True).rows([ONE])] == ids[:2]
    assert "pair" not in Grpo().rows([ONE])[0]


def test_the_command_shows_the_twins_and_counts_them(tmp_path: Path) -> None:
    config = tmp_path / "grpo.yaml"
    config.write_text("contrast: true")
    asked = ["--base", "no/model", "--problems", "pocket:4:train", "--out", str(tmp_path / "run")]
    shown = subprocess.run(
        [
            sys.executable,
            "-m",
            "twofold",
            "train",
            "grpo",
            *asked,
            "--config",
            str(config),
            "--dry-run",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    assert len(rows) == 8 and len({row["pair"] for row in rows}) == 4
    assert "contrast: 4 of 4 problems stand beside their opposite" in shown.stderr


def test_a_pair_is_always_in_one_step_and_every_row_comes_equally_often() -> None:
    rows: list[dict[str, Any]] = [
        {"problem": f"p{i}{side}", "pair": f"p{i}"} for i in range(3) for side in "ab"
    ]
    rows[2:2] = [{"problem": f"s{i}", "pair": None} for i in range(3)]
    found = passes(rows, 360, np.random.default_rng(0))
    assert len(found) == 360
    for at, row in enumerate(found):
        if row["problem"].endswith("a") and row["pair"]:
            assert at % 2 == 0 and found[at + 1]["pair"] == row["pair"]
    counts = [sum(each["problem"] == row["problem"] for each in found) for row in rows]
    assert all(39 <= count <= 41 for count in counts)


def test_rows_without_pairs_are_shuffled_pass_by_pass() -> None:
    rows = [{"problem": str(i)} for i in range(5)]
    rng = np.random.default_rng(3)
    expected = np.concatenate([rng.permutation(5) for _ in range(3)])[:13]
    found = passes(rows, 13, np.random.default_rng(3))
    assert [int(row["problem"]) for row in found] == expected.tolist()


def test_settings_that_would_pay_a_habit_are_refused(tmp_path: Path) -> None:
    for wrong in (
        {"min_std": 0.1},
        {"aggregation": "normalize_then_sum"},
        {"trl": {"scale_rewards": "group"}},
    ):
        with pytest.raises(TrainingError, match="without scaling"):
            Grpo(contrast=True, **wrong)
    with pytest.raises(TrainingError, match="both sides of a pair in one step"):
        Grpo(contrast=True, trl={"shuffle_dataset": True})
    with pytest.raises(TrainingError, match="even batch for its pairs, not 3"):
        Grpo(contrast=True, batch=3)
    with pytest.raises(TrainingError, match="none of the 1 problems has a rule"):
        Grpo(contrast=True).rows([Problem(question="1 + 1 = ?", answer="2")])
    with pytest.raises((TrainingError, ValidationError), match="leave one of them out"):
        Rft(contrast=True, replies=tmp_path)
    with pytest.raises((TrainingError, ValidationError), match="leave one of them out"):
        Dpo(contrast=True, pairs=tmp_path)


# --- In TRL's own trainer ---------------------------------------------------------------------

LETTERS = [
    Problem(
        question=f"what is {word}",
        ask=" ",
        answer="4",
        constraints=(
            from_spec(
                "keywords:letter_frequency",
                {"letter": "i", "let_frequency": 1, "let_relation": "at least"},
                profile="fixed",
            ),
        ),
    )
    for word in ("two", "it")
]


def test_twins_share_a_step_and_rewards_are_centred_and_not_scaled(
    tiny: Path, tmp_path: Path
) -> None:
    import pandas

    single = Problem(question="what is and", answer="4")
    method = Grpo(
        reward=REWARDS["soft_gate"],
        contrast=True,
        steps=3,
        batch=2,
        num_generations=4,
        max_completion_length=8,
        precheck_problems=0,
        trl={"log_completions": True},
    )
    done = method.train(
        str(tiny), [*LETTERS, single, replace(single, question="is it")], out=tmp_path / "run"
    )
    n_pairs = n_moved = 0
    for file in sorted((done.folder / "completions").glob("*.parquet")):
        table = pandas.read_parquet(file)
        one, two = table.iloc[:4], table.iloc[4:]
        questions = [str(part["prompt"].iloc[0]) for part in (one, two)]
        n_pairs += any(
            all(problem.question + " Use" in q for q in questions) for problem in LETTERS
        )
        for part in (one, two):
            scores = part["soft_gate"]
            assert list(part["advantage"]) == pytest.approx(list(scores - scores.mean()), abs=1e-5)
            n_moved += int((part["advantage"].abs() > 0.01).sum())
    assert n_pairs == 2  # a pass of three steps: two pairs, and two singles
    assert n_moved > 0


def test_a_pair_is_left_out_only_as_a_whole(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base meets no rule of the first two problems and every opposite; of the last, neither."""
    hopeless = Problem(question="what is is", answer="4", constraints=(NO_COMMA,))
    blank = Response(raw="", reply="")

    def draw(_: object, base: str, problems: list[Problem], **__: object) -> list[list[Response]]:
        said = Response(raw="x", reply="x")
        return [[blank if p.question == hopeless.question else said] for p in problems]

    monkeypatch.setattr(Grpo, "draw", draw)
    method = Grpo(reward=REWARDS["compliant"], contrast=True, steps=1, batch=2, drop_after=1)
    method = replace(method, precheck_problems=0)
    done = replace(method, num_generations=2, max_completion_length=4).train(
        str(tiny), [*LETTERS, hopeless], out=tmp_path / "run"
    )
    noted = json.loads((done.folder / "manifest.json").read_text())["left_out"]["problems"]
    assert noted == [hopeless.id, turned(hopeless).id]


def test_unscored_stays_unscored_on_both_sides() -> None:
    for name, scorer in REWARDS.items():
        for problem in (ONE, turned(ONE)):
            assert rewards(scorer, problem)(LOST) is None, name


def test_a_verdict_of_the_opposite_reaches_the_log_like_any_rule() -> None:
    (verdict,) = REWARDS["compliant"]([turned(ONE)], [Response(raw="So, 12", reply="So, 12")])
    assert verdict.score == 1.0
    assert isinstance(verdict.parts["contrast:opposite"], Verdict)
