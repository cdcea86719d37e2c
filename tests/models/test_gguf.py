"""Is a GGUF file the model that it says, everywhere, or refused with a remedy?"""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytest.importorskip("gguf")

from safetensors.torch import load_file  # noqa: E402
from tiny_gguf import INNER, N_HEADS, N_KV, N_LAYERS, WIDTH, write_gguf  # noqa: E402
from tiny_llama import SPECIAL, TEMPLATE, tiny_tokenizer  # noqa: E402

from twofold.errors import ModelError  # noqa: E402
from twofold.models import gguf, resolve  # noqa: E402
from twofold.models.checkpoint import locate  # noqa: E402
from twofold.models.gguf_header import header_of  # noqa: E402
from twofold.models.hf import HfModel  # noqa: E402
from twofold.models.quiet import quiet  # noqa: E402
from twofold.types import Sampling  # noqa: E402

CHAT: list[Any] = [{"role": "user", "content": "what is two and two"}]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    write_gguf(tmp_path / "tiny.gguf")
    return tmp_path / "tiny.gguf"


def left(cache: Path) -> list[str]:
    return sorted(p.name for p in (cache / "models").iterdir() if p.suffix != ".lock")


def network_of(kind: str, weights: dict[str, Any], *, tied: bool) -> Any:
    """The network that these weights are of, made without a GGUF file."""
    made = {"llama": transformers.LlamaConfig, "qwen2": transformers.Qwen2Config}[kind](
        vocab_size=len(tiny_tokenizer()),
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=N_LAYERS,
        num_attention_heads=N_HEADS,
        num_key_value_heads=N_KV,
        max_position_embeddings=256,
        rms_norm_eps=1e-6,
        tie_word_embeddings=tied,
    )
    network = transformers.AutoModelForCausalLM.from_config(made)
    told = network.load_state_dict(
        {k: torch.from_numpy(v.copy()) for k, v in weights.items()}, strict=False
    )
    assert set(told.missing_keys) <= ({"lm_head.weight"} if tied else set())
    assert not told.unexpected_keys
    network.tie_weights()
    return network.eval()


@pytest.mark.parametrize("tied", [True, False], ids=["tied", "untied"])
@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_no_weight_is_lost_and_the_head_is_the_right_one(
    tmp_path: Path, kind: str, tied: bool
) -> None:
    weights = write_gguf(tmp_path / "m.gguf", kind, tied=tied)
    model = resolve(tmp_path / "m.gguf")
    assert isinstance(model, HfModel)
    folder = locate(str(tmp_path / "m.gguf")).folder
    saved = load_file(folder / "model.safetensors")
    assert saved.keys() == weights.keys()
    for name, values in weights.items():
        assert torch.equal(saved[name], torch.from_numpy(values)), name
    network = model.network
    head, embedding = network.get_output_embeddings(), network.get_input_embeddings()
    assert (head.weight is embedding.weight) == tied
    ids = torch.tensor([[1, 40, 7, 99, 250, 12]])
    with torch.inference_mode():
        right = network_of(kind, weights, tied=tied)(ids).logits
        assert torch.equal(network(ids).logits, right)


@pytest.mark.parametrize(
    ("stored", "dtype"),
    [("Q8_0", "bfloat16"), ("Q5_0", "bfloat16"), ("BF16", "bfloat16"), ("F16", "float32")],
)
def test_what_is_quantised_becomes_bfloat16_and_what_is_not_stays_exact(
    tmp_path: Path, stored: str, dtype: str
) -> None:
    weights = write_gguf(tmp_path / "m.gguf", tied=False, stored=stored)
    there = locate(str(tmp_path / "m.gguf"))
    assert there.number_format == dtype
    for name, saved in load_file(there.folder / "model.safetensors").items():
        right = torch.from_numpy(weights[name]).to(getattr(torch, dtype))
        assert torch.equal(saved, right), name


def test_tokenizer_template_and_ends_are_the_files(tiny: Path) -> None:
    model, right = HfModel(str(tiny), use_cache=False), tiny_tokenizer()
    assert model.tokenizer.chat_template == TEMPLATE
    assert model.render(CHAT) == (
        "<|im_start|>user\nwhat is two and two<|im_end|>\n<|im_start|>assistant\n"
    )
    for text in (model.render(CHAT), " is  it\n\n4,5 naïve", "<think>four</think>"):
        ids = model.tokenizer(text, add_special_tokens=False).input_ids
        assert ids == right(text, add_special_tokens=False).input_ids
    assert [model.tokenizer.convert_ids_to_tokens(i) for i in model.eos] == [SPECIAL[2]]


def test_the_fingerprint_names_the_file_by_its_content(tiny: Path, tmp_path: Path) -> None:
    shutil.copy(tiny, tmp_path / "copy.gguf")
    prints = [HfModel(str(file)).fingerprint() for file in (tiny, tmp_path / "copy.gguf")]
    assert hashlib.sha256(tiny.read_bytes()).hexdigest() in str(prints[0]["origin"])
    assert [p.pop("spec") for p in prints] == [str(tiny), str(tmp_path / "copy.gguf")]
    assert prints[0] == prints[1]
    write_gguf(tiny, tied=False)
    assert HfModel(str(tiny)).fingerprint()["weights_sha256"] != prints[0]["weights_sha256"]


def test_it_is_converted_once(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = gguf.converted(tiny)
    monkeypatch.setattr(gguf, "_convert", lambda *_: pytest.fail("converted again"))
    assert gguf.converted(tiny) == first


def test_a_folder_that_lost_a_file_is_made_again(tiny: Path, own_cache: Path) -> None:
    """What cleans a cache takes single files."""
    for make in (lambda: gguf.converted(tiny).folder, lambda: gguf.without_weights(tiny)):
        folder = make()
        before = {file.name: file.read_bytes() for file in folder.iterdir()}
        for lost in before:
            (folder / lost).unlink()
            make()
            assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert len(left(own_cache)) == 2


def test_a_lost_part_of_the_weights_is_made_again(tiny: Path) -> None:
    folder = gguf.converted(tiny).folder
    part = "model-00001-of-00001.safetensors"
    index = folder / "model.safetensors.index.json"
    (folder / "model.safetensors").rename(folder / part)
    index.write_text(json.dumps({"weight_map": {"lm_head.weight": part}}))
    gguf.converted(tiny)
    assert (folder / part).exists()
    (folder / part).unlink()
    gguf.converted(tiny)
    assert (folder / "model.safetensors").exists() and not index.exists()
    index.write_text("{")
    gguf.converted(tiny)
    assert not index.exists()


def test_no_bar_is_shown_while_it_is_converted(
    tiny: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    gguf.converted(tiny)
    told = capfd.readouterr()
    assert "it/s" not in told.out + told.err


def test_a_folder_of_that_name_wins_and_a_missing_file_is_no_hub_id(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(locate(str(tiny)).folder, tmp_path / "folder.gguf")
    assert locate(str(tmp_path / "folder.gguf")).folder == tmp_path / "folder.gguf"
    monkeypatch.chdir(tmp_path)
    for missing in ("organisation/name.gguf", "./no.gguf", "no.GGUF"):
        with pytest.raises(ModelError, match=r"there is no file .*; check the path"):
            resolve(missing)


def test_an_adapter_on_it_is_loaded_with_its_base(tiny: Path, tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    network = HfModel(str(tiny)).network
    with quiet():
        made = peft.get_peft_model(
            network, peft.LoraConfig(r=2, target_modules=["q_proj"], init_lora_weights=False)
        )
        made.peft_config["default"].base_model_name_or_path = str(tiny)
        made.save_pretrained(tmp_path / "adapter")
    model = HfModel(str(tmp_path / "adapter"))
    assert hashlib.sha256(tiny.read_bytes()).hexdigest() in str(model.fingerprint()["origin"])
    ids = torch.tensor([[1, 40, 7]])
    with torch.inference_mode():
        torch.testing.assert_close(model.network(ids).logits, made(ids).logits)


def test_it_judges_and_its_branches_are_scored(tiny: Path) -> None:
    from twofold.judges.spec import judge_named
    from twofold.prefix_scoring import branch_logprobs

    model = HfModel(str(tiny))
    ((found, _),) = branch_logprobs(model, [1, 40, 7], [3], [[5, 6], [9]])
    with torch.inference_mode():
        right = model.network(torch.tensor([[1, 40, 7, 5, 6]])).logits[0, 2:4].log_softmax(-1)
    assert found == pytest.approx(right[[0, 1], [5, 6]].numpy(), abs=1e-5)
    assert judge_named(str(tiny)).name == "log_odds"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no template": ({"template": None}, "has no chat template.*gguf-new-metadata"),
    "blank template": ({"template": " \n"}, "has no chat template.*gguf-new-metadata"),
    "not a model": ({"settings": {"general.type": "mmproj"}}, "type 'mmproj'.*the whole model"),
    "lost scaling": (
        {"settings": {"llama.rope.scaling.type": "yarn"}},
        "positions are scaled by 'yarn', which is lost.*llama-server",
    ),
    "a part": ({"settings": {"split.count": 3}}, "one of 3 parts.*llama-gguf-split --merge"),
    "missing tensor": (
        {"left_out": ("blk.1.ffn_up.weight",)},
        r"does not hold model\.layers\.1\.mlp\.up_proj\.weight, nor 0 other",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_would_be_another_model_is_refused(tmp_path: Path, case: str) -> None:
    given, message = REFUSED[case]
    write_gguf(tmp_path / "m.gguf", **given)
    with pytest.raises(ModelError, match=message):
        resolve(tmp_path / "m.gguf")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


def test_a_tensor_without_a_place_in_the_network_is_refused(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", more={"other.weight": torch.ones(4).numpy()})
    with pytest.raises(ModelError, match=r"as another model.*outside the layers.*other\.weight"):
        resolve(tmp_path / "m.gguf")


def pieces(file: Path, text: str) -> list[str]:
    """How the tokenizer of a file cuts a text before it merges bytes."""
    tokenizer = HfModel(str(file), use_cache=False).tokenizer
    return [piece for piece, _ in tokenizer.backend_tokenizer.pre_tokenizer.pre_tokenize_str(text)]


# In the byte alphabet a space is written as Ġ, and \u010a is a line break.
CUTS = {
    "gpt-2": ["I'll", "Ġ", "Ġ120", "Ċ"],
    "olmo": ["I'll", "Ġ", "Ġ120", "Ċ"],
    "smollm": ["I'll", "ĠĠ", "1", "2", "0", "Ċ"],
    "command-r": ["I'll", "ĠĠ", "1", "2", "0", "Ċ"],
    "qwen2": ["I", "'ll", "Ġ", "Ġ", "1", "2", "0", "Ċ"],
    "llama-bpe": ["I", "'ll", "Ġ", "Ġ", "120", "Ċ"],
}


@pytest.mark.parametrize("name", CUTS)
def test_a_text_is_cut_as_the_file_says(tmp_path: Path, name: str) -> None:
    write_gguf(tmp_path / "m.gguf", pre=name)
    told = [piece for piece in CUTS[name] if piece not in ("I", "'ll", "I'll")]
    found = pieces(tmp_path / "m.gguf", "I'll  120\n")
    assert found[-len(told) :] == told
    assert "".join(found) == "I'llĠĠ120Ċ"


def test_a_word_stays_whole_where_the_vocabulary_says_so(tmp_path: Path) -> None:
    for name, whole in (("llama-bpe", True), ("gpt-2", False), ("qwen2", False)):
        write_gguf(tmp_path / f"{name}.gguf", pre=name)
        tokenizer = HfModel(str(tmp_path / f"{name}.gguf"), use_cache=False).tokenizer
        assert tokenizer.backend_tokenizer.model.ignore_merges is whole


@pytest.mark.parametrize("name", [None, "", "default", "falcon", "deepseek-llm", "GPT-2", "qwen9"])
def test_a_file_that_cuts_texts_in_an_unknown_way_is_refused(
    tmp_path: Path, name: str | None
) -> None:
    write_gguf(tmp_path / "m.gguf", pre=name)
    said = f"as {name!r}, which is not known" if name else "in a way that it does not name"
    with pytest.raises(
        ModelError, match=rf"cuts texts into words {said}.*safetensors.*llama-server"
    ):
        resolve(tmp_path / "m.gguf")
    assert not list((tmp_path / "cache").rglob("*.safetensors"))


LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
READ_BEFORE = 64  # the context of the pretraining


def llama3_factors() -> Any:
    """What llama.cpp's converter writes for `LLAMA3`: by what each of the four frequencies is divided.

    Waves of 6 tokens are shorter than 64 / 4 and stay; those of 628 and 6283 are longer than 64 / 1 and are
    divided by 8; those of 63 lie between, at 64 / 62.83 = 1.0186 of the way from 1 to 4.
    """
    between = (READ_BEFORE / (2 * math.pi * 10) - 1) / (4 - 1)
    return torch.tensor([1.0, 1 / ((1 - between) / 8 + between), 8.0, 8.0]).numpy()


def test_the_factors_of_llama_3_scale_positions_as_its_settings_do(tmp_path: Path) -> None:
    weights = write_gguf(tmp_path / "m.gguf", more={"rope_freqs.weight": llama3_factors()})
    right = network_of("llama", weights, tied=True)
    told = {"rope_type": "llama3", "original_max_position_embeddings": READ_BEFORE, **LLAMA3}
    right.config.rope_parameters = {"rope_theta": 10_000.0, **told}
    scaled = type(right)(right.config).eval()
    scaled.load_state_dict(right.state_dict())
    ids = torch.tensor([[1 + i * 7 % 190 for i in range(200)]])
    with torch.inference_mode():
        found = HfModel(str(tmp_path / "m.gguf"), use_cache=False).network(ids).logits
        torch.testing.assert_close(found, scaled(ids).logits, rtol=1e-4, atol=1e-4)
        assert (found - right(ids).logits).abs().max() > 0.01, "the factors change nothing"


@pytest.mark.parametrize("n", [3, 5])
def test_factors_that_are_not_one_for_each_frequency_are_refused(tmp_path: Path, n: int) -> None:
    write_gguf(tmp_path / "m.gguf", more={"rope_freqs.weight": torch.ones(n).numpy()})
    with pytest.raises(ModelError, match=rf"{n} factors for 4 frequencies.*another conversion"):
        resolve(tmp_path / "m.gguf")


@pytest.mark.parametrize("odd", [0.0, float("nan"), float("inf"), -1.0])
def test_factors_that_are_no_positive_numbers_are_refused(tmp_path: Path, odd: float) -> None:
    more = {"rope_freqs.weight": torch.tensor([1.0, 1.0, odd, 1.0]).numpy()}
    write_gguf(tmp_path / "m.gguf", more=more)
    with pytest.raises(ModelError, match="no positive numbers; download it again"):
        resolve(tmp_path / "m.gguf")


def test_factors_beside_another_scaling_are_refused(tmp_path: Path) -> None:
    more, settings = {"rope_freqs.weight": llama3_factors()}, {"llama.rope.scaling.type": "yarn"}
    write_gguf(tmp_path / "m.gguf", more=more, settings=settings)
    with pytest.raises(ModelError, match="positions are scaled by 'yarn', which is lost"):
        resolve(tmp_path / "m.gguf")


@pytest.mark.parametrize("what", ["tokenizer", "chat template"])
def test_a_tokenizer_that_is_another_after_it_is_saved_is_refused(
    tiny: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    usual = transformers.AutoTokenizer.from_pretrained

    def other(*where: Any, **how: Any) -> Any:
        read = usual(*where, **how)
        if what == "tokenizer":
            read.add_tokens(["What is"])
        else:
            read.chat_template += " "
        return read

    monkeypatch.setattr(transformers.AutoTokenizer, "from_pretrained", other)
    with pytest.raises(ModelError, match=rf"the {what} of .*is another one after it is saved"):
        gguf.converted(tiny)
    assert left(own_cache) == []


def test_an_unknown_architecture_is_refused_with_other_ways(tmp_path: Path) -> None:
    write_gguf(tmp_path / "m.gguf", "clip")
    with pytest.raises(
        ModelError, match=r"transformers cannot read .*architecture 'clip'.*update.*address"
    ):
        resolve(tmp_path / "m.gguf")


def test_one_of_several_parts_is_known_by_its_name(tiny: Path, tmp_path: Path) -> None:
    tiny.rename(tmp_path / "m-00002-of-00003.gguf")
    with pytest.raises(ModelError, match=r"one of 3 parts.*llama-gguf-split --merge"):
        resolve(tmp_path / "m-00002-of-00003.gguf")


@pytest.mark.parametrize("content", [b"", b"GG", b"version https://git-lfs.github.com/spec/v1\n"])
def test_what_is_no_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "m.gguf").write_bytes(content)
    with pytest.raises(ModelError, match=r"is no GGUF file; .*git lfs pull"):
        resolve(tmp_path / "m.gguf")


def test_a_file_that_was_cut_off_anywhere_is_refused(tiny: Path) -> None:
    whole = tiny.read_bytes()
    start = header_of(tiny).start
    for end in [*range(4, start, 97), *range(start, len(whole), len(whole) // 20), len(whole) - 40]:
        tiny.write_bytes(whole[:end])
        with pytest.raises(ModelError, match=r"is cut off or broken.*download or copy it again"):
            header_of(tiny)


def test_a_header_with_any_other_byte_is_read_or_refused(tiny: Path) -> None:
    whole = tiny.read_bytes()
    for at in range(4, header_of(tiny).start, 41):
        for value in (0, 255, whole[at] ^ 1):
            tiny.write_bytes(whole[:at] + bytes([value]) + whole[at + 1 :])
            try:
                header_of(tiny)
            except ModelError:
                continue


def test_too_little_room_is_said_in_bytes_before_anything_is_written(
    tiny: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_values = sum(tensor.n_values for tensor in header_of(tiny).tensors)
    needed = 4 * n_values + 64 * 2**20
    usage = shutil.disk_usage(tiny)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=needed - 1))
    with pytest.raises(
        ModelError, match=rf"needs {needed:,} bytes.*{needed - 1:,} bytes are free.*TWOFOLD_CACHE"
    ):
        gguf.converted(tiny)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=needed))
    assert gguf.converted(tiny).folder.parent == own_cache / "models"


def test_a_disk_that_fills_up_leaves_nothing(
    tiny: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, header: object, folder: Path, dtype: str) -> None:
        (folder / "half").write_text("")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(gguf, "_convert", full)
    with pytest.raises(ModelError, match=r"needs [\d,]+ bytes.*No space left.*TWOFOLD_CACHE"):
        gguf.converted(tiny)
    assert left(own_cache) == []


def test_a_file_that_changes_while_it_is_converted_is_not_kept_as_what_it_was(
    tiny: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder's name is a hash: other weights under it would be loaded for that file ever after."""
    whole, usual = tiny.read_bytes(), gguf._convert
    changed = whole[:-4] + np.float32(5.0).tobytes()  # the last weight: the same file but for it

    def overtaken(source: Path, header: object, folder: Path, dtype: str) -> None:
        source.write_bytes(changed)
        usual(source, header, folder, dtype)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(gguf, "_convert", overtaken)
        with pytest.raises(ModelError, match=r"was changed while it was converted.*same command"):
            locate(str(tiny))
    assert left(own_cache) == []
    tiny.write_bytes(whole)
    (saved,) = locate(str(tiny)).folder.glob("*.safetensors")
    last = load_file(saved)["model.layers.1.post_attention_layernorm.weight"][-1]
    assert float(last) == pytest.approx(np.frombuffer(whole[-4:], "<f4")[0])
    assert float(last) != 5.0


def test_what_gets_its_name_is_on_the_disk(
    tiny: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut a folder that was only renamed could hold empty files for ever."""
    done: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: done.append(os.readlink(f"/proc/self/fd/{fd}")))
    usual = os.rename
    monkeypatch.setattr(os, "rename", lambda *names: (done.append("renamed"), usual(*names)))
    folder = locate(str(tiny)).folder
    work = folder.with_suffix(".partial")
    before = {*done[: done.index("renamed")]}
    assert before >= {str(work), *(str(work / file.name) for file in folder.iterdir())}
    assert (folder / "model.safetensors").exists()


def test_conversions_at_once_are_one(
    tiny: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def slow(source: Path, header: object, folder: Path, dtype: str) -> None:
        made.append(folder)
        time.sleep(0.2)
        usual(source, header, folder, dtype)  # type: ignore[arg-type]

    usual = gguf._convert
    monkeypatch.setattr(gguf, "_convert", slow)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(gguf.converted, tiny) for _ in range(4)]
        folders = {future.result().folder for future in asked}
    (folder,) = folders
    assert len(made) == 1
    assert left(own_cache) == [folder.name]
    assert (folder / "config.json").exists()


HELD = """
import sys, time
from pathlib import Path
from twofold.models import gguf

def forever(source, header, folder, dtype):
    (folder / "half").write_text("x")
    print("begun", flush=True)
    time.sleep(600)

gguf._convert = forever
gguf.converted(Path(sys.argv[1]))
"""


def test_a_conversion_that_was_killed_does_no_harm(tiny: Path, own_cache: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HELD, str(tiny)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"begun\n"
        child.send_signal(signal.SIGKILL)
    (half,) = left(own_cache)
    assert half.endswith(".partial")
    folder = locate(str(tiny)).folder
    assert left(own_cache) == [folder.name]
    assert not (folder / "half").exists()
    ((reply,),) = HfModel(str(tiny), use_cache=False).sample([CHAT], Sampling(max_tokens=4))
    assert not reply.error
