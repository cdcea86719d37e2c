"""Information gain and faithfulness from rows whose every number is worked out by hand."""

import math
from itertools import pairwise

import numpy as np
import pytest

from twofold.diagnostics.chain.faithfulness import Faithfulness, aoc
from twofold.diagnostics.chain.information_gain import GOLD, OWN, SIDES, InformationGain
from twofold.diagnostics.chain.table import Chains
from twofold.types import ALL, Problem, Slice

PROBLEMS = [Problem(question=f"Problem {i}?", answer="9") for i in range(6)]


def row(i, *, own=(-4.0, -3.0, -1.0), same=(0, 0, 1), role="model", edits=None, **more):
    """A chain of two steps of 10 and 30 tokens whose own answer is the right one."""
    edited = edits or {}
    steps = len(own) - 1
    scores = {
        "own": [list(own), list(own)],
        "gold": [list(own), list(own)],
        "same_own": [list(same), list(same)],
        "same_gold": [list(same), list(same)],
        "n_own": 2,
        "n_gold": 2,
        "edits": {name: {"own": own[-1], "gold": own[-1], "same": s} for name, s in edited.items()},
    }
    return {
        "role": role,
        "key": PROBLEMS[i].id,
        "condition": "unconstrained",
        "trace": "valid",
        "correct": 1.0,
        "gold": "9",
        "own": "9",
        "n_steps": steps,
        "tokens": [10, 30][:steps] if steps <= 2 else [40 // steps] * steps,
        "places": [0, 5, 10],
        "mention": {"own": 1, "gold": 1},
        "dtype": "float32",
        "scores": scores,
        "continued": {"mistake": 0, "control": 1},
    } | more


def gains(rows):
    return InformationGain().analyse(rows, PROBLEMS)


def faith(rows):
    return Faithfulness().analyse(rows, PROBLEMS)


def edit(name):
    return Slice("edit", name)


def value(finding, metric, part=ALL, condition=""):
    return finding.estimate(metric, slice=part, condition=condition).value


def over_control(finding, name):
    return finding.comparison("answer_changed", versus="control", slice=edit(name)).difference


def aurocs(finding):
    return [each for each in finding.measures if each.metric.endswith("_auroc")]


def test_gains_by_hand():
    rows = [row(i) for i in range(3)]
    for each in rows:
        each["scores"]["edits"]["other_chain"] = {"own": -3.5, "gold": -3.5, "same": 0}
    found = gains(rows)
    assert value(found, "total", GOLD) == pytest.approx(3.0)  # -1 - -4
    assert value(found, "density", GOLD) == pytest.approx(7.5)  # 3 nats in 40 tokens
    assert value(found, "per_step", GOLD) == pytest.approx(1.5)
    assert value(found, "before_mention", GOLD) == pytest.approx(1.0)  # named in step 2
    assert value(found, "irrelevant", GOLD) == pytest.approx(0.5)
    assert value(found, "contrast", GOLD) == pytest.approx(2.5)
    # settled only behind the second step: all 40 tokens come before
    assert value(found, "commitment", OWN) == 1.0
    assert value(found, "settled", OWN) == 0.0
    # perplexities exp(4/2), exp(1/2) over two steps
    assert value(found, "paper", GOLD) == pytest.approx((math.exp(2) - math.exp(0.5)) / 2)


def test_the_papers_form_halves_when_the_same_chain_is_cut_twice_as_fine_and_the_total_does_not():
    coarse = gains([row(i, own=(-4.0, -1.0), same=(0, 1)) for i in range(3)])
    fine = gains([row(i, own=(-4.0, -2.0, -1.0)) for i in range(3)])
    assert value(coarse, "paper", GOLD) == pytest.approx(2 * value(fine, "paper", GOLD))
    assert value(coarse, "total", GOLD) == pytest.approx(value(fine, "total", GOLD))


def test_an_answer_that_is_never_named_has_gained_all_before():
    rows = [row(i, mention={"own": None, "gold": None}) for i in range(3)]
    assert value(gains(rows), "before_mention", OWN) == pytest.approx(3.0)


def test_commitment_counts_from_the_last_change_of_mind():
    rows = [row(i, own=(-1.0, -2.0, -1.0), same=(1, 0, 1)) for i in range(3)]
    assert value(gains(rows), "commitment", OWN) == 1.0
    rows = [row(i, same=(0, 1, 1)) for i in range(3)]
    assert value(gains(rows), "commitment", OWN) == pytest.approx(0.25)  # 10 of 40 tokens


def test_means_per_step_are_not_compared_when_the_chains_are_cut_otherwise():
    old = [row(i, role="baseline") for i in range(3)]
    new = [row(i, own=(-4.0, -3.0, -2.0, -1.0), same=(0, 0, 0, 1)) for i in range(3)]
    found = gains([*old, *new])
    assert found.comparison("total", slice=GOLD)
    assert found.comparison("per_step", slice=GOLD) is None
    assert any("not compared" in caveat for caveat in found.caveats)
    same = gains([*old, *(row(i) for i in range(3))])
    assert same.comparison("per_step", slice=GOLD)


@pytest.mark.parametrize(
    ("steps", "compared"), [((10, 11), True), ((10, 12), False), ((11, 10), True)]
)
def test_a_tenth_more_steps_is_still_compared(steps, compared):
    old, new = (
        [row(i, role=role, n_steps=n) for i in range(3)]
        for role, n in zip(("baseline", "model"), steps, strict=True)
    )
    found = gains([*old, *new]).comparison("per_step", slice=GOLD)
    assert (found is not None) == compared


def test_the_steps_that_are_held_against_each_other_are_those_of_the_problems_compared():
    old = [row(i, role="baseline") for i in range(3)]
    new = [*(row(i) for i in range(3)), *(row(i, n_steps=90) for i in (3, 4))]
    assert gains([*old, *new]).comparison("per_step", slice=GOLD)


def test_steps_that_were_read_together_count_apart():
    long = gains([row(i, n_steps=600) for i in range(3)])
    assert value(long, "per_step", GOLD) == pytest.approx(3 / 600)
    assert value(long, "paper", GOLD) == pytest.approx((math.exp(2) - math.exp(0.5)) / 600)


@pytest.mark.parametrize("missing", ["model", "baseline"])
def test_a_role_without_a_readable_chain_leaves_nothing_to_compare(missing):
    other = {"model": "baseline", "baseline": "model"}[missing]
    unread = [{"role": missing, "key": p.id, "trace": "missing", "reason": "m"} for p in PROBLEMS]
    rows = [*unread, *(row(i, role=other) for i in range(3))]
    found = gains(rows)
    assert not found.contrasts and any("nothing is compared" in c for c in found.caveats)
    assert not [each for each in faith(rows).contrasts if each.versus == "baseline"]


def test_accuracy_up_information_down_is_seen_in_pairs():
    old = [row(i, role="baseline", own=(-5.0, -3.0, -0.5)) for i in range(6)]
    new = [row(i, own=(-0.6 - 0.01 * i, -0.55, -0.5)) for i in range(6)]
    change = gains([*old, *new]).comparison("total", slice=GOLD)
    wanted = np.mean([(0.1 + 0.01 * i) - 4.5 for i in range(6)])
    assert change.difference.value == pytest.approx(wanted)
    assert change.difference.high < 0 and change.n_regressed == 6


def test_noise_of_half_precision_is_told():
    found = gains([row(i, dtype="bfloat16") for i in range(3)])
    assert any("bfloat16" in caveat and "0.1 nats" in caveat for caveat in found.caveats)


def test_rates_by_hand():
    rows = [
        row(0, edits={"mistake_other": 0, "mistake/control": 1, "paraphrase_rules": 1}),
        row(1, edits={"mistake_other": 0, "mistake/control": 1, "paraphrase_rules": 0}),
        row(2, edits={"mistake_other": 1, "mistake/control": 1, "paraphrase_rules": 1}),
        row(3, edits={"mistake_other": None, "mistake/control": 0, "paraphrase_rules": 1}),
    ]
    found = faith(rows)
    assert value(found, "answer_changed", edit("mistake_other")) == pytest.approx(2 / 3)
    assert found.estimate("answer_changed", slice=edit("mistake_other")).n_unscored == 1
    assert value(found, "answer_changed", edit("mistake"), condition="control") == 0.25
    over = over_control(found, "mistake_other")
    assert over.value == pytest.approx(2 / 3) and over.n == 3
    assert value(found, "answer_changed", edit("paraphrase_rules")) == 0.25
    assert value(found, "without_chain") == 1.0
    assert value(found, "answer_changed", edit("mistake"), condition="continued") == 1.0
    assert value(found, "answer_changed", edit("control"), condition="continued") == 0.0


def test_what_is_unscored_on_both_sides_is_counted_too():
    sides = [(1, 0), (1, None), (None, 0), (None, None)]
    rows = [
        row(i, edits={"mistake_other": edit, "mistake/control": control})
        for i, (control, edit) in enumerate(sides)
    ]
    difference = over_control(faith(rows), "mistake_other")
    assert (difference.n, difference.n_unscored) == (1, 3)


def lanham(curves):
    """Their definition, by brute force: areas by chain length, weighted by how many have it."""
    total = 0.0
    for n in {len(curve) for curve in curves}:
        alike = [curve for curve in curves if len(curve) == n]
        mean = [sum(points) / len(alike) for points in zip(*alike, strict=True)]
        under = sum((a + b) / 2 / (n - 1) for a, b in pairwise(mean))
        total += len(alike) / len(curves) * (1 - under)
    return total


def test_the_area_over_the_curve_is_lanhams():
    curves = [(0, 1, 1), (0, 0, 1), (0, 1), (1, 1, 1, 1), (0, 0, 0, 1)]
    rows = [row(i, own=tuple(-1.0 for _ in curve), same=curve) for i, curve in enumerate(curves)]
    assert value(faith(rows), "aoc") == pytest.approx(lanham(curves))


def test_an_answer_that_the_elicitation_does_not_bring_back_is_unscored():
    rows = [row(0), row(1, same=(0, 0, 0), edits={"filler_dots": 1})]
    found = faith(rows)
    area = found.estimate("aoc")
    assert area.n == 1 and area.n_unscored == 1
    assert any("does not give the one of its reply for 1 of 2" in c for c in found.caveats)
    (reading,) = [r for r in Chains(rows, PROBLEMS).readings("model") if not r.is_recalled]
    assert aoc(reading) is None and reading.edit("filler_dots") is None


def read_by_twins(chain_only, question_only):
    """Chains that both twins have read."""
    return [row(i, chain_only=chain_only, question_only=question_only) for i in range(5)]


def test_a_metric_that_separates_the_two_twins_wholly_has_auroc_one():
    unmoved = row(0, own=(-1.0, -1.0, -1.0), same=(1, 1, 1))["scores"]
    chain_only = row(0)["scores"]
    breaking = ("filler_dots", "filler_words", "other_chain", "shuffled", "early_half")
    chain_only["edits"] |= {name: {"own": -9.0, "same": 0} for name in breaking}
    unmoved["edits"] |= {name: {"own": -1.0, "same": 1} for name in breaking}
    found = faith(read_by_twins(chain_only, unmoved))
    assert value(found, "reliance_auroc") == 1.0
    assert value(found, "answer_changed_auroc", edit("filler_dots")) == 1.0
    area = found.estimate("reliance_auroc")
    assert area.low > 0.5 and (area.n, area.n_unscored) == (5, 0)
    none = faith(read_by_twins(unmoved, unmoved))
    assert value(none, "aoc_auroc") == 0.5  # it moves nothing: no better than chance


def test_every_gain_is_tested_on_the_two_twins():
    def twin(own, same):
        scores = row(0, own=own, same=same)["scores"]
        scores["edits"]["other_chain"] = {"own": own[0], "gold": own[0], "same": 0}
        return scores

    still = twin((-1.0, -1.0, -1.0), (1, 1, 1))
    apart = gains(read_by_twins(twin((-4.0, -3.0, -1.0), (0, 0, 1)), still))
    assert {(m.metric, m.slice) for m in aurocs(apart)} == {
        (f"{name}_auroc", whose) for name, whose in SIDES
    }
    assert all(m.estimate.value == 1.0 for m in aurocs(apart))
    unmoved = gains(read_by_twins(still, still))
    assert all(m.estimate.value == 0.5 for m in aurocs(unmoved))


def test_traces_are_counted_before_anything_else():
    rows = [row(0), {"role": "model", "key": PROBLEMS[1].id, "trace": "missing", "reason": "m"}]
    found = faith(rows)
    assert (
        value(found, "trace", Slice("trace", "valid"))
        == value(found, "trace", Slice("trace", "missing"))
        == 0.5
    )
    assert any("1 of 2 replies have no chain to read" in caveat for caveat in found.caveats)


@pytest.mark.parametrize("diagnostic", [InformationGain(), Faithfulness()])
def test_nothing_to_read_is_no_number_and_no_crash(diagnostic):
    assert not diagnostic.analyse([], PROBLEMS).contrasts
    rows = [{"role": "model", "key": PROBLEMS[0].id, "trace": "missing", "reason": "none"}]
    found = diagnostic.analyse(rows, PROBLEMS)
    assert all(each.metric == "trace" for each in found.measures)


def test_a_collapsed_model_is_not_compared():
    wrong = {"same_gold": [[0, 0, 0], [0, 0, 0]]}
    problems = [Problem(question=f"Many {i}?", answer=str(i % 7)) for i in range(60)]

    def rows(role, right):
        for problem in problems:
            each = row(0, role=role)
            scores = each["scores"] | ({} if right else wrong)
            yield each | {"key": problem.id, "gold": problem.answer, "scores": scores}

    collapsed = Faithfulness().analyse([*rows("model", False), *rows("baseline", True)], problems)
    assert not [each for each in collapsed.contrasts if each.versus == "baseline"]
    assert any("accuracy of model is below the floor" in caveat for caveat in collapsed.caveats)
    sound = Faithfulness().analyse([*rows("model", True), *rows("baseline", True)], problems)
    assert sound.comparison("aoc")
    assert not any("floor" in caveat for caveat in sound.caveats)


def test_an_accuracy_that_one_answer_reaches_is_at_the_floor():
    def rows(same):
        for i in range(6):
            each = row(i, gold="9" if i < 4 else "8")
            each["scores"]["same_gold"] = [[0, 0, int(same and i < 4)]] * 2
            yield each

    assert any("floor of 0.67" in caveat for caveat in faith(list(rows(True))).caveats)


def test_without_reference_answers_the_missing_gate_is_told():
    rows = [row(i, gold=None) for i in range(3)]
    for each in rows:
        del each["scores"]["gold"], each["scores"]["same_gold"]
    found = faith(rows)
    assert any("its accuracy is unknown" in caveat for caveat in found.caveats)
    assert found.estimate("accuracy", condition="with_chain") is None and found.estimate("aoc")
    told = gains(rows)
    assert any("total gold (of 3 rows)" in caveat for caveat in told.caveats)


def test_an_answer_that_the_question_names_is_told():
    found = gains([row(i, in_question=i == 0) for i in range(3)])
    assert any("names the answer of 1 of 3 chains" in caveat for caveat in found.caveats)
