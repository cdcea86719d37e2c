"""Is a folder sent whole, in one commit, to the right place, and with nothing that should stay?

The real `huggingface_hub` speaks to a hub on this machine (`fake_hub.py`).
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("huggingface_hub")
sys.path.insert(0, str(Path(__file__).parent))

from fake_hub import TOKEN, FakeHub, Repository

from twofold import audit
from twofold.cli import main
from twofold.models import pocket
from twofold.models.scripted import ScriptedModel
from twofold.types import Problem

# `huggingface_hub` hands httpx the bytes of a large file in a way that httpx finds old
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    from huggingface_hub import constants

    with FakeHub() as started:
        monkeypatch.setattr(constants, "ENDPOINT", started.url)
        at = f"{started.url}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", at)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield started


def push(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    """The exit status of the command, in this process."""
    monkeypatch.setattr(sys, "argv", ["twofold", "push", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run: of nine sums one is 4."""
    asked = [Problem(question=f"What is {i} + 0?", answer=str(i)) for i in range(9)]
    model = ScriptedModel(lambda prompt, sample: "It is 4.")
    out = tmp_path_factory.mktemp("runs") / "four"
    return audit(model, asked, out=out).path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A checkpoint, with what training leaves beside it."""
    folder = tmp_path / "model"
    shutil.copytree(pocket.FOLDER, folder)
    (folder / "README.md").write_text("# Mine\n\nMade by hand.\n")
    (folder / "optimizer.pt").write_bytes(b"pickle")
    (folder / "checkpoint-5").mkdir()
    (folder / "checkpoint-5" / "model.safetensors").write_bytes(b"cut")
    return folder


def adapter(folder: Path, base: str) -> Path:
    """An adapter without a tensor of use: only what is sent is looked at."""
    folder.mkdir()
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base}))
    (folder / "README.md").write_text(f"---\nbase_model: {base}\n---\n# Adapter of {base}\n")
    header = json.dumps({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    content = len(header).to_bytes(8, "little") + header + bytes(4)
    (folder / "adapter_model.safetensors").write_bytes(content)
    return folder


MODEL_FILES = {
    "README.md",
    "chat_template.jinja",
    "config.json",
    "generation_config.json",
    "model.safetensors",
    "tokenizer.json",
    "tokenizer_config.json",
}


def test_a_model_goes_in_one_commit_with_its_card(
    hub: FakeHub, model: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert push(monkeypatch, model, "me/four", "--card", run) == 0
    made = hub.there["model", "me/four"]
    assert made.private and made.commits == [MODEL_FILES]
    assert made.files["model.safetensors"] == (model / "model.safetensors").read_bytes()
    text = made.files["README.md"].decode()
    assert "# Mine\n\nMade by hand.\n\n<!-- twofold: begin -->" in text
    assert "value: 0.1111" in text and "name: me/four" in text
    assert hub.tokens == {f"Bearer {TOKEN}", ""}  # "": the large file's own address takes no token


def test_again_a_readme_there_is_kept_and_only_the_block_replaced(
    hub: FakeHub, model: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(monkeypatch, model, "me/four", "--card", run)
    made = hub.there["model", "me/four"]
    edited = made.files["README.md"].decode().replace("Made by hand.", "Edited there.")
    made.files["README.md"] = edited.encode()
    assert push(monkeypatch, model, "me/four", "--card", run) == 0
    assert made.files["README.md"].decode() == edited
    assert len(made.commits) == 2


def test_a_run_is_a_private_data_set_and_says_that_it_holds_texts(
    hub: FakeHub, run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert push(monkeypatch, run, "me/run") == 0
    made = hub.there["dataset", "me/run"]
    assert made.private and len(made.commits) == 1
    names = {"manifest.json", "findings.json", "report.html", "measures.csv", "responses.jsonl"}
    assert names <= made.commits[0] and not any(".lock" in name for name in made.files)
    assert made.files["README.md"].startswith(b"---\ntags:\n- twofold\nviewer: false\n---\n")
    told = capsys.readouterr().out
    assert "questions and replies" in told and f"pushed: {hub.url}/me/run/commit/" in told


def test_a_dry_run_lists_names_and_sizes_and_asks_nobody(
    hub: FakeHub, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    assert push(monkeypatch, model, "me/four", "--dry-run") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("model me/four, private, ")
    assert {line.split()[1] for line in lines[1:8]} == MODEL_FILES
    assert f"{'22':>16}  README.md" in lines
    assert lines[-2:] == ["stays here: checkpoint-5/, optimizer.pt", "nothing was sent"]
    assert hub.calls == []


@pytest.mark.parametrize("call", ["preupload", "batch", "large", "commit"])
def test_a_push_that_fails_leaves_nothing_and_is_repeated(
    hub: FakeHub,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    call: str,
) -> None:
    hub.failing[call] = 403
    assert push(monkeypatch, model, "me/four") == 2
    told = capsys.readouterr().err
    assert "error: the push to me/four failed: " in told and "whole or not at all" in told
    assert TOKEN not in told
    assert hub.there["model", "me/four"].files == {}
    del hub.failing[call]
    assert push(monkeypatch, model, "me/four") == 0
    assert hub.there["model", "me/four"].commits == [MODEL_FILES]


@pytest.mark.parametrize(
    ("call", "status", "remedy"),
    [
        ("create", 401, "the token is not valid: log in by `hf auth login`"),
        ("create", 403, "the token may not write there"),
        ("create", 404, "there may be no such user or organisation"),
        ("commit", 412, "give the same command again"),
        ("commit", 413, "it is too large for the hub"),
    ],
)
def test_each_refusal_has_its_remedy(
    hub: FakeHub,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    call: str,
    status: int,
    remedy: str,
) -> None:
    hub.failing[call] = status
    assert push(monkeypatch, model, "me/four") == 2
    assert remedy in capsys.readouterr().err


def test_without_a_network_it_says_so(
    hub: FakeHub, model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert push(monkeypatch, model, "me/four") == 2
    assert "check the network" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("there", "public", "told"),
    [
        ({("dataset", "me/four"): True}, False, "me/four is a dataset there, and this folder is a"),
        ({("model", "me/four"): False}, False, "is there already, and public; give --public"),
        ({("model", "me/four"): False}, True, ""),
    ],
)
def test_what_is_there_already(
    hub: FakeHub,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    there: dict[tuple[str, str], bool],
    public: bool,
    told: str,
) -> None:
    hub.there = {key: Repository(private=private) for key, private in there.items()}
    status = push(monkeypatch, model, "me/four", *(["--public"] if public else []))
    assert status == (2 if told else 0)
    assert told in capsys.readouterr().err
    assert len(hub.there) == 1


def test_nobody_is_logged_in(
    hub: FakeHub,
    model: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    from huggingface_hub import constants

    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "none"))
    assert push(monkeypatch, model, "me/four") == 2
    assert "you are not logged in to the hub; log in by `hf auth login`" in capsys.readouterr().err
    assert hub.calls == []


def test_a_key_is_not_sent(
    hub: FakeHub, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    with (copy / "responses.jsonl").open("a") as file:
        file.write(" " * ((1 << 20) - 9) + "sk-0123456789abcdef\n")
    monkeypatch.setenv("MY_API_KEY", "sk-0123456789abcdef")
    assert push(monkeypatch, copy, "me/run") == 2
    told = capsys.readouterr().err
    assert "responses.jsonl holds the value of MY_API_KEY" in told and "sk-0123" not in told
    assert hub.calls == []


def test_a_base_of_this_machine_is_named_anew(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    folder = adapter(tmp_path / "adapter", "/home/me/base")
    assert push(monkeypatch, folder, "me/lora") == 2
    assert "by a folder of this machine, /home/me/base" in capsys.readouterr().err
    assert push(monkeypatch, folder, "me/lora", "--base", "org/base") == 0
    made = hub.there["model", "me/lora"]
    assert not any(b"/home/me" in content for content in made.files.values())
    assert json.loads(made.files["adapter_config.json"])["base_model_name_or_path"] == "org/base"
    assert made.files["README.md"] == b"---\nbase_model: org/base\n---\n# Adapter of org/base\n"


def test_an_adapter_of_a_hub_s_base_is_sent_as_it_is(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = adapter(tmp_path / "adapter", "org/base")
    assert push(monkeypatch, folder, "me/lora") == 0
    made = hub.there["model", "me/lora"]
    assert made.files == {file.name: file.read_bytes() for file in folder.iterdir()}


def test_cut_weights_and_what_is_no_model_are_refused(
    tmp_path: Path, model: Path, run: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    def refused(*arguments: object) -> str:
        assert push(monkeypatch, *arguments, "--dry-run") == 2
        return capsys.readouterr().err

    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    assert "is cut or damaged" in refused(model, "me/four")
    assert "there is no folder" in refused(tmp_path / "none", "me/four")
    assert "is no name of a repository" in refused(model, "four")
    (tmp_path / "empty").mkdir()
    assert "holds neither config.json nor" in refused(tmp_path / "empty", "me/four")
    unfinished = tmp_path / "unfinished"
    shutil.copytree(run, unfinished)
    (unfinished / "findings.json").unlink()
    assert "finish the run first" in refused(unfinished, "me/four")
    assert "--card, --arm and --base are for models" in refused(run, "me/run", "--card", run)


def test_a_run_that_lost_too_much_is_not_sent(
    hub: FakeHub, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    lossy = tmp_path / "lossy"
    shutil.copytree(run, lossy)
    saved = json.loads((lossy / "findings.json").read_text())
    saved["lost"] |= {"too_many": True}
    (lossy / "findings.json").write_text(json.dumps(saved))
    assert push(monkeypatch, lossy, "me/run") == 3
    assert "nothing was sent" in capsys.readouterr().err and hub.calls == []


def test_an_interrupt_says_how_to_go_on(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("twofold.publishing.push", stopped)
    assert push(monkeypatch, model, "me/four") == 130
    assert "stopped; it is there whole or not at all" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_as_a_process(hub: FakeHub, model: Path, tmp_path: Path) -> None:
    """With the settings that a user has: HF_ENDPOINT and a token in a file."""
    home = tmp_path / "hf"
    home.mkdir()
    (home / "token").write_text(TOKEN)
    settings = {"HF_ENDPOINT": hub.url, "HF_HUB_DISABLE_XET": "1", "HF_HOME": str(home)}
    kept = {name: value for name, value in os.environ.items() if name != "HF_TOKEN"}
    done = subprocess.run(
        [sys.executable, "-m", "twofold", "push", model, "me/four"],
        env=kept | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert hub.there["model", "me/four"].commits == [MODEL_FILES]
