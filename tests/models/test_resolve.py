"""Does every form of MODEL give its model, and every wrong one its remedy, without loading torch?"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from twofold.errors import ModelError
from twofold.models import resolve
from twofold.models.checkpoint import locate
from twofold.models.openai.model import ServerModel
from twofold.models.thinking import ThinkingPolicy


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "smolm2",
            r"did you mean 'smollm2'\?.*save_pretrained.*`.gguf` file.*organisation/name.*http://",
        ),
        ("SmolLM2", r"did you mean 'smollm2'\?"),
        ("", r"no model ''; .*a model is"),
        ("./no/such/folder", "there is no such folder"),
        ("gpt2", "a model is `pocket`, `smollm2`, a folder"),
    ],
)
def test_a_wrong_spec_lists_the_forms(spec: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        resolve(spec)


def test_marks_that_were_named_reach_every_kind_of_model() -> None:
    named = ("<ponder>", "</ponder>")
    served = resolve("http://127.0.0.1:1/v1#m", thinking_marks=named)
    assert isinstance(served, ServerModel)
    assert served.thinking == ThinkingPolicy(*named)
    pytest.importorskip("torch")
    from twofold.models.hf import HfModel

    local = resolve("pocket", thinking_marks=named)
    assert isinstance(local, HfModel)
    assert local.thinking == ThinkingPolicy(*named)
    assert HfModel("pocket").thinking == ThinkingPolicy()


def test_a_folder_without_a_model_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"neither config\.json nor adapter_config"):
        resolve(str(tmp_path))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{}", "names no base model; set base_model_name_or_path"),
        ("not json", "cannot be read"),
        ("[]", "is not a JSON object"),
        ('{"base_model_name_or_path": "b", "peft_type": "PROMPT_TUNING"}', "such as LoRA"),
    ],
)
def test_a_broken_adapter_is_reported(tmp_path: Path, config: str, message: str) -> None:
    (tmp_path / "adapter_config.json").write_text(config)
    with pytest.raises(ModelError, match=message):
        locate(str(tmp_path))


def test_an_adapter_on_an_adapter_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "base"
    for folder, named in ((tmp_path / "a", tmp_path / "b"), (tmp_path / "b", base)):
        folder.mkdir()
        config = f'{{"base_model_name_or_path": "{named}"}}'
        (folder / "adapter_config.json").write_text(config)
        (folder / "adapter_model.safetensors").write_bytes(b"")
    base.mkdir()
    (base / "config.json").write_text("{}")
    (base / "model.safetensors").write_bytes(b"")
    assert locate(str(tmp_path / "b")).folder == base
    with pytest.raises(ModelError, match="merge the lower one into its base first"):
        locate(str(tmp_path / "a"))


def test_an_unreachable_hub_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    monkeypatch.setattr(hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"no folder 'nobody/nothing'.*HF_TOKEN.*give its folder"):
        resolve("nobody/nothing")


def test_an_adapter_names_the_hub_and_not_its_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The folder of a download is one machine's, and others are to load the adapter."""
    hub = pytest.importorskip("huggingface_hub")
    snapshot = tmp_path / "snapshots" / "0a1b"
    snapshot.mkdir(parents=True)
    (snapshot / "config.json").write_text("{}")
    (snapshot / "model.safetensors").write_bytes(b"")
    monkeypatch.setattr(hub, "snapshot_download", lambda name, **_: str(snapshot))
    found = locate("org/name")
    assert (found.folder, found.source, found.origin) == (snapshot, "org/name", "")
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(
        json.dumps({"base_model_name_or_path": "org/name"})
    )
    (adapter / "adapter_model.safetensors").write_bytes(b"")
    assert locate(str(adapter)).folder == snapshot


def test_a_server_is_resolved_by_its_address() -> None:
    assert resolve("http://127.0.0.1:1/v1#tiny").spec == "http://127.0.0.1:1/v1#tiny"


def test_importing_models_and_commands_imports_nothing_heavy() -> None:
    heavy = (
        "{'torch', 'transformers', 'openai', 'httpx', 'httpx2', 'anyio', 'peft', 'huggingface_hub'}"
    )
    code = (
        "import sys, twofold.cli, twofold.judges.logodds, twofold.models.checkpoint\n"
        "import twofold.models.openai.next_token_logprobs\n"
        f"print({heavy} & {{*sys.modules}})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert ran.stdout.strip() == "set()"
