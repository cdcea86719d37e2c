"""Does each trainer find in a converted folder the same problems, and the same reward?"""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest

import twofold
from twofold.adapters import nemo_gym, problem_in, problem_text, reward_function
from twofold.adapters.data import TARGETS, convert
from twofold.adapters.data.convert import Target
from twofold.constraints import from_spec
from twofold.errors import ProblemError, RunError, ScoringError
from twofold.problems import load, write
from twofold.types import Problem
from twofold.types.checklist import Checklist, Criterion

sys.path.insert(0, str(Path(__file__).parent))
from foreign import REPLIES
from ways import chatml

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
LOWER = from_spec("change_case:english_lowercase", None, profile="fixed")
BOTH = Problem(question="7 + 5 = ?", answer="12", constraints=(NO_COMMA,), tags={"source": "hand"})
FREE = Problem(question="1 + 1 = ?", answer="2", ask=' Löse "das" \\boxed{}.\n')
STATED = Problem(
    question="Say yes, in lower case.", constraints=(LOWER,), question_states_constraints=True
)
NEITHER = Problem(question="Say something else.")
ALL = (BOTH, FREE, STATED, NEITHER)
KEPT = (BOTH, FREE, STATED)
# SoftGate for BOTH and REPLIES, by hand.
EXPECTED = [1.0, 2 / 3, 1 / 6, None]


def module_in(path: Path) -> Any:
    """A file imported as verl and OpenRLHF import it."""
    spec = importlib.util.spec_from_file_location(f"made_{path.parent.name}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows_in(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("target", get_args(Target))
def test_each_target_tells_what_it_left_out(target: Target, tmp_path: Path) -> None:
    made = convert([*ALL, BOTH], target, out=tmp_path / "a b" / target)
    assert (made.n, made.n_left_out) == (3, 2)
    assert {*made.files, "twofold.json"} == {
        each.name for each in (tmp_path / "a b" / target).iterdir()
    }
    manifest = json.loads((tmp_path / "a b" / target / "twofold.json").read_text())
    assert (manifest["for"], manifest["reward"], manifest["problems"]) == (target, "soft_gate", 3)
    for name in made.files:
        text = (tmp_path / "a b" / target / name).read_bytes()
        if name.endswith(".py"):
            compile(text, name, "exec")
        assert not [mark for mark in (b"REWARD", b"FOLDER", b"REGISTER") if mark in text]


def test_verl(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    convert(ALL, "verl", out=tmp_path / "verl")
    rows = datasets.Dataset.from_parquet(
        str(tmp_path / "verl/train.parquet"), cache_dir=str(tmp_path / "cache")
    )
    assert rows.column_names == ["data_source", "prompt", "ability", "reward_model", "extra_info"]
    assert [row["prompt"] for row in rows] == [problem.messages() for problem in KEPT]
    assert [problem_in(row["reward_model"]["ground_truth"]) for row in rows] == [*KEPT]
    assert rows[0]["data_source"] == "hand" and rows[2]["extra_info"]["index"] == 2
    assert [row["ability"] for row in rows] == ["math", "math", "instruction_following"]
    score = module_in(tmp_path / "verl/reward.py").compute_score
    for text, expected in zip(REPLIES, EXPECTED, strict=True):
        found = score(
            data_source=rows[0]["data_source"],
            solution_str=text,
            ground_truth=rows[0]["reward_model"]["ground_truth"],
            extra_info=rows[0]["extra_info"] | {"num_turns": None},
        )
        assert found["score"] == (expected or 0.0)


def test_openrlhf(tmp_path: Path) -> None:
    convert(ALL, "openrlhf", out=tmp_path / "o")
    rows = rows_in(tmp_path / "o/train.jsonl")
    assert [row["input"] for row in rows] == [problem.messages() for problem in KEPT]
    reward_func = module_in(tmp_path / "o/reward.py").reward_func
    prompt = chatml(BOTH)
    for text, expected in zip(REPLIES, EXPECTED, strict=True):
        found = reward_func([f"{prompt}{text}<|im_end|>"], [prompt], [rows[0]["label"]])
        assert found["rewards"].tolist() == pytest.approx([expected or 0.0])


def test_trl(tmp_path: Path) -> None:
    convert(ALL, "trl", out=tmp_path / "t")
    rows = rows_in(tmp_path / "t/train.jsonl")
    assert rows == [{"prompt": p.messages(), "problem": p.id} for p in KEPT]
    reward = module_in(tmp_path / "t/reward.py").soft_gate
    said = [[{"role": "assistant", "content": text}] for text in REPLIES]
    found = reward(prompts=[rows[0]["prompt"]] * 4, completions=said, problem=[BOTH.id] * 4)
    assert found == pytest.approx(EXPECTED) if None not in found else found == EXPECTED


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # TRL's own
def test_trl_itself_trains_on_the_folder(tmp_path: Path) -> None:
    """One step of its own GRPO trainer, with its own loader of data sets."""
    datasets = pytest.importorskip("datasets")
    grpo = pytest.importorskip("trl.trainer.grpo_trainer")
    config = pytest.importorskip("trl.trainer.grpo_config")
    convert(load("pocket:4:train", profile="fixed"), "trl", out=tmp_path / "t")
    rows = datasets.load_dataset(
        "json",
        data_files=str(tmp_path / "t/train.jsonl"),
        split="train",
        cache_dir=str(tmp_path / "cache"),
    )
    settings = config.GRPOConfig(
        output_dir=str(tmp_path / "out"),
        max_steps=1,
        per_device_train_batch_size=4,
        num_generations=4,
        max_completion_length=24,
        logging_steps=1,
        bf16=False,
        use_cpu=True,
        report_to="none",
        disable_tqdm=True,
        activation_checkpointing=False,
    )
    reward = module_in(tmp_path / "t/reward.py").soft_gate
    base = str(Path(twofold.__file__).parent / "models/pocket/checkpoint")
    trainer = grpo.GRPOTrainer(base, reward, args=settings, train_dataset=rows)
    trainer.train()
    logged = [each for each in trainer.state.log_history if "rewards/soft_gate/mean" in each]
    assert len(logged) == 1 and 0.0 <= logged[0]["measure/unscored"] <= 1.0


def test_nemo_gym(tmp_path: Path) -> None:
    convert(ALL, "nemo-gym", out=tmp_path / "n")
    rows = rows_in(tmp_path / "n/train.jsonl")
    assert [row["responses_create_params"]["input"] for row in rows] == [p.messages() for p in KEPT]
    for text, expected in zip(REPLIES, EXPECTED, strict=True):
        said = {"type": "message", "content": [{"type": "output_text", "text": text}]}
        body = rows[0] | {"response": {"output": [said]}}
        assert nemo_gym.verify(body, reward_function("soft_gate"))["reward"] == (expected or 0.0)
    theirs = rows[2]["verifier_metadata"]
    assert theirs["instruction_id_list"] == [LOWER.name] and theirs["kwargs"] == [{}]
    assert theirs["prompt"] == STATED.question and "prompt" not in rows[0]["verifier_metadata"]
    assert "twofold serve --reward soft_gate" in (tmp_path / "n/serve.sh").read_text()


def test_a_judge_is_a_mapping_in_the_reward_file(tmp_path: Path) -> None:
    listed = Checklist(criteria=(Criterion(text="Uses no comma.", rule="punctuation:no_comma"),))
    problem = Problem(question="Say yes.", checklist=listed)
    made = {"shape": "checklist", "judge": "exact"}
    convert([problem, BOTH], "verl", reward=made, out=tmp_path / "j")
    text = (tmp_path / "j/reward.py").read_text()
    assert "reward={'judge': 'exact', 'shape': 'checklist'}" in text
    assert problem_in(problem_text(problem)).checklist == listed
    assert module_in(tmp_path / "j/reward.py").compute_score.keywords["reward"] == made


def test_a_constraint_of_ones_own_is_registered_by_the_reward_file(tmp_path: Path) -> None:
    """In a process that has never heard of it, as a trainer's is."""
    code = (
        "import json, sys\n"
        "from example_extension.rules import EndsWith\n"
        "from twofold.adapters import problem_text\n"
        "from twofold.adapters.data import convert\n"
        "from twofold.types import Problem\n"
        "own = Problem(question='Q', constraints=(EndsWith(sign='!', profile='fixed'),))\n"
        "convert([own], 'openrlhf', out=sys.argv[1])\n"
    )
    use = (
        "import sys; sys.path.insert(0, sys.argv[1]); import json, reward\n"
        "row = json.loads(open(sys.argv[1] + '/train.jsonl').readline())\n"
        "print(reward.reward_func(['Qyes!', 'Qyes'], ['Q'] * 2, [row['label']] * 2)['rewards'])"
    )
    paths = [str(Path(__file__).parents[1] / "extension"), *filter(None, sys.path)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    told = ""
    for each in (code, use):
        told = subprocess.run(
            [sys.executable, "-c", each, str(tmp_path / "own")],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        ).stdout
    assert told == "tensor([1., 0.])\n"


def test_a_folder_that_holds_something_else_is_left_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    convert([BOTH], "openrlhf", out=out)  # empty: taken
    first = (out / "train.jsonl").read_bytes()
    convert([BOTH, FREE], "trl", reward="correct", out=out)  # ours: replaced as a whole
    assert {each.name for each in out.iterdir()} == {
        *("problems.jsonl", "reward.py", "train.jsonl", "twofold.json")
    }
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    (out / "mine.txt").write_text("mine")
    for change in (lambda: None, lambda: (out / "mine.txt").rename(out / "reward.py")):
        change()
        before = {each.name: each.read_bytes() for each in out.iterdir()}
        with pytest.raises(RunError, match=r"something else.*choose another --out"):
            convert([BOTH], "openrlhf", out=out)
        assert {each.name: each.read_bytes() for each in out.iterdir()} == before
    assert first
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="no folder"):
        convert([BOTH], "openrlhf", out=tmp_path / "file")
    with pytest.raises(RunError):
        convert([BOTH], "openrlhf", out=tmp_path / "file" / "below")


def test_what_cannot_be_converted_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProblemError, match="applies to none of the 1 problems"):
        convert([NEITHER], "verl", out=tmp_path / "x")
    with pytest.raises(ScoringError, match="did you mean"):
        convert([BOTH], "verl", reward="soft_gat", out=tmp_path / "x")
    assert not [*tmp_path.iterdir()]


def test_the_command(tmp_path: Path) -> None:
    write(tmp_path / "asked.jsonl", ALL)
    command = [sys.executable, "-m", "twofold", "convert", str(tmp_path / "asked.jsonl")]
    command += ["--out", str(tmp_path / "out"), "--to", "trl", "--reward"]
    done = subprocess.run([*command, "correct"], capture_output=True, text=True, check=True)
    assert "2 problems for trl: " in done.stdout and "2 left out: " in done.stdout
    for given, told in (('{"judge": "exact"}', "applies to none"), ("{", "quote it whole")):
        wrong = subprocess.run([*command, given], capture_output=True, text=True, check=False)
        assert wrong.returncode == 2 and told in wrong.stderr, wrong.stderr
    assert set(TARGETS) == set(get_args(Target))
