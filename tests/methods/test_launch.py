"""What is tuned, how it is launched, and where its numbers go."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("trl")

from accelerate.commands.config.config_args import load_config_from_file
from safetensors.torch import load_file

from twofold.errors import ModelError
from twofold.methods import Grpo, Sft, TrainingError
from twofold.models.hf import HfModel
from twofold.problems import load
from twofold.types import Sampling

LAUNCH = Path(__file__).parents[2] / "recipes" / "launch"
PROBLEMS = load("synthetic:8:train", profile="fixed")


@pytest.fixture
def sft(tmp_path: Path) -> Sft:
    lines = [{"problem": p.id, "raw": f"it is {p.answer}"} for p in PROBLEMS]
    file = tmp_path / "demonstrations.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return Sft(demonstrations=file, learning_rate=1e-2, epochs=2, batch=4)


@pytest.fixture
def biased(tiny: Path, tmp_path: Path) -> Path:
    """The tiny model with bias terms in its attention."""
    from tiny_llama import copy_of
    from transformers import AutoModelForCausalLM, LlamaConfig

    folder = copy_of(tiny, tmp_path / "biased")
    config = LlamaConfig.from_pretrained(folder, attention_bias=True)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def test_bias_only_moves_the_biases_and_nothing_else(
    biased: Path, sft: Sft, tmp_path: Path
) -> None:
    done = replace(sft, bias_only=True).train(str(biased), PROBLEMS, out=tmp_path / "run")
    before, after = (load_file(f / "model.safetensors") for f in (biased, done.folder))
    moved = {name for name in before if not before[name].equal(after[name])}
    assert moved
    assert all(name.endswith("bias") for name in moved)
    assert HfModel(str(done.folder)).sample([PROBLEMS[0].messages()], Sampling(max_tokens=4))


def test_bias_only_where_there_is_none_and_two_ways_at_once(
    tiny: Path, sft: Sft, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="no bias terms"):
        replace(sft, bias_only=True).train(str(tiny), PROBLEMS, out=tmp_path / "run")
    with pytest.raises(TrainingError, match="leave one out"):
        replace(sft, bias_only=True, lora=4)


@pytest.mark.parametrize("file", sorted(LAUNCH.glob("*.yaml")), ids=lambda f: f.stem)
def test_launch_configurations_load_in_accelerate(file: Path) -> None:
    config = load_config_from_file(str(file))
    assert str(config.distributed_type) in ("DistributedType.FSDP", "DistributedType.DEEPSPEED")
    assert config.num_processes == 8 * config.num_machines


def test_vllm_that_is_not_there_is_reported_before_anything_is_loaded(tmp_path: Path) -> None:
    import importlib.util

    if importlib.util.find_spec("vllm"):
        pytest.skip("vLLM is installed here")
    with pytest.raises(TrainingError, match="pip install vllm"):
        Grpo(trl={"use_vllm": True}).train("nowhere", PROBLEMS, out=tmp_path / "run")


def test_held_out_numbers_reach_a_tracker(tiny: Path, sft: Sft, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logs = tmp_path / "logs"
    method = replace(sft, save_steps=2, trl={"report_to": "tensorboard"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENSORBOARD_LOGGING_DIR", str(logs))
        done = method.train(str(tiny), PROBLEMS, out=tmp_path / "run", eval_problems=PROBLEMS[:4])
    files = [*logs.rglob("*tfevents*"), *done.folder.rglob("*tfevents*")]
    seen = EventAccumulator(str(files[0].parent)).Reload()
    tags = set(seen.Tags()["scalars"])
    assert {"train/eval/tokens", "train/eval/unscored", "train/loss"} <= tags
    assert [event.step for event in seen.Scalars("train/eval/tokens")] == [0, 2, 4]
