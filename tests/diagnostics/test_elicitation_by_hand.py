"""Tables of a few problems with unscored tries, counted out again by brute force over all sets of tries."""

from itertools import combinations

import pytest

from twofold.diagnostics.elicitation.analysis import Elicitation
from twofold.problems import pocket
from twofold.randomness import rng_for
from twofold.types import Slice

N = 5  # tries
PROBLEMS = pocket.suite(9)
IDS = [problem.id for problem in PROBLEMS]


def reply(rng, *, unscored):
    """A reply with one to three of its three judgements missing, or none."""
    lost = rng.random(3) < unscored
    drawn = [None if gone else float(rng.integers(2)) for gone in lost]
    said = {"correct": drawn[0], "met": drawn[1:], "answer": str(rng.integers(3))}
    return said | {"stated": 1, "n_tokens": int(rng.integers(1, 9)), "ended": "answered"}


def table(seed, *, unscored=0.2, arms=(("as_asked", 1), ("steps", 1), ("sampled", N))):
    """Rows of both models, told and untold; what no sample solves was sampled again."""
    rows = []
    for role in ("model", "baseline"):
        for arm, n in arms if role == "baseline" else arms[::2]:
            for condition in ("constrained", "unconstrained"):
                for problem in IDS:
                    rng = rng_for(seed, role, arm, condition, problem)
                    tries = [reply(rng, unscored=unscored) for _ in range(n)]
                    row = {"role": role, "arm": arm, "condition": condition, "problem": problem}
                    row |= {"temperature": 1.0, "replies": tries}
                    right = [each["correct"] for each in tries if each["correct"] is not None]
                    if (
                        arm == "sampled"
                        and condition == "unconstrained"
                        and right
                        and not max(right)
                    ):
                        row["more"] = [reply(rng, unscored=unscored) for _ in range(2)]
                    rows.append(row)
    return rows


def both(each):
    judged = [each["correct"], *each["met"]]
    return None if None in judged else float(min(judged))


def met(each):
    return None if None in each["met"] else sum(each["met"]) / len(each["met"])


SCORES = {
    "pass_at_k": ("unconstrained", lambda each: each["correct"]),
    "both_at_k": ("constrained", both),
    "compliance_at_k": ("constrained", met),
}


def tries(rows, role, condition, score):
    """The scored samples of each problem."""
    return {
        row["problem"]: [s for each in row["replies"] if (s := score(each)) is not None]
        for row in rows
        if (row["role"], row["arm"], row["condition"]) == (role, "sampled", condition)
    }


def best(scored, k):
    """The mean over problems of the best of every set of k tries; None where no problem has so many."""
    found = [
        sum(max(each) for each in sets) / len(sets)
        for of in scored.values()
        if (sets := list(combinations(of, k)))
    ]
    return (sum(found) / len(found), len(found)) if found else None


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("metric", SCORES)
def test_the_best_of_k_is_that_of_all_sets_of_k_scored_tries(metric, seed):
    rows = table(seed)
    found = Elicitation().analyse(rows, PROBLEMS)
    for role in ("model", "baseline"):
        scored = tries(rows, role, *SCORES[metric])
        for k in (1, 2, 4, 5):
            here = found.estimate(metric, role=role, condition="sampled", slice=Slice("k", str(k)))
            value, n = best(scored, k) or (None, 0)
            assert (here and here.value) == pytest.approx(value)
            assert here is None or (here.n, here.n_unscored) == (n, len(IDS) - n)


@pytest.mark.parametrize("seed", range(4))
def test_obedience_at_k_cover_and_support(seed):
    rows = table(seed)
    found = Elicitation().analyse(rows, PROBLEMS)
    for role in ("model", "baseline"):
        told, untold = (tries(rows, role, c, met) for c in ("constrained", "unconstrained"))
        for k in (1, 2, 4):
            sets = {p: [list(combinations(of[p], k)) for of in (told, untold)] for p in IDS}
            gains = [
                sum(map(max, a)) / len(a) - sum(map(max, b)) / len(b)
                for a, b in sets.values()
                if a and b
            ]
            here = found.estimate(
                "obedience_at_k", role=role, condition="sampled", slice=Slice("k", str(k))
            )
            assert (here and here.value) == pytest.approx(
                sum(gains) / len(gains) if gains else None
            )
        right = {p: of for p, of in tries(rows, role, *SCORES["pass_at_k"]).items() if of}
        for share in (1 / 16, 0.5, 0.9):
            here = found.estimate(
                "cover", role=role, condition="sampled", slice=Slice("share", f"{share:g}")
            )
            covered = [
                16 * 5 * 9 * sum(of) >= 16 * 5 * 9 * share * len(of) for of in right.values()
            ]
            assert here.value == pytest.approx(sum(covered) / len(covered))
    ever = {role: {p: solved(rows, role, p) for p in IDS} for role in ("model", "baseline")}
    cells = [(ever["baseline"][p], ever["model"][p]) for p in IDS]
    known = [each for each in cells if None not in each]
    for name, cell in {
        "kept": (True, True),
        "lost": (True, False),
        "found": (False, True),
        "neither": (False, False),
    }.items():
        here = found.estimate(name, condition="sampled")
        assert here.value == pytest.approx(known.count(cell) / len(known))
        assert here.n_unscored == len(cells) - len(known)


def solved(rows, role, problem):
    """Whether a side ever solves a problem; None where no further try decides."""
    (row,) = (
        row
        for row in rows
        if (row["role"], row["arm"], row["condition"], row["problem"])
        == (role, "sampled", "unconstrained", problem)
    )
    first, more = (
        [each["correct"] for each in row.get(name, ()) if each["correct"] is not None]
        for name in ("replies", "more")
    )
    if 1.0 in (*first, *more):
        return True
    return False if more else None


def test_where_the_curves_cross():
    """One try of five is right at every problem for the base; two problems of nine always for the other."""
    rows = table(0, unscored=0)
    for row in rows:
        if row["arm"] == "sampled" and row["condition"] == "unconstrained":
            for g, each in enumerate(row["replies"]):
                is_base = row["role"] == "baseline"
                each["correct"] = float(g == 0 if is_base else row["problem"] in IDS[:4])
    # k / 5 against 4 / 9, so ahead at k = 1 and 2
    found = Elicitation().analyse(rows, PROBLEMS)
    assert found.estimate("crossover", condition="sampled").value == 3
    few = {problem.id for problem in PROBLEMS[:4]}
    found = Elicitation().analyse([row for row in rows if row["problem"] in few], PROBLEMS[:4])
    assert found.estimate("crossover", condition="sampled") is None
    assert not [count for count in found.counts if count.metric.startswith("crossed_of")]
    assert any(
        "curves cross is left out: an interval needs 5 problems, and 4" in c for c in found.caveats
    )


def test_a_problem_that_any_arm_of_the_base_solves_is_no_discovery():
    """Controls of the elicitors too, whose rows are of the base."""
    rows = table(0, unscored=0)
    for row in rows:
        right = row["role"] == "model" and row["arm"] == "sampled"
        for each in (*row["replies"], *row.get("more", ())):
            each["correct"] = float(right)
        row.pop("more", None)
        if row["arm"] == "sampled" and not right:
            row["more"] = row["replies"][:2]
    for i, arm in enumerate(("cooled", "forced_other_tokens", "power_sampling", "forced_tokens")):
        role = "model" if arm.startswith("forced") else "baseline"
        at = {"role": role, "arm": arm, "condition": "unconstrained", "problem": IDS[i]}
        said = reply(rng_for(i), unscored=0) | {"correct": 1.0}
        rows.append(at | {"temperature": 1.0, "replies": [said]})
    found = Elicitation().analyse(rows, PROBLEMS)
    assert found.estimate("found", condition="sampled").value == 1.0
    assert found.estimate("found_beyond_elicitors", condition="sampled").value == pytest.approx(
        5 / 9
    )
