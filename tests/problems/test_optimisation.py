"""Every family of optimisation problems under one contract, its optimum checked by brute force."""

from itertools import product

import numpy as np
import pytest

from twofold.problems.optimisation import FAMILIES, VARIANTS, quadruple
from twofold.problems.optimisation.family import stated
from twofold.problems.optimisation.networks import Grid, Pipes
from twofold.problems.optimisation.program import Program, Rule, parsed
from twofold.scorers.answers.extract import boxes

SEEDS = range(4)


def every(test):
    return pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)(test)


def by_hand(program):
    """The optimum of a program of whole decisions, by trying them all."""
    names = list(program.worth)
    ranges = [range(int(program.most[name]) + 1) for name in names]
    best = None
    for values in product(*ranges):
        chosen = dict(zip(names, values, strict=True))
        kept = all(
            rule.low - 1e-9 <= sum(c * chosen[n] for n, c in rule.terms.items()) <= rule.high + 1e-9
            for rule in program.rules
        )
        if kept:
            worth = sum(program.worth[n] * v for n, v in chosen.items())
            if best is None or (worth > best if program.is_max else worth < best):
                best = worth
    return best


@pytest.mark.parametrize("index", SEEDS)
@every
def test_the_solver_finds_what_trying_everything_finds(family, index):
    for instance in quadruple(family, 0, index).instances.values():
        program = instance.program()
        n = np.prod([program.most[name] + 1 for name in program.worth])
        if program.is_whole and n <= 5000:
            assert program.best.worth == pytest.approx(by_hand(program))
        assert program.judge(program.best.decision).is_best(1e-6)


@pytest.mark.parametrize("index", SEEDS)
@every
def test_the_four_variants_are_what_they_are_called(family, index):
    made = quadruple(family, 1, index)
    best = {v: made.instances[v].program().best for v in VARIANTS}
    n = len(made.instances["n"].elements)
    assert family.sizes[0] <= n <= family.sizes[1]
    assert all(len(made.instances[v].elements) == n - 1 for v in VARIANTS[1:])
    assert best["n1_binding"].worth != pytest.approx(best["n"].worth)
    assert best["n1_slack"].worth == pytest.approx(best["n"].worth)
    for variant in ("n1_binding", "n1_slack"):
        assert made.removed[variant] not in made.instances[variant].elements
        assert made.removed[variant] in made.instances["n"].elements
    old = dict(best["n"].decision)
    assert made.instances["n1_slack"].program().judge(old).is_best()
    assert not made.instances["n1_binding"].program().judge(old).is_best()
    assert made.copies(old)
    assert not made.copies(dict(best["n1_binding"].decision))


@every
def test_the_stated_answer_reads_back_as_an_optimum(family):
    made = quadruple(family, 2, 0)
    for variant in VARIANTS:
        problem = made.problem(variant)
        decision = made.read(variant, problem.answer)
        assert made.instances[variant].program().judge(decision).is_best()
        assert problem.tags["variant"] == variant and "boxed" in problem.ask
        (example,) = boxes(problem.ask) or [""]
        assert example == "" and problem.question.endswith("?")


@every
def test_the_same_seed_makes_the_same_problem_and_another_one_does_not(family):
    first, again, other = quadruple(family, 3, 1), quadruple(family, 3, 1), quadruple(family, 4, 1)
    assert first.problem("n").id == again.problem("n").id != other.problem("n").id


@every
def test_a_number_in_the_text_for_every_number_in_the_program(family):
    instance = quadruple(family, 5, 0).instances["n"]
    text = instance.text()
    assert all(element.split("-")[0] in text for element in instance.elements)


NAMES = ["A-B", "B-C", "lamp", "G1"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("A-B, B-C", {"A-B": 1, "B-C": 1}),
        ("a-b,b-c; 12 km", {"A-B": 1, "B-C": 1}),
        ("A→B, B–C", {"A-B": 1, "B-C": 1}),
        ("lamp", {"lamp": 1}),
        ("Lamp = 2.50", {"lamp": 2.5}),
        ("lamp=2,5", None),  # 2.5, or two entries? not guessed at
        ("lamp and A-B", {"lamp": 1, "A-B": 1}),
        ("\\text{lamp}", {"lamp": 1}),
        ("G1: 20, lamp=0", {"G1": 20}),
        ("G1=10, G1=5", {"G1": 15}),
        ("none", {}),
        ("", None),
        ("42", None),
        ("take the lamp because it is light", None),
        ("; 12", None),
        ("sword, lamp", {"sword": 1, "lamp": 1}),
        ("$G1=20$, $lamp=5$.", {"G1": 20, "lamp": 5}),
        ("G1\\ =\\ 20,\\ \\text{lamp} = .5", {"G1": 20, "lamp": 0.5}),
        ("G_1=20 MW, lamp=2 pieces", {"G1": 20, "lamp": 2}),
        ("lamp=7/2, G1=\\frac{3}{4}", {"lamp": 3.5, "G1": 0.75}),
        ("lamp=7/0", None),
        ("A-B-C", {"A-B": 1, "B-C": 1}),
        ("A \\to B \\rightarrow C", {"A-B": 1, "B-C": 1}),
        ("A-B, B-D", {"A-B": 1, "B-D": 1}),  # what is not there is kept, and breaks `names`
        ("A-B-D, lamp", {"A-B-D": 1, "lamp": 1}),
        ("A-B-D", None),  # no such road, and nothing else that is known
        ("lamp=1; G1=2", {"lamp": 1, "G1": 2}),  # entries after a semicolon are no total
        ("total=12; lamp", {"lamp": 1}),
        ("lamp=" + "9" * 400, None),
        ("lamp" + " " * 20000 + "x", None),
    ],
)
def test_answers_are_read_as_they_are_written(text, wanted):
    assert parsed(text, NAMES) == wanted


def test_two_decimals_of_the_optimum_are_the_optimum_and_a_worse_vertex_is_not():
    # one unit needs 3 of 7: 7/3 = 2.333..., worth 100 a unit; 2.33 is 0.33 behind, 1.4 permille
    rule = Rule("stock", {"a": 3.0}, high=7)
    program = Program({"a": 100.0}, True, (rule,), {"a": 9}, False)
    assert program.judge({"a": 2.33}).is_best(1e-6)
    assert program.judge({"a": 2.33}).gap == 0.0
    assert not program.judge({"a": 2.3}).is_best()
    assert not program.judge({"a": 2.0}).is_best()  # a whole value is not rounded
    assert not program.judge({"a": 2.36}).is_feasible


def test_an_overfull_pipe_breaks_capacity():
    pipes = Pipes((("S", "A", 3), ("A", "T", 5)), "S", "T")
    kept = pipes.program().judge({"S-A": 4, "A-T": 4}).kept
    assert not kept["capacity"] and kept["balance"]
    assert pipes.program().judge({"S-A": 3, "A-T": 3}).is_best()


CAP = Program(
    {"a": 3, "b": 5, "c": 4},
    True,
    (Rule("capacity", {"a": 2, "b": 3, "c": 2}, high=4),),
    {"a": 1, "b": 1, "c": 1},
    True,
)  # best: a and c, worth 7


@pytest.mark.parametrize(
    ("decision", "broken", "gap"),
    [
        ({"a": 1, "c": 1}, set(), 0.0),
        ({"b": 1}, set(), 2 / 7),
        ({}, set(), 1.0),
        ({"a": 1, "b": 1}, {"capacity"}, None),
        ({"a": 2}, {"bounds"}, None),
        ({"a": -1}, {"bounds"}, None),
        ({"a": 0.5}, {"bounds"}, None),
        ({"sword": 1}, {"names", "bounds"}, None),
    ],
)
def test_a_decision_is_judged_rule_by_rule(decision, broken, gap):
    found = CAP.judge(decision)
    assert {name for name, kept in found.kept.items() if not kept} == broken
    assert found.is_feasible == (not broken)
    assert found.gap == (None if gap is None else pytest.approx(gap))


def test_no_decision_at_all_is_no_optimum():
    rule = Rule("must", {"a": 1.0}, low=2, high=2)
    assert Program({"a": 1.0}, True, (rule,), {"a": 1}, True).best is None


def test_two_equal_lines_share_the_flow_and_a_triangle_splits_it_two_to_one():
    # one megawatt from bus 1 to bus 0, over the direct line and over bus 2: 2/3 and 1/3
    lines = (("L1", 0, 1, 9), ("L2", 1, 2, 9), ("L3", 2, 0, 9))
    grid = Grid((("G1", 1, 9, 1),), {0: 1, 1: 0, 2: 0}, lines)
    np.testing.assert_allclose(grid.shares()[:, 1], [-2 / 3, 1 / 3, 1 / 3])
    twice = Grid((("G1", 1, 9, 1),), {0: 1, 1: 0}, (("L1", 0, 1, 9), ("L2", 0, 1, 9)))
    np.testing.assert_allclose(twice.shares()[:, 1], [-0.5, -0.5])


def test_a_grid_that_falls_apart_has_no_optimum():
    grid = Grid((("G1", 1, 9, 1),), {0: 1, 1: 0, 2: 3}, (("L1", 0, 1, 9),))
    assert grid.program().best is None


def test_stated_decisions_are_short():
    assert stated({"b": 1.0, "a": 2.5, "c": 3.0}) == "a=2.5, b, c=3"
    assert stated({}) == "none"
