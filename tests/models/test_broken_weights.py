"""Are broken weights refused, and is what is loaded what was hashed?"""

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

from safetensors.torch import load_file, save_file  # noqa: E402
from tiny_llama import copy_of, write_tiny  # noqa: E402

from twofold.errors import ModelError  # noqa: E402
from twofold.models import loading  # noqa: E402
from twofold.models.cache import Cache  # noqa: E402
from twofold.models.checkpoint import locate  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.types import FinishReason, Sampling  # noqa: E402

CHAT = [[{"role": "user", "content": "two"}]]
FEW = Sampling(max_tokens=3)
Tensors = dict[str, Any]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))


def load(folder: Path) -> Any:
    place = torch.device("cpu")
    return loading.load_network(locate(str(folder)), place=place, dtype=torch.float32)


def refused(folder: Path, match: str) -> None:
    with pytest.raises(ModelError, match=match):
        load(folder)


def edit(folder: Path, change: Callable[[Tensors], object]) -> Path:
    """Change the tensors of a folder's single file."""
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


def shard(folder: Path, n: int = 3) -> Path:
    """Split the single file into `n`, with an index."""
    tensors = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    where = {name: f"model-{1 + i % n:05}-of-{n:05}.safetensors" for i, name in enumerate(tensors)}
    for file in sorted({*where.values()}):
        part = {name: tensors[name] for name in tensors if where[name] == file}
        save_file(part, folder / file, {"format": "pt"})
    index = {"metadata": {}, "weight_map": where}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def set_number(tensor: Any, number: float) -> Any:
    tensor.view(-1)[tensor.numel() // 2] = number
    return tensor


CHANGES: dict[str, tuple[Callable[[Tensors, str], object], str]] = {
    "removed": (lambda t, name: t.pop(name), "not in the files.*copy the model again"),
    "renamed": (lambda t, name: t.update({f"x.{name}": t.pop(name)}), "copy the model again"),
    "added": (lambda t, name: t.update({f"{name}.x": t[name].clone()}), "not in the network"),
    "NaN": (lambda t, name: set_number(t[name], float("nan")), "not finite.*earlier checkpoint"),
    "infinite": (lambda t, name: set_number(t[name], float("-inf")), "not finite"),
    "cut": (lambda t, name: t.update({name: t[name][:-1].contiguous()}), "copy"),
    "with an axis": (lambda t, name: t.update({name: t[name][None].contiguous()}), "copy"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_broken_tensor_is_refused(tiny: Path, tmp_path: Path, change: str) -> None:
    how, message = CHANGES[change]
    names = sorted(load_file(tiny / "model.safetensors"))
    assert len(names) > 20
    for i, name in enumerate(names):
        folder = copy_of(tiny, tmp_path / str(i))
        refused(edit(folder, lambda tensors, name=name: how(tensors, name)), message)
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "fields",
    [
        {"num_hidden_layers": 1},
        {"num_hidden_layers": 3},
        {"num_hidden_layers": 10**9},
        {"num_hidden_layers": -1},
        {"num_hidden_layers": "two"},
        {"num_hidden_layers": 1.5},
        {"hidden_size": 16},
        {"hidden_size": 0},
        {"vocab_size": 1},
        {"vocab_size": 10**6},
        {"num_attention_heads": 0},
        {"num_attention_heads": 8},
        {"num_key_value_heads": 4},
        {"intermediate_size": 32},
        {"attention_bias": True},
        {"model_type": "no_such_model"},
        {"model_type": "bert"},
        {"model_type": "clip"},
        {"model_type": 5},
        {"model_type": "gpt2"},
        {"model_type": "mistral", "sliding_window": "wide"},
        {"rope_parameters": 7},
        {"rope_parameters": {"rope_type": "no_such_rope"}},
        {"hidden_act": "no_such_function"},
        {"auto_map": {"AutoModelForCausalLM": "evil.Model"}, "model_type": "evil"},
        {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
    ],
    ids=str,
)
def test_a_config_that_is_not_the_weights_is_refused(
    tiny: Path, tmp_path: Path, fields: dict[str, object]
) -> None:
    folder = copy_of(tiny, tmp_path / "m", config=fields)
    refused(folder, "copy")
    with pytest.raises(ModelError):
        _ = HfModel(str(folder), use_cache=False).capacity
        load(folder)


def test_whole_weights_are_loaded_single_and_sharded(tiny: Path, tmp_path: Path) -> None:
    single, parts = load(tiny), load(shard(copy_of(tiny, tmp_path / "m")))
    same = zip(single.parameters(), parts.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in same)


def test_tied_weights_are_not_missing(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path / "m", config={"tie_word_embeddings": True})
    network = load(edit(folder, lambda tensors: tensors.pop("lm_head.weight")))
    assert network.lm_head.weight is network.model.embed_tokens.weight


def reindexed(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    file = folder / "model.safetensors.index.json"
    index = json.loads(file.read_text())
    change(index["weight_map"])
    file.write_text(json.dumps(index))


def to_pickle(folder: Path, mark: Path) -> None:
    """A pickle beside the weights that makes `mark` when it is loaded."""

    class Evil:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return os.mkdir, (str(mark),)

    for name in ("pytorch_model.bin", "pytorch_model-00001-of-00001.bin", "adapter_model.bin"):
        (folder / name).write_bytes(pickle.dumps(Evil()))


LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "a pickle": lambda m: m.update(dict.fromkeys(m, "pytorch_model.bin")),
    "one pickle": lambda m: m.update({"lm_head.weight": "pytorch_model.bin"}),
    "a file above": lambda m: m.update({"lm_head.weight": "../m/model-00001-of-00003.safetensors"}),
    "an absolute path": lambda m: m.update({"lm_head.weight": "/etc/passwd"}),
    "an absolute path to weights": lambda m: m.update({"lm_head.weight": "/x.safetensors"}),
    "a missing file": lambda m: m.update({"lm_head.weight": "model-00009-of-00003.safetensors"}),
    "a number": lambda m: m.update({"lm_head.weight": 5}),
    "a list": lambda m: m.update({"lm_head.weight": ["a"]}),
    "nothing": lambda m: m.clear(),
    "too few files": lambda m: m.update(dict.fromkeys(m, "model-00001-of-00003.safetensors")),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_index_that_lies_is_refused(tiny: Path, tmp_path: Path, lie: str) -> None:
    folder = shard(copy_of(tiny, tmp_path / "m"))
    to_pickle(folder, tmp_path / "loaded")
    reindexed(folder, LIES[lie])
    with pytest.raises(ModelError, match=r"copy|save_pretrained"):
        load(folder)
    assert not (tmp_path / "loaded").exists()


@pytest.mark.parametrize("text", ["{}", "[]", '{"weight_map": 5}', "{", "[" * 100_000])
def test_an_index_that_is_none_is_refused(tiny: Path, tmp_path: Path, text: str) -> None:
    folder = shard(copy_of(tiny, tmp_path / "m"))
    (folder / "model.safetensors.index.json").write_text(text)
    refused(folder, "copy the model again")


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_missing_broken_or_doubled_shard_is_refused(
    tiny: Path, tmp_path: Path, number: int
) -> None:
    folder = shard(copy_of(tiny, tmp_path / "m"))
    file = folder / f"model-{number:05}-of-00003.safetensors"
    whole = file.read_bytes()
    for content in (whole[:-1], whole[: len(whole) // 2], b"", whole[:8], b"\xff" * 100):
        file.write_bytes(content)
        refused(folder, "copy it again")
    file.unlink()
    refused(folder, "copy the model again")
    shutil.copy(folder / f"model-{1 + number % 3:05}-of-00003.safetensors", file)
    refused(folder, "both hold")


def test_a_decoy_beside_pickles_is_refused_and_nothing_is_run(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    (folder / "model.safetensors").rename(folder / "decoy.safetensors")
    to_pickle(folder, tmp_path / "loaded")
    names = dict.fromkeys(load_file(folder / "decoy.safetensors"), "pytorch_model.bin")
    for index in ("pytorch_model.bin.index.json", "model.safetensors.index.json"):
        (folder / index).write_text(json.dumps({"weight_map": names}))
        refused(folder, r"no file model\.safetensors|names 'pytorch_model\.bin'")
    (folder / "config.json").write_text(
        json.dumps(
            json.loads((folder / "config.json").read_text())
            | {"transformers_weights": "decoy.safetensors"}
        )
    )
    refused(folder, "transformers_weights")
    assert not (tmp_path / "loaded").exists()


# ---------------------------------------------------------------- what was hashed


def fingerprint(folder: Path) -> dict[str, object]:
    return HfModel(str(folder)).fingerprint()


def test_every_file_that_is_loaded_is_in_the_fingerprint(tiny: Path, tmp_path: Path) -> None:
    folder = shard(copy_of(tiny, tmp_path / "m"))
    first = fingerprint(folder)
    (folder / "README.md").write_text("no part of it")
    (folder / "unrelated.safetensors").write_bytes(b"no part of it")
    assert fingerprint(folder) == first
    files = [
        f for f in sorted(folder.iterdir()) if f.name not in ("README.md", "unrelated.safetensors")
    ]
    assert len(files) >= 8
    for file in files:
        whole = file.read_bytes()
        file.write_bytes(whole + b"\n" if file.suffix != ".safetensors" else whole[:-1] + b"\x01")
        assert fingerprint(folder) != first, file.name
        file.write_bytes(whole)
    assert fingerprint(folder) == first


def test_same_size_and_time_is_not_the_same_file(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    file = folder / "model.safetensors"
    first, times = fingerprint(folder), file.stat()
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (times.st_size, times.st_mtime_ns)
    assert fingerprint(folder)["weights_sha256"] != first["weights_sha256"]


def test_a_hash_is_kept_only_of_a_file_at_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, cache = tmp_path / "f", Cache(tmp_path / "c")
    file.write_bytes(b"abc")
    put: list[object] = []
    monkeypatch.setattr(Cache, "put", lambda self, entries: put.append(entries))
    cache.file_sha256(file)
    assert put == []
    now = file.stat().st_ctime_ns
    monkeypatch.setattr("twofold.models.cache.time.time_ns", lambda: now + 4 * 10**9)
    cache.file_sha256(file)
    assert len(put) == 1


def test_files_that_change_before_they_are_loaded_are_refused(tiny: Path, tmp_path: Path) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    model = HfModel(str(folder))
    model.fingerprint()
    edit(folder, lambda tensors: set_number(tensors["lm_head.weight"], 1.0))
    with pytest.raises(ModelError, match="changed while they were in use"):
        model.sample(CHAT, FEW)
    untouched = HfModel(str(copy_of(tiny, tmp_path / "n")))
    untouched.fingerprint()
    for file in (tmp_path / "n").iterdir():
        file.touch()
    assert untouched.network is not None


# ---------------------------------------------------------------- logits


def test_logits_that_are_no_numbers_are_failed_replies(tiny: Path) -> None:
    model = HfModel(str(tiny), use_cache=False)
    prompts = [[{"role": "user", "content": text}] for text in ("two", "is it", "four and two")]
    good = model.sample(prompts, Sampling(max_tokens=8))
    marked = model.tokenizer("four", add_special_tokens=False).input_ids[0]
    weight = model.network.get_input_embeddings().weight
    with torch.no_grad():
        weight[marked] = float("nan")  # after loading, where only logits can show it
    for sampling in (Sampling(max_tokens=8), Sampling(max_tokens=8, temperature=1.0, top_p=0.9)):
        said = model.sample(prompts, sampling)
        assert said[2][0].finish_reason is FinishReason.failed
        assert "logits are not numbers" in said[2][0].error
        assert said[2][0].unscored() is not None
        if sampling.temperature == 0:
            assert said[:2] == good[:2]


def test_infinite_logits_are_no_numbers_either(tiny: Path) -> None:
    model = HfModel(str(tiny), use_cache=False)
    with torch.no_grad():
        model.network.lm_head.weight.fill_(3e38)
    ((reply,),) = model.sample(CHAT, FEW)
    assert reply.finish_reason is FinishReason.failed


# ---------------------------------------------------------------- odd folders


def test_a_pipe_for_a_file_is_refused_at_once(tiny: Path, tmp_path: Path) -> None:
    for i, name in enumerate(("config.json", "model.safetensors")):
        folder = copy_of(tiny, tmp_path / str(i))
        (folder / name).unlink()
        os.mkfifo(folder / name)
        with pytest.raises(ModelError, match="copy the model again"):
            load(folder)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_folder_or_a_dead_link_for_a_file_is_refused(
    tiny: Path, tmp_path: Path, name: str
) -> None:
    for i, make in enumerate(
        (Path.mkdir, lambda p: p.symlink_to("gone"), lambda p: p.symlink_to(p))
    ):
        folder = copy_of(tiny, tmp_path / str(i))
        (folder / name).unlink()
        make(folder / name)
        with pytest.raises(ModelError):
            HfModel(str(folder), use_cache=False).sample(CHAT, FEW)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "\x00", "5", "[" * 100_000, '{"a": ' + "9" * 5000 + "}"]
)
@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "tokenizer_config.json"])
def test_a_settings_file_that_is_broken_is_refused(
    tiny: Path, tmp_path: Path, name: str, text: str
) -> None:
    folder = copy_of(tiny, tmp_path / "m")
    (folder / name).write_text(text)
    with pytest.raises(ModelError):
        model = HfModel(str(folder), use_cache=False)
        model.fingerprint()
        model.sample(CHAT, FEW)


@pytest.mark.parametrize(
    "spec", ["a\x00b", "x/" * 3000, "~nobody-of-this-name/m", "a" * 300 + "/b"]
)
def test_what_is_no_path_is_refused(spec: str) -> None:
    with pytest.raises(ModelError):
        locate(spec)
