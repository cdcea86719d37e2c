"""Is a wrong setting told with its remedy, before any model is loaded?"""

import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from twofold.methods import METHODS, REWARDS, Grpo, Rft, TrainingError, configured, method_named
from twofold.methods.rewards import Reward
from twofold.methods.support import require, support
from twofold.scorers import Compliant, Correct, Product, SoftGate
from twofold.types import FinishReason, Problem, Response
from twofold.validation import validated

GRPO_YAML = """
reward: product
learning_rate: 1e-4
steps: 30
lora: 8
trl: {loss_type: dr_grpo}
"""


def yaml(folder: Path, text: str) -> Path:
    file = folder / "method.yaml"
    file.write_text(text)
    return file


def test_a_file_sets_fields(tmp_path: Path) -> None:
    assert configured(Grpo, yaml(tmp_path, GRPO_YAML)) == Grpo(
        reward=Product((Correct(), Compliant())),
        learning_rate=1e-4,
        steps=30,
        lora=8,
        trl={"loss_type": "dr_grpo"},
    )
    assert configured(Rft) == Rft()
    assert configured(Grpo, yaml(tmp_path, "")) == Grpo(reward=SoftGate())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lerning_rate: 1", "the key 'lerning_rate' is unknown; did you mean 'learning_rate'"),
        ("reward: softgate", "did you mean 'soft_gate'"),
        ("steps: many", "'steps' should be a valid integer.*, but it is 'many'"),
        ("steps: 0", "'steps' should be greater than 0, but it is 0"),
        ("learning_rate: .nan", "'learning_rate' should be a finite number"),
        ("learning_rate: .inf", "'learning_rate' should be a finite number"),
        ("temperature: -1", "'temperature' should be greater than 0"),
        ("kl: 1", "fields of TRL's own configuration go under `trl:`"),
        ("reward: {judg: exact}", "reward: the key 'judg' is unknown; did you mean 'judge'"),
        ("reward: {judge: 'noisy:9'}", "method.yaml: no model 'noisy:9'"),
        (
            "eval_metric: corect",
            "eval_metric: no reward is called 'corect'; did you mean 'correct'",
        ),
        ("reward: [correct]", r"reward: no reward is called \"\['correct'\]\""),
        ("- a", "is not a mapping"),
        ("a: [", "is not valid YAML"),
        ("trl: {learning_rate: 1}", "set that instead"),
    ],
)
def test_a_wrong_file_is_reported(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=told):
        configured(Grpo, yaml(tmp_path, text))


def test_missing_files_settings_and_methods(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot read"):
        configured(Grpo, tmp_path / "no.yaml")
    with pytest.raises(TrainingError, match="demonstrations"):
        configured(METHODS["sft"])
    with pytest.raises(TrainingError, match="did you mean 'grpo'"):
        method_named("gpro")


def test_settings_need_no_torch() -> None:
    probe = (
        "import sys, twofold.methods as m; m.configured(m.Grpo); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


def test_support_by_hand() -> None:
    problem = Problem(question="7 + 5 = ?", answer="12")
    right, wrong = (Response(raw=t, reply=t) for t in ("#### 12", "#### 13"))
    lost = Response(raw="<think>", reply="", finish_reason=FinishReason.unclosed_thinking)
    groups = [[right, wrong], [wrong, wrong], [right, right], [lost, lost]]
    found = support([problem] * 4, groups, by=Correct())
    assert (found.n_problems, found.n_solved, found.n_mixed, found.n_samples) == (3, 2, 1, 2)
    require(found, reward="correct")
    with pytest.raises(TrainingError, match=r"pass@2 of the base is 0/1.*nothing to reinforce"):
        require(support([problem], [[wrong, wrong]], by=Correct()), reward="correct")
    with pytest.raises(TrainingError, match="no reply of the base could be scored"):
        require(support([problem], [[lost, lost]], by=Correct()), reward="correct")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "twofold", "train", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_shows_rows_without_a_model_and_reports_errors(tmp_path: Path) -> None:
    out = str(tmp_path / "run")
    known = ["--base", "no/model", "--problems", "synthetic:3:train", "--out", out]
    shown = run("grpo", *known, "--dry-run")
    assert shown.returncode == 0, shown.stderr
    assert len(shown.stdout.splitlines()) == 3
    assert '"role": "user"' in shown.stdout
    assert "3 rows" in shown.stderr
    wrong = run("grpo", *known, "--config", str(yaml(tmp_path, "stepps: 3")))
    assert wrong.returncode == 2
    assert "did you mean 'steps'" in wrong.stderr
    assert not (tmp_path / "run").exists()


def test_the_command_shows_no_empty_data_set(tmp_path: Path) -> None:
    replies = tmp_path / "replies.jsonl"
    replies.write_text('{"problem": "another", "raw": "4"}\n')
    out = ("--base", "no/model", "--problems", "synthetic:3:train", "--out", str(tmp_path / "run"))
    config = yaml(tmp_path, f"replies: {replies}")
    shown = run("rft", *out, "--config", str(config), "--dry-run")
    assert shown.returncode == 2
    assert "error: rft would learn from none of the 3 problems" in shown.stderr


def test_a_scale_that_the_aggregation_decides_is_no_field_of_trl() -> None:
    for own in ({"aggregation": "normalize_then_sum"}, {"min_std": 0.1}):
        with pytest.raises(TrainingError, match="leave trl: scale_rewards out"):
            Grpo(trl={"scale_rewards": "group"}, **own)
    assert Grpo(trl={"scale_rewards": "batch"}).trl == {"scale_rewards": "batch"}


@pytest.mark.parametrize("name", sorted(REWARDS))
def test_every_reward_can_be_sent_to_another_process(name: str) -> None:
    assert pickle.loads(pickle.dumps(REWARDS[name])) == REWARDS[name]


@dataclass(frozen=True, kw_only=True)
class Plain:
    """Settings of an extension, as a dataclass of the standard library."""

    steps: Annotated[int, Field(ge=1)] = 1
    reward: Reward = field(default_factory=Correct)


def test_settings_of_a_standard_dataclass_are_checked_too() -> None:
    def plain(**values: object) -> Plain:
        return validated(Plain, values, where="plan.yaml", error=TrainingError)

    made = plain(steps=2, reward="soft_gate")
    assert isinstance(made, Plain) and made.reward.name == "soft_gate"
    with pytest.raises(TrainingError, match=r"plan\.yaml: 'steps' should be greater"):
        plain(steps=0)
    with pytest.raises(TrainingError, match="did you mean 'steps'"):
        plain(stepz=1)


def test_a_truth_value_is_no_number() -> None:
    with pytest.raises(TrainingError, match="'steps' should be a number, but it is True"):
        validated(Plain, {"steps": True}, where="plan.yaml", error=TrainingError)
    assert validated(Sampled, {"is_on": True}, where="", error=TrainingError).is_on is True


@dataclass(frozen=True, kw_only=True)
class Sampled:
    is_on: bool = False


def test_a_path_may_be_a_text(tmp_path: Path) -> None:
    file = yaml(tmp_path, "steps: 3")
    assert configured(Grpo, str(file)) == configured(Grpo, file)


@contextmanager
def suppress_said(remedy: str) -> Iterator[None]:
    """What two settings need together may be refused, in words with this remedy."""
    try:
        yield
    except TrainingError as error:
        assert remedy in str(error)


def test_what_has_no_default_is_asked_for_in_words() -> None:
    """Every method runs with its defaults, or says what it needs, what that may be, and where to write it."""
    for method in METHODS.values():
        needed = {
            each.name
            for each in fields(method)  # type: ignore[arg-type]
            if each.default is MISSING and each.default_factory is MISSING
        }
        assert needed == {*method.asks}
        if not needed:
            with suppress_said("set it to"):
                assert configured(method) == configured(method, None)
            continue
        with pytest.raises(TrainingError, match="into a YAML file") as caught:
            configured(method)
        assert "--config" in str(caught.value)
        assert all(key in str(caught.value) for key in needed)


def test_the_help_of_train_names_every_method() -> None:
    from typer.testing import CliRunner

    from twofold.cli import app

    told = " ".join(CliRunner().invoke(app, ["train", "--help"]).output.split())
    assert f"{', '.join(METHODS)}, or package.module:Name." in told
