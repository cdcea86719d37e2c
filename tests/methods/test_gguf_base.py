"""Can a GGUF file be trained on, and what was trained be loaded when the cache is gone?"""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
pytest.importorskip("gguf")

from tiny_gguf import write_gguf  # noqa: E402

from twofold.methods import Sft  # noqa: E402
from twofold.methods.trl.checkpoints import name_base  # noqa: E402
from twofold.methods.trl.trainable_model import TrainableModel  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.types import Problem  # noqa: E402

PROBLEMS = [Problem(question="what is two and two", answer="4")]
IDS = torch.tensor([[1, 40, 7, 99]])


def trained(base: Path, out: Path, *, lora: int | None) -> Path:
    file = out.parent / "said.jsonl"
    file.write_text(json.dumps({"problem": PROBLEMS[0].id, "raw": "it is four"}))
    method = Sft(
        demonstrations=file, learning_rate=1e-2, epochs=2, batch=1, save_steps=1, lora=lora
    )
    return method.train(str(base), PROBLEMS, out=out).folder


def logits(model: str | Path) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = HfModel(str(model), use_cache=False).network(IDS).logits
    return found


def test_an_adapter_names_the_file_and_not_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_gguf(tmp_path / "base.gguf", "qwen2", tied=False)
    monkeypatch.chdir(tmp_path)
    out = trained(Path("base.gguf"), tmp_path / "run", lora=2)
    for folder in (out, *out.glob("checkpoint-*")):
        config = json.loads((folder / "adapter_config.json").read_text())
        assert config["base_model_name_or_path"] == str(tmp_path / "base.gguf")
        assert config["r"] == 2
    assert len(list(out.glob("checkpoint-*"))) == 2
    before = logits(out)
    assert not torch.equal(before, logits("base.gguf"))
    shutil.rmtree(tmp_path / "cache")
    monkeypatch.chdir("/")
    assert torch.equal(logits(out), before)
    sha256 = hashlib.sha256((tmp_path / "base.gguf").read_bytes()).hexdigest()
    (kept,) = json.loads((out / "manifest.json").read_text())["base_weights"]
    assert sha256 in kept
    assert HfModel(str(out)).observed().keys() == {"trained_from"}
    write_gguf(tmp_path / "base.gguf", "qwen2", tied=False, stored="Q8_0")
    other = {"adapter": str(out), "base": str(tmp_path / "base.gguf")}
    assert HfModel(str(out)).observed()["replaced_base"] == other


def test_an_adapter_names_a_folder_so_that_it_is_found_from_elsewhere(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(tiny, tmp_path / "base")
    monkeypatch.chdir(tmp_path)
    out = trained(Path("base"), tmp_path / "run", lora=2)
    for folder in (out, *out.glob("checkpoint-*")):
        config = json.loads((folder / "adapter_config.json").read_text())
        assert config["base_model_name_or_path"] == str(tmp_path / "base")
    before = logits(out)
    monkeypatch.chdir("/")
    assert torch.equal(logits(out), before)


def test_all_weights_are_trained_and_saved_whole(tmp_path: Path) -> None:
    write_gguf(tmp_path / "base.gguf", tied=True)
    out = trained(tmp_path / "base.gguf", tmp_path / "run", lora=None)
    (tmp_path / "base.gguf").unlink()
    shutil.rmtree(tmp_path / "cache")
    assert logits(out).shape == (1, 4, 277)


def test_only_converted_bases_are_named_anew(tiny: Path, tmp_path: Path) -> None:
    write_gguf(tmp_path / "base.gguf")
    assert TrainableModel(str(tmp_path / "base.gguf"), lora=None).source.endswith("/base.gguf")
    assert TrainableModel(str(tiny), lora=None).source == ""
    written = '{"base_model_name_or_path": "b"}'
    (tmp_path / "adapter_config.json").write_text(written)
    name_base(tmp_path, "")
    assert (tmp_path / "adapter_config.json").read_text() == written
