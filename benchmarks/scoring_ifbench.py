"""How long does scoring by IFBench's types take, compared with IFEval's?

10,000 replies with three constraints each: all 87 types of IFBench in turn, and all 25 of IFEval, with
drawn arguments. Both sides share what they can (sentences, tokens, words) within a reply.
"""

from functools import partial
from itertools import chain, islice, repeat

import numpy as np

from benchmarks.ratio import Ratio, in_turn
from benchmarks.scoring import N_REPLIES, N_ROUNDS, ours, replies
from twofold.constraints import CONSTRAINTS, from_spec
from twofold.types import Problem, Profile, Response

QUESTION = (
    "A baker sells 12 loaves in the morning and 7 in the afternoon. How many does he sell in all?"
)
OF_IFBENCH = [name for name, cls in CONSTRAINTS.items() if ".ifbench." in cls.__module__]
OF_IFEVAL = [name for name in CONSTRAINTS if name not in OF_IFBENCH]


def problems_of(names: list[str], n: int, profile: Profile) -> list[Problem]:
    """Problems with three constraints each; every type comes once before one comes again."""
    rng = np.random.default_rng(0)
    turns = chain.from_iterable(rng.permutation(each) for each in repeat(names))
    rules = (
        from_spec(name, CONSTRAINTS[name].draw(rng, QUESTION), profile=profile) for name in turns
    )
    return [Problem(question=QUESTION, constraints=tuple(islice(rules, 3))) for _ in range(n)]


def compare(texts: list[str], profile: Profile) -> Ratio:
    responses = [Response(raw=text, reply=text) for text in texts]
    sides = [problems_of(names, len(texts), profile) for names in (OF_IFBENCH, OF_IFEVAL)]
    for problems in sides:
        ours(problems[: len(OF_IFBENCH)], responses[: len(OF_IFBENCH)])  # loads models and lists
    step = len(texts) // N_ROUNDS
    a, b = [], []
    for part in (slice(i, i + step) for i in range(0, len(texts), step)):
        new, old = (partial(ours, problems[part], responses[part]) for problems in sides)
        mine, theirs = in_turn(new, old, rounds=1)
        a, b = a + mine, b + theirs
    return Ratio(
        name=f"{len(texts)} replies with three of IFBench's types each, {profile}",
        rounds=[x / y for x, y in zip(a, b, strict=True)],
        limit=1.0,
        ours=f"{sum(a):.1f} s",
        theirs=f"{sum(b):.1f} s, IFEval's types",
    )


def measure() -> list[Ratio]:
    texts = replies(N_REPLIES)
    return [compare(texts, "official"), compare(texts, "fixed")]
