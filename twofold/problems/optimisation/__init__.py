"""Which problems have an exact optimum, also after one element is removed?"""

from twofold.problems.optimisation.family import VARIANTS, Family, Quadruple, Variant, quadruple
from twofold.problems.optimisation.mixing import Assignment, Blend
from twofold.problems.optimisation.networks import MaxFlow, PowerFlow, ShortestPath
from twofold.problems.optimisation.packing import Knapsack, Scheduling
from twofold.problems.optimisation.program import Judgement

FAMILIES: tuple[Family, ...] = (
    *(Blend(), Knapsack(), ShortestPath(), MaxFlow(), Assignment(), Scheduling(), PowerFlow()),
)
