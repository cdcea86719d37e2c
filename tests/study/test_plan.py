"""A plan is refused, with its remedy, before anything is loaded."""

import unicodedata
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from twofold.errors import TwofoldError
from twofold.methods import Grpo, Sft
from twofold.scorers import SoftGate
from twofold.study import read
from twofold.study.cell import Cell, cells
from twofold.study.plan import BASE
from twofold.study.plan_file import _ARM, _check_folders

GOOD = {
    "base": "pocket",
    "train": "pocket:20:train",
    "splits": {"test": "pocket:13"},
    "seeds": [3, 5],
    "by": ["competes"],
    "reference": "plain",
    "arms": {
        "plain": {"method": "grpo", "reward": "correct", "steps": 2},
        "both": {"method": "grpo", "reward": "soft_gate", "learning_rate": "1e-4"},
    },
}

SMALL = {"method": "grpo", "steps": 2}


def written(folder: Path, **changed: object) -> Path:
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(GOOD | changed, sort_keys=False))
    return file


def test_a_tag_of_one_split_is_enough(tmp_path: Path) -> None:
    splits = {"test": "pocket:13", "other": "synthetic:5"}  # these say nothing of `competes`
    assert read(written(tmp_path, splits=splits)).by == ("competes",)


def test_a_plan_is_read_and_written(tmp_path: Path) -> None:
    plan = read(written(tmp_path))
    assert plan.seeds == (3, 5)
    assert plan.headline == "test"
    method = plan.arm("both").method
    assert isinstance(method, Grpo)
    assert (method.learning_rate, method.reward) == (1e-4, SoftGate())
    (tmp_path / "again.yaml").write_text(plan.to_yaml())
    assert read(tmp_path / "again.yaml") == plan
    assert cells(plan)[:4] == [Cell("base", 3), Cell("plain", 3), Cell("both", 3), Cell("base", 5)]


def test_an_arm_trains_on_data_of_its_own(tmp_path: Path) -> None:
    """`{seed}` gives each run its own; arms without `train` share the plan's."""
    arms = {"own": SMALL | {"train": "synthetic:{seed}:train"}, "plain": SMALL}
    plan = read(written(tmp_path, arms=arms))
    own, plain = (plan.arm(name) for name in arms)
    assert plan.training(own, 3) == "synthetic:3:train"
    assert plan.training(plain, 3) == plan.training(plain, 5) == "pocket:20:train"
    assert plan.all_training == ["synthetic:3:train", "synthetic:5:train", "pocket:20:train"]
    assert "synthetic:{seed}:train" in Cell("own", 3).settings(plan)
    assert "train" not in Cell("plain", 3).settings(plan)  # studies of earlier versions stay valid
    (tmp_path / "again.yaml").write_text(plan.to_yaml())
    assert read(tmp_path / "again.yaml") == plan


def test_no_data_for_all_is_needed_where_each_arm_has_its_own(tmp_path: Path) -> None:
    arms = {"own": SMALL | {"train": "pocket:9:train"}}
    plan = read(written(tmp_path, arms=arms, train=None, reference=None))
    assert plan.all_training == ["pocket:9:train"]


def test_arms_that_were_trained_elsewhere(tmp_path: Path) -> None:
    """Each run is a cell, also where the sides have different numbers of them."""
    file = tmp_path / "study.yaml"
    values = {
        "base": ["b1", "b2"],
        "splits": {"test": "pocket:13"},
        "seeds": [4, 5, 6],
        "limit": 7,
        "arms": {"mine": {"checkpoints": ["a1", "a2", "a3"]}},
    }
    file.write_text(yaml.safe_dump(values))
    plan = read(file)
    assert plan.bases == ("b1", "b2") and plan.base_is_trained and not plan.trained_here
    given = {(cell.arm, cell.seed): cell.checkpoint(plan) for cell in cells(plan)}
    assert given == {
        ("base", 4): "b1",
        ("base", 5): "b2",
        ("mine", 4): "a1",
        ("mine", 5): "a2",
        ("mine", 6): "a3",
    }
    assert len(plan.problems("test")) == 7
    (tmp_path / "again.yaml").write_text(plan.to_yaml())
    assert read(tmp_path / "again.yaml") == plan
    file.write_text(yaml.safe_dump(values | {"base": "b", "temperature": 0}))
    assert [c.seed for c in cells(read(file)) if c.arm == "base"] == [4]  # greedy: all alike
    file.write_text(yaml.safe_dump(values | {"base": "b"}))
    assert [c.seed for c in cells(read(file)) if c.arm == "base"] == [4, 5, 6]


def test_the_packaged_study_names_real_methods_and_rewards() -> None:
    plan = read()
    assert {arm.name: type(arm.method) for arm in plan.arms} == {
        "sft": Sft,
        "answer_only": Grpo,
        "joint": Grpo,
    }


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"bass": "pocket"}, "the key 'bass' is unknown; did you mean 'base'"),
        ({"arms": {}}, "'arms' should have at least 1 item"),
        ({"splits": {}}, "'splits' should have at least 1 item"),
        ({"splits": {"test": "pocket:0"}}, "is no suite"),
        ({"splits": {"test": "pocket:999999999999"}}, "at most 999999 problems"),
        ({"splits": {"a/b": "pocket:3"}}, "becomes a folder"),
        ({"seeds": [1, 1]}, "different whole numbers"),
        ({"seeds": "many"}, "'seeds' should be a valid tuple, but it is 'many'"),
        ({"samples": 0}, "'samples' should be greater than 0, but it is 0"),
        ({"seeds": []}, "'seeds' should have at least 1 item"),
        ({"seeds": [0, -1]}, "'seeds.1' should be greater than or equal to 0"),
        ({"seeds": [True]}, r"'seeds' should be a number, but it is \[True\]"),
        ({"seeds": [1, "1"]}, "different whole numbers"),
        ({"seeds": [2**32]}, "'seeds.0' should be less than 4294967296"),
        ({"samples": True}, "'samples' should be a number, but it is True"),
        ({"splits": {"model": "pocket:3"}}, "'model' would be the same one as 'model'"),
        ({"splits": {"Model": "pocket:3"}}, "'Model' would be the same one as 'model'"),
        ({"splits": {"a": "pocket:3", "A": "synthetic:3"}}, "'A' would be the same one as 'a'"),
        ({"splits": {"model-round-1": "pocket:3"}}, "use 1 to 60 letters, digits and _"),
        ({"splits": {"s" * 61: "pocket:3"}}, "use 1 to 60 letters"),
        ({"arms": {"joint": SMALL, "Joint": SMALL}}, "'Joint' would be the same one as 'joint'"),
        ({"arms": {"straße": SMALL, "STRASSE": SMALL}}, "would be the same one as 'straße'"),
        ({"arms": {"Base": SMALL}}, "'Base' would be the same one as 'base'"),
        ({"arms": {"..": SMALL}}, "becomes a folder"),
        ({"arms": {"a\\b": SMALL}}, "becomes a folder"),
        ({"arms": {"": SMALL}}, "becomes a folder"),
        ({"arms": {"a" * 300: SMALL}}, "use 1 to 60 letters, digits, - and _"),
        ({"arms": {True: SMALL}}, "write it in quotes"),
        ({"arms": {0.5: SMALL}}, "write it in quotes"),
        ({"arms": {"x": SMALL | {"learning_rate": -1e-4}}}, "should be greater than 0"),
        ({"arms": {"x": SMALL | {"learning_rate": float("nan")}}}, "should be a finite number"),
        ({"arms": {"x": SMALL | {"steps": True}}}, "'steps' should be a number, but it is True"),
        ({"temperature": float("nan")}, "'temperature' should be a finite number"),
        ({"temperature": -0.5}, "'temperature' should be greater than or equal to 0"),
        ({"base": ""}, "base: name a MODEL"),
        ({"lora": 8}, "'lora' is unknown.*under an arm"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"by": ["competed"]}, "did you mean 'competes'"),
        ({"reference": "pain"}, "did you mean 'plain'"),
        ({"train": "pocket:20"}, "are also training problems"),
        ({"arms": {"x": {"reward": "correct"}}}, "names no method"),
        ({"arms": {"base": {"method": "rft"}}}, "becomes a folder"),
        ({"arms": {"x/y": {"method": "rft"}}}, "becomes a folder"),
        ({"arms": {"x": {"method": "gpro"}}}, "did you mean 'grpo'"),
        ({"arms": {"x": {"method": "grpo", "reward": "corect"}}}, "did you mean 'correct'"),
        ({"arms": {"x": {"method": "grpo", "stepz": 2}}}, "did you mean 'steps'"),
        ({"arms": {"x": {"method": "grpo", "seed": 2}}}, "use the study's `seeds`"),
        ({"arms": {"x": {"method": "grpo", "saturation": 0.5}}}, "normalize_then_sum"),
        ({"arms": {"x": {"checkpoints": []}}}, "write `x: {checkpoints:"),
        ({"arms": {"x": {"checkpoints": "a"}}}, "one for each seed"),
        ({"arms": {"x": {"checkpoints": ["a", 3]}}}, "3 among the checkpoints is no MODEL"),
        ({"arms": {"x": {"checkpoints": ["a"], "method": "sft"}}}, "nothing but its MODELs"),
        ({"arms": {"x": {"checkpoints": ["a", "b", "c"]}}}, "x has 3 checkpoints .* 2 seeds"),
        ({"arms": {"x": {"checkpoints": ["a", "a"]}}}, "the same checkpoint twice"),
        ({"base": ["pocket", "b"]}, "plain is to be trained, from which of the 2"),
        ({"base": []}, "base: name a MODEL"),
        ({"base": 3}, "'base"),
        ({"train": None}, "arm plain: the key 'train' is missing"),
        ({"arms": {"x": SMALL | {"train": 3}}}, "train: 3 names no problems"),
        ({"arms": {"x": SMALL | {"train": ""}}}, "names no problems"),
        ({"arms": {"x": SMALL | {"train": "pocket:13:test"}}}, r"problems \(pocket:13:test\)"),
        ({"arms": {"x": SMALL | {"train": "{seed}.jsonl"}}}, r"3\.jsonl"),
        (
            {"base": ["pocket", "b"], "arms": {"x": {"checkpoints": ["a"]}}, "reference": "x"},
            "needs one base",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changed: dict[str, object], told: str) -> None:
    with pytest.raises(TwofoldError, match=told):
        read(written(tmp_path, **{"reference": None} | changed))


def test_no_yaml_and_no_file(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("arms: [")
    for file in (tmp_path / "bad.yaml", tmp_path / "none.yaml"):
        with pytest.raises(TwofoldError, match=r"YAML|cannot read"):
            read(file)


def test_an_arm_that_is_there_twice_is_not_lost_silently(tmp_path: Path) -> None:
    file = written(tmp_path, reference=None)
    both = "  both:\n    method: sft\n    demonstrations: solutions\n"
    file.write_text(file.read_text() + both)
    with pytest.raises(TwofoldError, match=r"the key 'both' is there twice; take one out"):
        read(file)
    file.write_text("a: &a {steps: 1}\nb: {<<: *a, steps: 2}\n")  # a merge is no second key
    with pytest.raises(TwofoldError, match="the key 'base' is missing"):
        read(file)


NAMES = st.text(st.sampled_from("aAßéÉ_-. /\\0\u0301\uff41"), max_size=4) | st.text(max_size=70)


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True))
def test_names_that_are_taken_are_folders_side_by_side(names: list[str]) -> None:
    try:
        _check_folders(names, "an arm", _ARM, taken=BASE, file=Path("plan.yaml"))
    except TwofoldError:
        return
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names}) == len(names)
    with TemporaryDirectory() as folder:
        for name in names:
            (Path(folder) / name).mkdir()
        assert sorted(p.name for p in Path(folder).iterdir()) == sorted(names)


def test_a_setting_of_a_later_release_does_not_orphan_what_is_trained(tmp_path: Path) -> None:
    """At its neutral value it is no part of what a cell is bound to; at another it is."""
    plan = read(written(tmp_path))
    old = Cell("both", 3).settings(plan)
    assert old.startswith("Grpo(learning_rate=0.0001, ") and "drop_after" not in old
    arms = GOOD["arms"]
    assert isinstance(arms, dict)
    changed = arms | {"both": arms["both"] | {"drop_after": 2}}
    assert ", drop_after=2" in Cell("both", 3).settings(read(written(tmp_path, arms=changed)))
