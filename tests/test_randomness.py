"""Are all random numbers those of the recorded hashes?"""

import json
from hashlib import sha256

import pytest

from twofold.diagnostics.generalisation import ood
from twofold.judges import ExactJudge, MeetsChecklist
from twofold.problems import optimisation, pocket, synthetic
from twofold.problems.instruction_controls import prompt
from twofold.problems.variants import variants
from twofold.randomness import rng_for
from twofold.types import Problem, Response
from twofold.types.checklist import Checklist, Criterion

SUITE = [*synthetic.suite(5, seed=1), *pocket.suite(5, seed=1)]


def stated(problems):
    return [
        [p.id, p.question, p.answer, [c.instruction() for c in p.constraints]] for p in problems
    ]


def synthetic_suite():
    return [stated(synthetic.suite(20, seed=3, split=split)) for split in ("train", "test")]


def pocket_suite():
    return [stated(pocket.suite(20, seed=3, split=split)) for split in ("train", "test", "ood")]


def changed_problems():
    return [[kind, made.question, made.answer] for p in SUITE for kind, made in variants(p, seed=2)]


def quadruples():
    found = [optimisation.quadruple(family, 2, 1) for family in optimisation.FAMILIES]
    return [[made.removed, stated([made.problem("n")])] for made in found]


def floors():
    made = optimisation.quadruple(optimisation.FAMILIES[1], 2, 1)
    return [ood._floors(made, variant) for variant in optimisation.VARIANTS]


def chain_edits():
    return rng_for(3, "edits", "ab12").integers(2**62, size=3).tolist()


def dropped_criteria():
    criteria = tuple(Criterion(text=f"Is it {i}?") for i in range(12))
    problem = Problem(question="Q", checklist=Checklist(criteria=criteria))
    scorer = MeetsChecklist(ExactJudge(), dropout=0.5)
    reply = Response(raw="a", reply="a")
    return [scorer.at(step)._places(problem, reply) for step in (0, 1, 2)]


def instructions():
    bound = [p for p in SUITE if p.constraints]
    kinds = ("shuffled", "delusive")
    return [prompt(p, kind, SUITE, 5)[0]["content"] for p in bound for kind in kinds]


RECORDED = {
    synthetic_suite: "fa74cd1f1f3cb143",
    pocket_suite: "31d4acd02a030957",
    changed_problems: "3425ad77618b0a08",
    quadruples: "9a2048ba8ed3e114",
    floors: "82eaa1071fd844bc",
    chain_edits: "f5873357df01b970",
    dropped_criteria: "a7c023e9b423201a",
    instructions: "d109563ccc206b6f",
}


@pytest.mark.parametrize("place", RECORDED, ids=lambda place: place.__name__)
def test_random_numbers_are_those_recorded(place):
    text = json.dumps(place())
    assert sha256(text.encode()).hexdigest()[:16] == RECORDED[place]
