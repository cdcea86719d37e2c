"""A vector for each layer: it is what a hook would add, it alone is trained, and it comes back as saved."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import pytest

pytest.importorskip("trl")

import torch
from safetensors.torch import load_file

from twofold.errors import ModelError
from twofold.methods import Grpo, Sft, TrainingError
from twofold.methods.trl.callbacks import SoundNumbers
from twofold.methods.trl.trainable_model import TrainableModel
from twofold.models import adapters
from twofold.models.checkpoint import locate
from twofold.models.hf import HfModel
from twofold.problems import load
from twofold.types import Problem, Response, Scorer, Verdict

PROBLEMS = load("synthetic:8:train", profile="fixed")
N_LAYERS, WIDTH = 2, 32  # of the tiny model


@pytest.fixture
def sft(tmp_path: Path) -> Sft:
    lines = [{"problem": p.id, "raw": f"it is {p.answer}"} for p in PROBLEMS]
    file = tmp_path / "demonstrations.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    return Sft(demonstrations=file, learning_rate=1e-2, epochs=2, batch=4, layer_bias=True)


def vectors(folder: Path) -> list[torch.Tensor]:
    """The trained vectors, the first layer's first."""
    saved = load_file(folder / "adapter_model.safetensors")
    return [saved[name].flatten() for name in sorted(saved)]


def batch() -> dict[str, torch.Tensor]:
    """Three rows of different lengths, padded on the left."""
    lengths = (3, 7, 5)
    ids = torch.tensor([[0] * (7 - n) + list(range(5, 5 + n)) for n in lengths])
    mask = torch.tensor([[0] * (7 - n) + [1] * n for n in lengths])
    places = (mask.cumsum(-1) - 1).clamp(min=0)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": places}


def steered(network: Any, of: list[torch.Tensor]) -> torch.Tensor:
    """The logits of a plain network with hooks that add a vector to each decoder layer's output."""
    hooks = [
        layer.register_forward_hook(lambda _, __, out, v=vector: out + v, prepend=True)
        for layer, vector in zip(network.model.layers, of, strict=True)
    ]
    try:
        with torch.no_grad():
            return network(**batch()).logits
    finally:
        for hook in hooks:
            hook.remove()


def test_it_trains_a_vector_a_layer_and_an_audit_loads_it_as_hooks_would_steer(
    tiny: Path, sft: Sft, tmp_path: Path
) -> None:
    before = (tiny / "model.safetensors").read_bytes()
    done = sft.train(str(tiny), PROBLEMS, out=tmp_path / "run")
    found = vectors(done.folder)
    assert [each.shape for each in found] == [(WIDTH,)] * N_LAYERS
    assert all(each.abs().max() > 0 for each in found)
    assert (tiny / "model.safetensors").read_bytes() == before
    loaded, plain = (HfModel(str(each)).network for each in (done.folder, tiny))
    with torch.no_grad():
        logits, unsteered = (each(**batch()).logits for each in (loaded, plain))
    real = batch()["attention_mask"].bool()
    assert torch.allclose(logits[real], steered(plain, found)[real], atol=1e-5)
    moved = (logits - unsteered).abs().amax(-1)
    assert (moved[real] > 1e-3).all()  # every row, not the first alone


def test_the_vectors_are_the_same_with_gradient_checkpointing(
    tiny: Path, sft: Sft, tmp_path: Path
) -> None:
    folders = [
        replace(sft, trl={"gradient_checkpointing": on})
        .train(str(tiny), PROBLEMS, out=tmp_path / f"run-{on}")
        .folder
        for on in (True, False)
    ]
    for one, other in zip(*map(vectors, folders), strict=True):
        assert torch.allclose(one, other, atol=1e-6) and one.abs().max() > 0


def test_a_run_that_was_stopped_goes_on_to_the_same_vectors(
    tiny: Path, sft: Sft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = replace(sft, save_steps=1)
    whole = method.train(str(tiny), PROBLEMS, out=tmp_path / "whole")
    check = SoundNumbers.on_pre_optimizer_step

    def killed(self: Any, args: Any, state: Any, control: Any, **more: Any) -> Any:
        if state.global_step == 2:
            raise KeyboardInterrupt
        return check(self, args, state, control, **more)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(SoundNumbers, "on_pre_optimizer_step", killed)
        method.train(str(tiny), PROBLEMS, out=tmp_path / "part")
    assert (tmp_path / "part" / "checkpoint-2").exists()
    rest = method.train(str(tiny), PROBLEMS, out=tmp_path / "part")
    for one, other in zip(vectors(whole.folder), vectors(rest.folder), strict=True):
        assert torch.equal(one, other)


@final
@dataclass(frozen=True)
class Letters(Scorer):
    """The share of letters that are t or o, so that the replies to one prompt differ."""

    @property
    def name(self) -> str:
        return "share"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        texts = [response.raw for response in responses]
        return [Verdict(sum(c in "to" for c in text) / max(1, len(text))) for text in texts]


def test_reinforcement_trains_it_too(tiny: Path, tmp_path: Path) -> None:
    method = Grpo(
        reward=Letters(), layer_bias=True, steps=2, batch=2, num_generations=4,
        max_completion_length=8, learning_rate=1e-2, trl={"beta": 0.1},
    )  # fmt: skip
    asked = [Problem(question=f"what is {word}", answer="4") for word in ("two", "it")]
    found = vectors(method.train(str(tiny), asked, out=tmp_path / "run").folder)
    assert [each.shape for each in found] == [(WIDTH,)] * N_LAYERS
    assert all(each.abs().max() > 0 for each in found)


def test_what_it_cannot_be_put_on_is_refused_with_a_remedy(tiny: Path, sft: Sft) -> None:
    with pytest.raises(TrainingError, match="leave one out"):
        replace(sft, lora=4)
    network = HfModel(str(tiny)).network
    network.model.layers[1].post_feedforward_layernorm = torch.nn.Identity()
    with pytest.raises(ModelError, match="use lora"):
        adapters.layer_bias(network, "tiny")


def test_an_adapter_of_vectors_is_not_trained_further(tiny: Path, sft: Sft, tmp_path: Path) -> None:
    done = sft.train(str(tiny), PROBLEMS, out=tmp_path / "run")
    with pytest.raises(ModelError, match="train from its base"):
        _ = TrainableModel(str(done.folder), lora=None).network
    assert locate(str(done.folder)).adapter == done.folder


def test_a_run_that_was_begun_before_there_was_a_layer_bias_goes_on(sft: Sft) -> None:
    assert "layer_bias" not in replace(sft, layer_bias=False).bound_to()
    assert sft.bound_to()["layer_bias"] is True
