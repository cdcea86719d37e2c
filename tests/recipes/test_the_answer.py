"""Are the tables those of the saved replies, and the demonstrations what they say?"""

import tarfile
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from twofold.methods.demonstrations import written_reply
from twofold.methods.softcot.model import SoftCot
from twofold.models.composed import NamedModel
from twofold.scorers import Compliant, Correct
from twofold.storage.jsonl import dumps
from twofold.study import read
from twofold.types import OpenModel

arms = import_module("recipes.the_answer.arms")
chain = import_module("recipes.the_answer.chain")
costs = import_module("recipes.the_answer.costs")
table = import_module("recipes.the_answer.table")
types = import_module("recipes.11_pocket_types.problems")
rules = import_module("recipes.11_pocket_types.rules")

RECIPE = Path(arms.__file__).parent
OTHERS = RECIPE.parent / "11_pocket_types" / "reluctant.tar.xz"


def unpacked(file: Path, to: Path) -> Path:
    with tarfile.open(file) as saved:
        saved.extractall(to, filter="data")
    return to


def test_the_readme_has_the_tables_of_the_saved_replies(tmp_path: Path) -> None:
    mine = unpacked(RECIPE / "replies.tar.xz", tmp_path / "mine")
    others = unpacked(OTHERS, tmp_path / "others")
    shown = [mine / "study", others / "study"]
    found = table.table(shown, costs.read(mine), costs.n_weights(arms.BASE)).splitlines()
    text = (RECIPE / "README.md").read_text()
    assert len(found) == 2 + 1 + 36
    assert [row for row in found if row not in text] == []


def test_the_readme_has_the_chains_of_the_saved_values(tmp_path: Path) -> None:
    found = chain.table(unpacked(RECIPE / "chain.tar.xz", tmp_path)).splitlines()
    text = (RECIPE / "README.md").read_text()
    assert len(found) == 2 + len(chain.ARMS) + len(chain.UNREAD)
    assert [row for row in found if row not in text] == []


def test_a_chain_is_read_in_every_run_and_lost_ones_are_counted(tmp_path: Path) -> None:
    def reading(arm: str, run: int, problem: int, reliance: float) -> dict[str, object]:
        return {
            **{"arm": arm, "run": run, "problem": str(problem)},
            "scores": {"reliance": reliance, "information": 1.0},
            "question_only": {"reliance": 0.0, "information": 0.1},
            "chain_only": {"reliance": 1.0, "information": 0.1 + problem},
        }

    rows = [reading("cft", run, i, run / 2) for run in range(2) for i in range(1, 9)]
    rows += [reading("base", 0, i, 0.5) for i in range(3, 13)]
    rows.append({"arm": "cft", "run": 0, "problem": "9"})
    (tmp_path / chain.FILE).write_text("".join(dumps(row) + "\n" for row in rows))
    base, line = (row.split(" | ") for row in chain.table(tmp_path).splitlines()[2:4])
    assert base[:3] == ["| base", "1", "10 of 10"]
    assert line[:3] == ["| cft", "2", "16 of 17"]
    assert line[3].startswith("0.250 ")
    assert line[4].startswith("−0.250 ") and "(n=6, " in line[4]
    assert line[5].startswith("0.000 ") and line[5].endswith("(n=8)")
    assert line[6].startswith("1.000 ") and line[10].startswith("1.000 ")


def test_arms_that_are_not_read_have_no_network_of_their_own() -> None:
    assert not issubclass(SoftCot, OpenModel)
    assert not issubclass(NamedModel, OpenModel)


def test_demonstrations_are_right_and_obey_where_they_should() -> None:
    asked = types.train(rules.trained(16, 0), 0)[:150]
    for obeys, low, high in ((False, 0.0, 0.1), (True, 0.9, 1.0)):
        replies = [written_reply(arms.reply(problem, obeys)) for problem in asked]
        assert all(verdict.score == 1 for verdict in Correct()(asked, replies))
        met = np.mean([verdict.score for verdict in Compliant("all")(asked, replies)])
        assert low <= met <= high


def test_the_plan_is_one_that_a_study_reads(tmp_path: Path) -> None:
    plan = read(arms.plan(tmp_path / "plan.yaml", [0], derived={"merged": ["pocket"]}))
    assert [arm.name for arm in plan.arms] == [*arms.TRAINED, "merged"]
    assert {arm.name for arm in plan.trained_here} == {*arms.TRAINED}
    for arm in plan.trained_here:
        problems = plan.load(plan.training(arm, 0))
        arm.trainer.check(problems, [])
        shown = Compliant("all")(problems[:60], [written_reply(p.solution) for p in problems[:60]])
        is_obedient = np.mean([verdict.score for verdict in shown]) > 0.5
        assert is_obedient == (arm.name in arms.OBEDIENT)


def test_a_groups_problems_are_those_of_its_rules() -> None:
    problems = types.test(0, 1)
    trained, held = (table.mask(problems, group) for group in ("trained", "held out"))
    assert (trained.sum(), held.sum()) == (16, 12)
    assert not (trained & held).any()
    assert table.mask(problems, "all").all()


def test_only_methods_are_in_the_family_of_tests() -> None:
    controls = [
        *("softcot_zero", "softcot_random", "softcot_untrained", "softcot_hints"),
        *("two_passes_control", "hybrid_bias_only"),
    ]
    assert all(name.endswith(table.CONTROLS) for name in controls)
    assert not any(
        name.endswith(table.CONTROLS) for name in (*arms.TRAINED, "hybrid", "merge_ties")
    )
