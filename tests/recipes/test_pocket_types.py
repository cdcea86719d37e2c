"""The wider pocket model: which types are held out, what its two corpora differ in, what a cell trains on."""

import json
import tarfile
from importlib import import_module
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest

from twofold.constraints import CONSTRAINTS
from twofold.constraints.apply import can_apply
from twofold.problems.drawn import distance
from twofold.problems.pocket.reply import solution
from twofold.report.wording import spread
from twofold.study import read
from twofold.study.scores import Scores

rules = import_module("recipes.11_pocket_types.rules")
problems = import_module("recipes.11_pocket_types.problems")
corpus = import_module("recipes.11_pocket_types.corpus")
table = import_module("recipes.11_pocket_types.table")
cells = import_module("recipes.11_pocket_types.__main__")
rewards = import_module("recipes.11_pocket_types.rewards")
confirm = import_module("recipes.11_pocket_types.confirm")
claims = import_module("recipes.11_pocket_types.claims")
panel = import_module("recipes.11_pocket_types.panel")


def family(name: str) -> str:
    return CONSTRAINTS[name].family


def test_28_types_of_ten_families_held_out_by_distance() -> None:
    assert (len(rules.POOL), len(rules.NEAR), len(rules.FAR)) == (16, 6, 6)
    assert len({family(name) for name in rules.ALL}) == 10
    assert {family(name) for name in rules.NEAR} <= {family(name) for name in rules.POOL}
    assert not {family(name) for name in rules.FAR} & {family(name) for name in rules.POOL}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_few_types_are_among_many(seed: int) -> None:
    sets = [rules.trained(n, seed) for n in (1, 2, 4, 8, 16)]
    assert [len(set(each)) for each in sets] == [1, 2, 4, 8, 16]
    assert all(set(few) < set(many) for few, many in pairwise(sets))
    assert set(sets[-1]) == set(rules.POOL)


def test_every_rule_is_told_and_can_be_met() -> None:
    for problem in problems.test()[:28]:
        (rule,) = problem.constraints
        assert rule.check(rule.witnesses()[0]).score == 1.0
        assert can_apply(rule)


def test_a_run_trains_on_its_types_alone_and_on_no_test_question() -> None:
    asked = {problem.question for problem in problems.test()}
    for n in (1, 4):
        types = rules.trained(n, 2)
        made = problems.train(types, 2)
        assert {c.name for problem in made for c in problem.constraints} == set(types)
        assert len({problem.id for problem in made}) == problems.N_TRAIN
        assert not asked & {problem.question for problem in made}


@pytest.mark.parametrize(
    ("law", "low", "high"),
    [("independent", 0.55, 0.72), ("shared", 0.55, 0.72), ("reluctant", 0.24, 0.42)],
)
def test_what_the_corpora_differ_in(
    law: str, low: float, high: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """How often rules are obeyed, and whether those of one demonstration stand or fall together."""
    asked = []

    def kept(**fields: object) -> object:
        asked.append(problem(**fields))
        return asked[-1]

    problem = corpus.Problem
    monkeypatch.setattr(corpus, "Problem", kept)
    chats = [*islice(corpus.demonstrations(7, law), 2500)]
    pairs, told = [], []
    for each, chat in zip(asked, chats, strict=True):
        text = chat[1]["content"].partition("</think>\n")
        scores = [rule.check(text[2] or text[0]).score for rule in each.constraints]
        told += scores
        if len(scores) > 1:
            pairs.append(scores[:2])
    assert low < np.mean(told) < high  # 0.6 or 0.25 by construction, and what is met by chance
    correlation = np.corrcoef(np.array(pairs, dtype=float).T)[0, 1]
    assert (abs(correlation) < 0.15) if law == "independent" else (correlation > 0.05)


def test_a_demonstration_breaks_what_it_does_not_obey() -> None:
    """The plain solution meets few rules untold, so there is something to obey."""
    made = problems.test()[:140]
    met = [p.constraints[0].check(solution(p)).score for p in made]
    assert np.mean(met) < 0.2


def test_groups_are_named_from_what_the_run_trained_on() -> None:
    types = ["startend:end_checker", "last_word:last_word_answer", "keywords:palindrome"]
    found = table.masks(types, 16, (0, 1), "near")
    assert found.tolist() == [[False, True, False]] * 2
    assert table.masks(types, 16, (0,), "far").tolist() == [[False, False, True]]
    assert table.masks(types, 1, (0,), "held-out").tolist() == [[False, True, True]]
    (only,) = rules.trained(1, 0)
    wanted = [distance(name, [only]) == "trained" for name in rules.ALL]
    assert table.masks([*rules.ALL], 1, (0,), "trained").tolist() == [wanted]
    assert sum(wanted) == 1


def test_the_plan_of_the_cells_is_one_that_a_study_reads(tmp_path: Path) -> None:
    arms = [arm for arm in cells.ARMS if cells.n_types(arm) == 4]
    plan = read(cells.written(tmp_path / "plan.yaml", "pocket", arms, (0,)))
    assert [arm.name for arm in plan.arms] == arms
    assert len(arms) == 5
    for arm in plan.arms:
        arm.trainer.check(plan.load(plan.training(arm, 0)), [])


@pytest.mark.parametrize("law", ["independent", "shared", "reluctant"])
def test_the_readme_has_the_numbers_of_the_saved_replies(law: str, tmp_path: Path) -> None:
    """The archive of a base has the replies of its first audits, and how those of all were judged."""
    recipe = Path(corpus.__file__).parent
    with tarfile.open(recipe / f"{law}.tar.xz") as saved:
        saved.extractall(tmp_path, filter="data")
    new = problems.test(problems.N_PER_TYPE, confirm.N_NEW)
    tables = [
        table.table(problems.test(), tmp_path / "study"),
        table.table(new, tmp_path / "sampled"),
        table.table(new, tmp_path / "greedy"),
        claims.table(new, tmp_path),
    ]
    if law == "reluctant":
        tables.append(rewards.table(problems.test(), tmp_path / "study", "product_16"))
        tables.append(table.grid(problems.test(), tmp_path / "study"))
    if law != "independent":
        tables.append(table.table(new, tmp_path / "sampled", tmp_path / "cooled"))
    wanted = [row for each in tables for row in each.splitlines() if not row.startswith("| minus")]
    text = (recipe / "README.md").read_text()
    assert len(wanted) > 15
    assert [row for row in wanted if row not in text] == []


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_readme_has_the_panel_of_the_saved_findings(seed: int, tmp_path: Path) -> None:
    with tarfile.open(panel.KEPT) as saved:
        saved.extractall(tmp_path, filter="data")
    found = panel.found(tmp_path / f"product_8-{seed}" / "findings.json")
    text = (Path(corpus.__file__).parent / "README.md").read_text()
    assert panel.fired(found) == ["sharpening"]
    rows = panel.table(found).splitlines()
    assert len(rows) == 12
    assert [row for row in rows if row not in text] == []


def scored(folder: Path, rows: list[tuple[float, float, float]]) -> Scores:
    """One run: for each problem right untold, rule met untold, right told."""
    made = problems.test(0, 1)[: len(rows)]
    folder.mkdir(parents=True)
    with (folder / "joint.jsonl").open("w") as out:
        for problem, (right, met, told) in zip(made, rows, strict=True):
            for condition, correct in (("unconstrained", right), ("constrained", told)):
                row = {"role": "model", "condition": condition, "problem": problem.id, "sample": 0}
                row |= {"finish_reason": "answered", "correct": correct}
                out.write(json.dumps(row | {"parts": {problem.constraint_keys[0]: met}}) + "\n")
    return Scores.read(made, {0: folder})


def test_what_being_told_costs_is_by_hand(tmp_path: Path) -> None:
    mine = scored(tmp_path / "a", [(1, 1, 0), (1, 0, 0), (0, 1, 1), (1, 1, 1)])
    assert claims.told(mine, met=False).tolist() == [[-1, -1, 1, 0]]
    assert str(claims.told(mine, met=True).tolist()) == "[[-1.0, nan, 1.0, 0.0]]"


def test_what_is_kept_of_a_gain_is_by_hand(tmp_path: Path) -> None:
    """The base solves none of 20, the yardstick all, and the arm 19, which is 95 %."""
    base, full, most = (
        scored(tmp_path / str(n), [(float(i < n), 0, 0) for i in range(20)]) for n in (0, 20, 19)
    )
    assert claims.kept(base, full, most).value == pytest.approx(0)
    assert claims.kept(base, full, full).value == pytest.approx(0.05)
    assert claims.kept(base, full, base).value == pytest.approx(-0.95)
    assert claims.verdict(claims.kept(base, full, base)) == "no"


def test_new_problems_are_new() -> None:
    first = {problem.id for problem in problems.test()}
    new = problems.test(problems.N_PER_TYPE, 2)
    assert len(new) == 2 * 28
    assert not first & {problem.id for problem in new}


def test_the_first_table_of_the_project_has_the_numbers_of_the_saved_replies(
    tmp_path: Path,
) -> None:
    recipe = Path(corpus.__file__).parent
    with tarfile.open(recipe / "reluctant.tar.xz") as saved:
        saved.extractall(tmp_path, filter="data")
    new = problems.test(problems.N_PER_TYPE, confirm.N_NEW)
    text = (recipe.parents[1] / "README.md").read_text()
    for arm in ("base", "answer_only_16", "product_16"):
        cells = [
            spread(table.estimated(new, tmp_path / name, arm, key, ("near", "far")))
            for name in ("greedy", "sampled")
            for key in table.SIDES
        ]
        assert f"| {' | '.join(cells)} |" in text, arm
