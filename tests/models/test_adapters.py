"""Is an adapter put on its base with every tensor of its file, tokens added in training included?"""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
peft = pytest.importorskip("peft")

from safetensors.torch import load_file, save_file  # noqa: E402
from tiny_llama import copy_of, write_tiny  # noqa: E402

from twofold.errors import ModelError  # noqa: E402
from twofold.methods.trl.trainable_model import TrainableModel  # noqa: E402
from twofold.models.checkpoint import locate  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.models.quiet import quiet  # noqa: E402
from twofold.types import FinishReason, Sampling  # noqa: E402

ADDED = ["<|tool|>", "<|end_of_tool|>", "<a>", "<b>", "<c>"]
FEW = Sampling(max_tokens=8)
CHAT = [[{"role": "user", "content": "two"}]]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny"))


def trained(
    base: Path, to: Path, *, added: int = 0, rows: int = 0, tied: bool = False, **lora: Any
) -> tuple[Path, Any]:
    """An adapter on `base` with `added` tokens and `rows` more rows, and its network as trained."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    tokenizer.add_tokens(ADDED[:added])
    with quiet(), torch.random.fork_rng():
        torch.manual_seed(5)
        network = transformers.AutoModelForCausalLM.from_pretrained(base)
        if rows:
            n_rows = network.get_input_embeddings().weight.shape[0] + rows
            network.resize_token_embeddings(n_rows, mean_resizing=False)
        settings = {"r": 2, "target_modules": ["q_proj", "v_proj"], "init_lora_weights": False}
        model = peft.get_peft_model(network, peft.LoraConfig(**(settings | lora)))
        for name, weight in model.named_parameters():
            if weight.requires_grad and "lora" not in name:
                with torch.no_grad():
                    weight.add_(torch.randn_like(weight) * 0.1)
        model.save_pretrained(to)
    tokenizer.save_pretrained(to)
    return to, model.eval()


EMBEDDINGS = ["embed_tokens", "lm_head"]


@pytest.mark.parametrize(
    ("added", "rows", "lora"),
    [
        (0, 0, {}),
        (5, 5, {"modules_to_save": EMBEDDINGS}),  # the case that was reported
        (5, 11, {"modules_to_save": EMBEDDINGS}),  # padded to a multiple
        (5, 5, {}),  # PEFT saves resized embeddings by itself
        (0, -1, {"modules_to_save": EMBEDDINGS}),  # fewer rows than the base
        (0, 0, {"modules_to_save": EMBEDDINGS}),
        (0, 0, {"target_modules": ["q_proj", "embed_tokens", "lm_head"]}),
        (0, 0, {"use_dora": True}),
        (0, 0, {"use_rslora": True, "target_modules": "all-linear"}),
        (0, 0, {"trainable_token_indices": [3, 4]}),
    ],
    ids=str,
)
def test_an_adapter_answers_as_it_was_trained(
    tiny: Path, tmp_path: Path, added: int, rows: int, lora: dict[str, Any]
) -> None:
    folder, network = trained(tiny, tmp_path / "a", added=added, rows=rows, **lora)
    model = HfModel(str(folder), use_cache=False)
    n_rows = network.get_input_embeddings().weight.shape[0]
    assert model.network.get_input_embeddings().weight.shape[0] == n_rows
    assert len(model.tokenizer) == 277 + added
    ids = torch.arange(n_rows - 12, n_rows)[None]
    with torch.inference_mode():
        torch.testing.assert_close(
            model.network(ids).logits, network(ids).logits, atol=1e-4, rtol=1e-4
        )
    ((reply,),) = model.sample(CHAT, FEW)
    assert reply.finish_reason is not FinishReason.failed


def test_tied_embeddings_are_resized_once(tiny: Path, tmp_path: Path) -> None:
    base = copy_of(tiny, tmp_path / "base", config={"tie_word_embeddings": True})
    tensors = load_file(base / "model.safetensors")
    del tensors["lm_head.weight"]
    save_file(tensors, base / "model.safetensors", {"format": "pt"})
    folder, network = trained(base, tmp_path / "a", added=5, rows=5)
    ids = torch.arange(260, 282)[None]
    with torch.inference_mode():
        found = HfModel(str(folder), use_cache=False).network(ids).logits
        torch.testing.assert_close(found, network(ids).logits, atol=1e-4, rtol=1e-4)


def test_an_adapter_with_added_tokens_is_trained_on(tiny: Path, tmp_path: Path) -> None:
    folder, network = trained(tiny, tmp_path / "a", added=5, rows=5, modules_to_save=EMBEDDINGS)
    merged = TrainableModel(str(folder), lora=None).network
    assert merged.get_input_embeddings().weight.shape[0] == 282
    ids = torch.arange(260, 282)[None]
    with torch.inference_mode():
        torch.testing.assert_close(merged(ids).logits, network(ids).logits, atol=1e-3, rtol=1e-3)


def change(folder: Path, how: Callable[[dict[str, Any]], object]) -> None:
    tensors = load_file(folder / "adapter_model.safetensors")
    how(tensors)
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})


def refused(folder: Path, match: str) -> None:
    with pytest.raises(ModelError, match=match):
        HfModel(str(folder), use_cache=False).sample(CHAT, FEW)


CHANGES: dict[str, Callable[[dict[str, Any], str], object]] = {
    "removed": lambda t, name: t.pop(name),
    "renamed": lambda t, name: t.update({name.replace("model", "net"): t.pop(name)}),
    "NaN": lambda t, name: t[name].view(-1)[:1].fill_(float("nan")),
    "cut": lambda t, name: t.update({name: t[name][:, :-1].contiguous()}),
}


@pytest.mark.parametrize("how", CHANGES)
def test_every_broken_tensor_of_an_adapter_is_refused(tiny: Path, tmp_path: Path, how: str) -> None:
    """PEFT saves embeddings up to three times; without one copy the others still decide."""
    whole, network = trained(tiny, tmp_path / "whole", added=5, rows=5, modules_to_save=EMBEDDINGS)
    ids, n_refused = torch.arange(260, 282)[None], 0
    names = sorted(load_file(whole / "adapter_model.safetensors"))
    for i, name in enumerate(names):
        folder = Path(shutil.copytree(whole, tmp_path / str(i)))
        change(folder, lambda tensors, name=name: CHANGES[how](tensors, name))
        try:
            found = HfModel(str(folder), use_cache=False).network
        except ModelError as error:
            n_refused += 1
            assert "does not fit its base" in str(error) or "not finite" in str(error)
        else:
            assert "lora" not in name
            with torch.inference_mode():
                torch.testing.assert_close(
                    found(ids).logits, network(ids).logits, atol=1e-4, rtol=1e-4
                )
    assert n_refused >= len(names) - 4


def test_keys_that_match_nothing_are_refused(tiny: Path, tmp_path: Path) -> None:
    folder, _ = trained(tiny, tmp_path / "a")
    change(folder, lambda t: [t.update({f"other.{k}": t.pop(k)}) for k in list(t)])
    refused(folder, "is not in its file.*check base_model_name_or_path")
    change(folder, lambda t: t.clear())
    refused(folder, "is not in its file")


@pytest.mark.parametrize(
    "fields",
    [
        {"target_modules": ["no_such_layer"]},
        {"target_modules": ["q_proj", "k_proj", "v_proj"]},
        {"target_modules": ["q_proj"]},
        {"target_modules": 5},
        {"r": 3},
        {"r": 0},
        {"r": "two"},
        {"peft_type": "NO_SUCH_TYPE"},
        {"peft_type": "PREFIX_TUNING"},
        {"peft_type": None},
        {"modules_to_save": ["lm_head"]},
        {"layers_to_transform": [7]},
        {"no_such_setting": {"a": 1}, "target_modules": []},
        {"base_model_name_or_path": 5},
        {"base_model_name_or_path": ""},
    ],
    ids=str,
)
def test_a_config_that_is_not_the_adapter_is_refused(
    tiny: Path, tmp_path: Path, fields: dict[str, object]
) -> None:
    whole, _ = trained(tiny, tmp_path / "whole")
    folder = copy_of(whole, tmp_path / "a", adapter_config=fields)
    refused(folder, "adapter")


def test_an_adapter_of_a_wider_base_is_refused(tiny: Path, tmp_path: Path) -> None:
    folder, _ = trained(tiny, tmp_path / "a")
    config = json.loads((tiny / "config.json").read_text())
    with quiet():
        wide = transformers.LlamaForCausalLM(
            transformers.LlamaConfig(**(config | {"hidden_size": 64}))
        )
        wide.save_pretrained(tmp_path / "wide")
    file = folder / "adapter_config.json"
    there = json.loads(file.read_text()) | {"base_model_name_or_path": str(tmp_path / "wide")}
    file.write_text(json.dumps(there))
    refused(folder, "does not fit its base")


@pytest.mark.parametrize("kept", [[], ["embed_tokens"], ["lm_head"]])
def test_added_tokens_without_weights_are_refused(
    tiny: Path, tmp_path: Path, kept: list[str]
) -> None:
    folder, _ = trained(tiny, tmp_path / "a", added=5, rows=5, modules_to_save=EMBEDDINGS)
    gone = [name for name in EMBEDDINGS if name not in kept]
    change(folder, lambda t: [t.pop(k) for k in list(t) if any(name in k for name in gone)])
    if kept:
        refused(folder, "does not hold the weights of the added ones|is not in its file")
    else:
        refused(folder, "does not fit its base")


def test_a_token_without_embedding_is_a_failed_reply_not_a_crash(
    tiny: Path, tmp_path: Path
) -> None:
    folder, _ = trained(tiny, tmp_path / "a", added=5)
    model = HfModel(str(folder), use_cache=False)
    prompts = [[{"role": "user", "content": text}] for text in ("two", "two <a>")]
    good, bad = model.sample(prompts, FEW)
    assert good[0].finish_reason is not FinishReason.failed
    assert "token 279 and the network has embeddings for 277" in bad[0].error


def test_more_embeddings_than_tokens_are_no_obstacle(tiny: Path, tmp_path: Path) -> None:
    with quiet():
        network = transformers.AutoModelForCausalLM.from_pretrained(tiny)
        network.resize_token_embeddings(320, mean_resizing=False)
        with torch.no_grad():
            network.lm_head.weight[300:] *= 50  # so that padding rows are sampled
        folder = copy_of(tiny, tmp_path / "m")
        network.generation_config = transformers.GenerationConfig(eos_token_id=2)
        network.save_pretrained(folder)
    model = HfModel(str(folder), use_cache=False)
    ((reply,),) = model.sample(CHAT, FEW)
    assert reply.ids is not None
    assert max(reply.ids) >= 300
    assert reply.raw.strip() == reply.reply


# ---------------------------------------------------------------- folders


def based_on(folder: Path, base: Path | str) -> Path:
    folder.mkdir(exist_ok=True)
    config = {"base_model_name_or_path": str(base), "peft_type": "LORA"}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "adapter_model.safetensors").write_bytes(b"")
    return folder


def test_adapters_based_on_themselves_are_refused(tmp_path: Path) -> None:
    itself = based_on(tmp_path / "a", tmp_path / "a")
    around = based_on(tmp_path / "b", tmp_path / "c"), based_on(tmp_path / "c", tmp_path / "b")
    linked = based_on(tmp_path / "d", tmp_path / "link")
    (tmp_path / "link").symlink_to(linked)
    for folder in (itself, *around, linked):
        with pytest.raises(ModelError, match="an adapter on the adapter"):
            locate(str(folder))


@pytest.mark.parametrize("base", ["a\x00b", "x" * 5000, "~nobody-of-this-name", "."])
def test_a_base_that_is_no_path_is_refused(tmp_path: Path, base: str) -> None:
    with pytest.raises(ModelError, match="adapter"):
        locate(str(based_on(tmp_path / "a", base)))


def test_a_pickled_adapter_beside_a_decoy_is_not_loaded(tiny: Path, tmp_path: Path) -> None:
    folder, _ = trained(tiny, tmp_path / "a")

    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(tmp_path / "loaded"),)

    (folder / "adapter_model.bin").write_bytes(pickle.dumps(Evil()))
    (folder / "adapter_model.safetensors").rename(folder / "decoy.safetensors")
    refused(folder, r"no file adapter_model\.safetensors")
    assert not (tmp_path / "loaded").exists()


def test_the_fingerprint_follows_every_file_of_an_adapter(tiny: Path, tmp_path: Path) -> None:
    folder, _ = trained(tiny, tmp_path / "a", added=5, rows=5, modules_to_save=EMBEDDINGS)

    def mark() -> dict[str, object]:
        return HfModel(str(folder), use_cache=False).fingerprint()

    first = mark()
    for file in sorted(folder.iterdir()):
        if file.name == "README.md":
            continue
        whole = file.read_bytes()
        file.write_bytes(whole + b"\n" if file.suffix != ".safetensors" else whole[:-1] + b"\x01")
        assert mark() != first, file.name
        file.write_bytes(whole)
    assert mark() == first
