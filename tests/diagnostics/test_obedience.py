"""Obedience, habit and interference against values by hand and by brute force."""

from __future__ import annotations

import numpy as np
import pytest

from twofold.constraints import from_spec
from twofold.diagnostics.joint import table
from twofold.diagnostics.joint.analysis import Joint
from twofold.diagnostics.joint.obedience import interference, obedience
from twofold.diagnostics.joint.table import Block
from twofold.runs.score_responses import ResponseScores
from twofold.types import Finding, FinishReason, Item, Problem, Response

NAN = float("nan")


def block(
    problem: list[int], parts: list[list[float]], correct: list[float] | None = None
) -> Block:
    n = len(problem)
    return Block(
        problem=np.array(problem, dtype=np.int32),
        sample=np.arange(n, dtype=np.int32),
        correct=np.array(correct or [NAN] * n, dtype=np.float32),
        parts=np.array(parts, dtype=np.float32).reshape(n, -1),
        finish_reason=np.zeros(n, dtype=np.int32),
        thinking=np.full(n, -1, dtype=np.int32),
        reply=np.full(n, -1, dtype=np.int32),
        spent=np.full(n, -1, dtype=np.int32),
        guessed=np.zeros(n, dtype=np.int32),
    )


def test_told_minus_untold_by_hand() -> None:
    # Problem 0 has two constraints, problem 2 one; -1 is past the last, NaN unscored.
    told = block([0, 0, 2], [[1, 0], [1, NAN], [1, -1]])
    untold = block([0, 0, 2], [[1, 0], [0, 1], [NAN, -1]])
    found = obedience(told, untold)
    assert list(zip(found.problem, found.slot, strict=True)) == [(0, 0), (0, 1), (2, 0)]
    np.testing.assert_allclose(found.told, [1.0, 0.0, 1.0])
    np.testing.assert_allclose(found.untold, [0.5, 0.5, NAN])
    np.testing.assert_allclose(found.effect, [0.5, -0.5, NAN])


def test_a_habit_is_no_obedience() -> None:
    same = block([0, 1, 2, 3], [[1], [1], [0], [1]])
    assert not obedience(same, same).effect.any()


def test_interference_by_hand() -> None:
    # Problem 0: the first and third untold replies meet the rule. Told it is right once in two.
    told = block([0, 0, 1], [[1], [1], [1]], [1, 0, 0])
    untold = block([0, 0, 0, 1, 2], [[1], [0], [1], [1], [1]], [1, 1, 0, 1, 1])
    found = interference(told, untold)
    assert found.problem.tolist() == [0, 0, 1]  # problem 2 was never asked told
    np.testing.assert_allclose(found.told, [0.5, 0.5, 0.0])
    # The others of the first reply: 1 and 0; of the third: 1 and 1; problem 1 has no other reply.
    np.testing.assert_allclose(found.untold, [0.5, 1.0, 1.0])


def test_nothing_met_unasked_is_no_unit() -> None:
    one = block([0], [[0]], [1])
    assert interference(one, one).problem.size == 0


@pytest.mark.parametrize("seed", range(5))
def test_random_tables_against_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n, slots = 40, 3
    problem = np.sort(rng.integers(0, 9, n))
    blocks = []
    for _ in range(2):
        parts = rng.choice([0.0, 1.0, NAN], (n, slots), p=[0.45, 0.45, 0.1])
        parts[:, 2] = np.where(problem % 2 == 0, -1, parts[:, 2])
        blocks.append(block(problem.tolist(), parts.tolist(), rng.integers(0, 2, n).tolist()))
    told, untold = blocks
    found = obedience(told, untold)
    for p, slot, effect in zip(found.problem, found.slot, found.effect, strict=True):
        means = []
        for each in blocks:
            values = [
                float(v)
                for q, v in zip(each.problem, each.parts[:, slot], strict=True)
                if q == p and not np.isnan(v)
            ]
            means.append(sum(values) / len(values) if values else NAN)
        np.testing.assert_allclose(effect, means[0] - means[1])
    # Every unit has a control where the answers are scored.
    flat = interference(untold, untold).effect
    assert np.isfinite(flat).all()


NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")


def found_in(problems: list[Problem], answers: list[tuple[Item, Response]]) -> Finding:
    scored = ResponseScores({p.id: p for p in problems}).rows(answers)
    return Joint().analyse(list(table.rows(scored)), problems)


def test_a_cut_thought_is_counted_beside_the_loose_accuracy_too() -> None:
    asked = [
        Problem(question=q, constraints=(NO_COMMA,), question_states_constraints=True)
        for q in ("Name a colour.", "Name a fruit.", "Name a tree.")
    ]
    replies = [
        Response(raw="Sure, yes:\nred", reply="Sure, yes:\nred"),
        Response(raw="plum", reply="plum"),
        Response(raw="<think>an oak", reply="", finish_reason=FinishReason.unclosed_thinking),
    ]
    items = [Item("model", "constrained", p.id, 0) for p in asked]
    found = found_in(asked, list(zip(items, replies, strict=True)))
    strict, loose = (
        found.estimate(metric, condition="constrained") for metric in ("hacc", "hacc_loose")
    )
    assert strict is not None and loose is not None
    assert (strict.value, strict.n, strict.n_unscored) == (0.5, 2, 1)
    assert (loose.value, loose.n, loose.n_unscored) == (1.0, 2, 1)


@pytest.mark.parametrize("samples", [1, 2])
def test_a_control_that_is_the_chosen_reply_itself_is_told(samples: int) -> None:
    asked = [
        Problem(question=f"What is {i} + 1?", answer=str(i + 1), constraints=(NO_COMMA,))
        for i in range(4)
    ]
    answers = [
        (Item("model", condition, p.id, k), Response(raw=text, reply=text))
        for p in asked
        for condition in ("constrained", "unconstrained")
        for k in range(samples)
        for text in (f"The answer is {p.answer}.",)
    ]
    found = found_in(asked, answers)
    assert found.estimate("interference") is not None
    assert any("--samples 2" in caveat for caveat in found.caveats) == (samples == 1)
