"""The optimum of each story, worked out from its data by another way than the program's."""

from itertools import combinations, permutations, product

import numpy as np
import pytest
from scipy.optimize import linprog

from twofold.problems.optimisation import FAMILIES, VARIANTS, quadruple
from twofold.problems.optimisation.choice import Choice


def subsets(items):
    return (chosen for r in range(len(items) + 1) for chosen in combinations(items, r))


def knapsack(sack):
    loads = (load for load in subsets(sack.things) if sum(w for _, w, _ in load) <= sack.capacity)
    return max(sum(value for *_, value in load) for load in loads)


def scheduling(plan):
    """Every order of every set of jobs, one after the other."""

    def pay(order):
        ends = np.cumsum([hours for _, hours, _, _ in order])
        late = any(end > due for end, (_, _, due, _) in zip(ends, order, strict=True))
        return -1 if late else sum(job[3] for job in order)

    orders = (o for r in range(len(plan.jobs) + 1) for o in permutations(plan.jobs, r))
    return max(map(pay, orders))


def assignment(roster):
    minutes = {(person, task): m for person, task, m in roster.times}
    teams = permutations(roster.elements, len(roster.tasks))
    return min(
        sum(minutes[pair] for pair in zip(team, roster.tasks, strict=True)) for team in teams
    )


def shortest_path(roads):
    def left(node):
        if node == roads.sink:
            return 0
        return min((n + left(b) for a, b, n in roads.edges if a == node), default=np.inf)

    return left(roads.source)


def max_flow(pipes):
    """The smallest cut."""
    cuts = []
    for sides in product((False, True), repeat=len(pipes.inner)):
        near = {pipes.source} | {n for n, side in zip(pipes.inner, sides, strict=True) if side}
        cuts.append(sum(cap for a, b, cap in pipes.edges if a in near and b not in near))
    return min(cuts)


def linear(bakery):
    """The best corner."""
    goods = bakery.goods
    unit = np.eye(len(goods))
    sides = np.array([[g[1] for g in goods], [g[2] for g in goods], *unit, *-unit], float)
    bounds = np.array(
        [bakery.flour, bakery.hours, *(g[4] for g in goods), *(0 for _ in goods)], float
    )
    best = -1.0
    for rows in map(list, combinations(range(len(sides)), len(goods))):
        if abs(np.linalg.det(sides[rows])) > 1e-9:
            corner = np.linalg.solve(sides[rows], bounds[rows])
            if (sides @ corner <= bounds + 1e-7).all():
                best = max(best, float(corner @ [g[3] for g in goods]))
    return best


def power_flow(grid):
    """With the angle of each bus as an unknown, instead of distribution factors."""
    n_made, n_buses = len(grid.generators), len(grid.loads)
    balance = np.zeros((n_buses, n_made + n_buses))
    for column, (_, bus, _, _) in enumerate(grid.generators):
        balance[bus, column] = 1
    flows, limits = [], []
    for _, a, b, limit in grid.lines:
        flow = np.zeros(n_made + n_buses)
        flow[n_made + a], flow[n_made + b] = 1, -1
        balance[a] -= flow
        balance[b] += flow
        flows += [flow, -flow]
        limits += [limit, limit]
    angles = [(0, 0), *[(None, None)] * (n_buses - 1)]
    found = linprog(
        [*(g[3] for g in grid.generators), *[0] * n_buses],
        A_ub=flows,
        b_ub=limits,
        A_eq=balance,
        b_eq=[grid.loads[bus] for bus in range(n_buses)],
        bounds=[*((0, g[2]) for g in grid.generators), *angles],
    )
    return found.fun


def choice(offers):
    return min(cost for _, cost, size in offers.offers if size <= offers.cap)


OTHER_WAY = {
    f.__name__: f
    for f in (knapsack, scheduling, assignment, shortest_path, max_flow, linear, power_flow, choice)
}
EVERY = (*FAMILIES, Choice())


@pytest.mark.parametrize("family", EVERY, ids=lambda f: f.name)
def test_another_way_finds_the_same_optimum(family):
    for index in range(10):
        made = quadruple(family, 11, index)
        for variant in VARIANTS:
            wanted = OTHER_WAY[family.name](made.instances[variant])
            assert made.programs[variant].best.worth == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize("family", EVERY, ids=lambda f: f.name)
def test_golds_pass_and_no_optimum_is_one_with_and_without_the_binding_element(family):
    for index in range(40):
        made = quadruple(family, 11, index)
        for variant in VARIANTS:
            decision = made.read(variant, made.problem(variant).answer)
            assert made.programs[variant].judge(decision).is_best(), (index, variant)
        old, new = (made.programs[v].best.decision for v in ("n", "n1_binding"))
        assert not made.programs["n1_binding"].judge(old).is_best()
        assert not made.copies(new)
