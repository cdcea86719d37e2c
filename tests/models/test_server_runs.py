"""Whole audits of a server: a flaky list of models, an echoed key, options of the command line."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from asking import free_port, model_at
from faulty_server import Act, Asked, FaultyServer, Hang, Say, Send, error
from typer.testing import CliRunner

from twofold.cli import app
from twofold.constraints import from_spec
from twofold.errors import ModelError, RunError
from twofold.models.openai.endpoint import Limits
from twofold.models.openai.model import ServerModel
from twofold.models.openai.settings import ServerSettings, asking_servers, in_force
from twofold.problems import Problem
from twofold.runs.audit import audit
from twofold.storage.jsonl import dumps

KEY = "sk-never-to-be-seen-4711"
ASKED = [Problem(question=f"What is {i} + {i}?", answer=str(2 * i)) for i in range(4)]


def listing(act: Act, replies: Callable[[Asked], Act] | None = None) -> Callable[[Asked], Act]:
    """A server whose list of models is `act`."""

    def behave(asked: Asked) -> Act:
        if asked.path.endswith("/models"):
            return act
        return replies(asked) if replies else Say(f"\\boxed{{{asked.text.split()[2]}}}")

    return behave


def entry(**fields: object) -> Send:
    return Send(body=json.dumps({"data": [{"id": "m", **fields}]}).encode())


FLAKY: list[Act] = [
    error(503, "loading"),
    error(429, "slow down"),
    error(500, "oh"),
    error(401, "who?"),
    Send(body=b"<html>"),
    Send(body=b"{}"),
    Send(body=b'{"data": [{"id": "other"}]}'),
    Send(body=b'{"data": [{"id": "m", "root": null, "max_model_len": 1e99}]}'),
    Hang(),
]


@pytest.mark.parametrize("act", FLAKY, ids=lambda act: str(act)[:40])
def test_a_flaky_list_of_models_neither_blocks_a_resume_nor_changes_the_run(
    act: Act, tmp_path: Path
) -> None:
    """The first half is asked with a good list, the second with a bad one."""

    def first_half(asked: Asked) -> Act:
        return Say("\\boxed{0}") if "0" in asked.text or "1" in asked.text else error(400, "later")

    with FaultyServer(listing(entry(root="weights"), first_half)) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        audit(model_at(server.url), ASKED, out=tmp_path / "run")
    before = json.loads((tmp_path / "run/manifest.json").read_text())
    with FaultyServer(listing(act), port=port) as server:
        model = model_at(server.url, timeout_s=1.0, max_retries=0)
        result = audit(model, ASKED, out=tmp_path / "run")
        asked = [a for a in server.asked if a.path.endswith("completions")]
    assert result is not None
    assert result.lost.n == 0
    assert len(asked) == 2
    assert json.loads((tmp_path / "run/manifest.json").read_text()) == before


def test_other_weights_behind_the_name_are_refused(tmp_path: Path) -> None:
    with FaultyServer(listing(entry(root="old", owned_by="me"))) as server:
        port = int(server.url.split(":")[2].split("/")[0])
        audit(model_at(server.url), ASKED, out=tmp_path / "run")
    with (
        FaultyServer(listing(entry(root="new", owned_by="me")), port=port) as server,
        pytest.raises(RunError, match=r"root 'old'.*'new' now.*other weights.*another --out"),
    ):
        audit(model_at(server.url), ASKED, out=tmp_path / "run")


@pytest.mark.parametrize("up", [False, True])
def test_a_wrong_address_or_key_leaves_no_directory(up: bool, tmp_path: Path) -> None:
    with FaultyServer(listing(error(401, "who?"))) as server:
        url = server.url if up else f"http://127.0.0.1:{free_port()}/v1"
        with pytest.raises(ModelError):
            audit(model_at(url), ASKED, out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_echoed_key_is_in_no_file_of_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    coded = base64.b64encode(f"user:{KEY}".encode()).decode()

    def behave(asked: Asked) -> Act:
        told = f"{KEY} {coded} {json.dumps(asked.headers)}"
        if asked.path.endswith("/models"):
            return entry(root=KEY, owned_by=coded)
        if "seed" in asked.body:
            return error(400, f"unknown parameter 'seed' from {told}")
        if "3" in asked.text:
            return error(400, told)
        return Say(f"\\boxed{{1}} {told}", more={"reasoning_content": told})

    no_comma = from_spec("punctuation:no_comma", None, profile="fixed")
    asked = [*ASKED, Problem(question="9?", answer="9", constraints=(no_comma,))]
    with FaultyServer(behave) as server:
        audit(model_at(server.url), asked, out=tmp_path / "run")
    texts = [f.read_bytes() for f in (tmp_path / "run").rglob("*") if f.is_file()]
    assert len(texts) > 5
    assert sum(b"***" in text for text in texts) >= 3
    for text in texts:
        assert KEY.encode()[:12] not in text
        assert coded.encode()[8:24] not in text


def test_options_reach_every_server_that_a_command_names(tmp_path: Path) -> None:
    problems = tmp_path / "problems.jsonl"
    problems.write_text(dumps({"question": "What is 1 + 1?", "answer": "2"}) + "\n")
    with FaultyServer(listing(Say(None))) as server:
        command = ["audit", f"{server.url}#m", "--baseline", f"{server.url}#b"]
        options = ["--request", "top_k=20", "--request", "seed=null", "--timeout", "5"]
        where = ["--problems", str(problems), "--out", str(tmp_path / "run")]
        ran = CliRunner().invoke(app, [*command, *options, "--concurrency", "2", *where])
    assert ran.exit_code == 0, ran.output
    bodies = [a.body for a in server.asked if a.path.endswith("completions")]
    assert {body["model"] for body in bodies} == {"m", "b"}
    assert all(body["top_k"] == 20 and "seed" not in body for body in bodies)
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    assert manifest["identity"]["models"]["model"]["request"] == {"seed": None, "top_k": 20}
    assert in_force() == ServerSettings()


def test_settings_hold_inside_their_block() -> None:
    limits = Limits(concurrency=3, timeout_s=7.0)
    with asking_servers(ServerSettings(limits=limits, request={"a": 1})):
        inside = ServerModel.from_spec("http://h/v1#m")
    outside = ServerModel.from_spec("http://h/v1#m")
    assert (inside.limits, inside.request) == (limits, {"a": 1})
    assert (outside.limits, outside.request) == (Limits(), {})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--request", "temperature=1"], "use --temperature"),
        (["--request", "nonsense"], "write key=value"),
        (["--timeout", "0"], "--timeout"),
        (["--timeout", "nan"], "--timeout"),
        (["--concurrency", "0"], "--concurrency"),
    ],
)
def test_wrong_options_are_refused(options: list[str], told: str, tmp_path: Path) -> None:
    where = ["--problems", "synthetic:2", "--out", str(tmp_path / "run")]
    ran = CliRunner().invoke(app, ["audit", "http://127.0.0.1:1/v1#m", *options, *where])
    assert ran.exit_code != 0
    assert told in ran.output + str(ran.exception)
    assert not (tmp_path / "run").exists()
