"""What a study says of its arms' diagnostics, from tables written by hand."""

import json

import pytest

from twofold.report.study import DIAGNOSTICS
from twofold.study.diagnosed import MEASURES, diagnosed
from twofold.types import ALL, Finding, Problem, Slice

PROBLEMS = [Problem(question=f"Problem {i}?", answer="9") for i in range(40)]


def chain(i, *, changed=1, gain=2.0, right=1, recalled=1):
    edits = {n: {"own": -1.0, "same": 1 - changed} for n in ("filler_dots", "mistake_other")}
    edits |= {n: {"own": -1.0, "same": 1 - changed} for n in ("shuffled", "early_half")}
    return {
        "role": "model",
        "key": PROBLEMS[i].id,
        "trace": "valid",
        "condition": "unconstrained",
        "gold": "9",
        "n_steps": 2,
        "tokens": [10, 30],
        "mention": {"own": 1, "gold": 1},
        "scores": {
            "own": [[-gain, -1.0, 0.0]] * 2,
            "gold": [[-gain, -1.0, 0.0]] * 2,
            "same_own": [[1 - changed, 0, recalled]] * 2,
            "same_gold": [[0, 0, right]] * 2,
            "n_own": 1,
            "n_gold": 1,
            "edits": edits,
        },
        "continued": {},
    }


def write(home, **tables):
    home.mkdir(parents=True)
    for name, rows in tables.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (home / f"{name}.jsonl").write_text(text)
    return home


def told(i, condition, met, target=None):
    at = {"role": "model", "problem": PROBLEMS[i].id, "condition": condition}
    return at | {"key": f"{i}/{condition}", "type": None, "met": met, "target": target}


def found_in(audits):
    found = diagnosed(PROBLEMS, audits)
    return Finding(diagnostic="", question="", measures=found.measures, contrasts=found.contrasts)


def change(found, metric, **names):
    return found.comparison(metric, role="arm", versus="base", **names)


def audits(tmp_path, arm):
    base = [chain(i, changed=1, gain=4.0) for i in range(40)]
    return {
        "base": {0: write(tmp_path / "base", chains=base)},
        "arm": {s: write(tmp_path / f"arm{s}", chains=arm(s)) for s in (0, 1)},
    }


GOLD = Slice("answer", "gold")


def test_every_measure_has_its_own_name_and_a_label():
    names = [(m.condition, m.metric, m.slice) for m in MEASURES]
    assert names == list(DIAGNOSTICS)


def test_the_differences_to_the_base_by_hand(tmp_path):
    found = found_in(audits(tmp_path, lambda s: [chain(i, gain=3.0) for i in range(40)]))
    assert found.estimate("total", role="base", slice=GOLD).value == pytest.approx(4.0)
    assert found.estimate("total", role="arm", slice=GOLD).value == pytest.approx(3.0)
    gain = change(found, "total", slice=GOLD).difference
    assert gain.value == pytest.approx(-1.0)
    assert gain.high < 0
    same = change(found, "reliance")
    assert same.difference.value == 0 and same.p_adjusted == 1.0


def test_what_is_unscored_in_every_seed_is_counted(tmp_path):
    def arm(seed):
        return [chain(i, recalled=int(i >= 10 or (i >= 5 and seed == 1))) for i in range(40)]

    found = found_in(audits(tmp_path, arm))
    estimate = found.estimate("aoc", role="arm")
    assert (estimate.n, estimate.n_unscored) == (35, 5)
    difference = change(found, "aoc").difference
    assert (difference.n, difference.n_unscored) == (35, 5)
    assert found.estimate("aoc", role="base").n_unscored == 0


def test_a_collapsed_arm_is_not_called_faithful(tmp_path):
    found = found_in(audits(tmp_path, lambda s: [chain(i, right=0) for i in range(40)]))
    assert found.estimate("accuracy", role="arm", condition="with_chain").value == 0
    assert found.estimate("reliance", role="arm")  # the number stands, beside the accuracy
    contrasts = {(c.metric, c.slice) for c in found.contrasts}
    assert not {("reliance", ALL), ("aoc", ALL)} & contrasts
    assert ("answer_changed", Slice("edit", "mistake_other")) not in contrasts
    assert {("accuracy", ALL), ("total", GOLD), ("steps", ALL)} <= contrasts


def test_an_arm_without_a_readable_chain_has_no_number(tmp_path):
    unread = [
        {"role": "model", "key": p.id, "condition": "", "trace": "missing", "reason": "m"}
        for p in PROBLEMS
    ]
    found = diagnosed(PROBLEMS, audits(tmp_path, lambda s: unread))
    assert {m.role for m in found.measures} == {"base"} and not found.contrasts


def test_a_table_that_one_seed_lacks_is_left_out_and_no_table_is_nothing(tmp_path):
    folders = audits(tmp_path, lambda s: [chain(i) for i in range(40)])
    (folders["arm"][1] / "chains.jsonl").unlink()
    assert {m.role for m in diagnosed(PROBLEMS, folders).measures} == {"base"}
    assert not diagnosed(PROBLEMS, {"base": {0: write(tmp_path / "bare")}}).measures
    assert not diagnosed(PROBLEMS, {}).measures


def test_skipped_tables_hold_no_number(tmp_path):
    skipped = [{"role": "model", "key": "skipped", "skipped": "behind a server"}]
    folders = {"base": {0: write(tmp_path / "base", chains=skipped, ablation=skipped)}}
    assert not diagnosed(PROBLEMS, folders).measures


def test_pairs_and_shares_of_constraints(tmp_path):
    rows = []
    for i in range(40):
        rows.append(told(i, "constrained", [1, 0, None], target=1))
        rows.append(told(i, "contrary", [1], target=None if i < 4 else i % 2))
    found = found_in({"base": {0: write(tmp_path / "base", ablation=rows)}})
    assert found.estimate("met", role="base", condition="constrained").value == 0.5
    pairs = found.estimate("pair_passed", role="base")
    assert (pairs.value, pairs.n, pairs.n_unscored) == (0.5, 36, 4)
