"""ServerModel's settings: the wrong ones, the name, the key that nobody sees, the fingerprint."""

from __future__ import annotations

import json
import logging
import pickle
import subprocess
import sys
import threading

import pytest
from asking import chat, echo, free_port, model_at
from faulty_server import Act, Asked, FaultyServer, Say, Send, error

from twofold.errors import ModelError
from twofold.models.openai.endpoint import Endpoint, Limits
from twofold.models.openai.model import ServerModel
from twofold.models.thinking import ThinkingPolicy
from twofold.types import FinishReason, Sampling

KEY = "sk-never-to-be-seen-4711"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def test_key_is_sent_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultyServer(echo) as server:
        model_at(server.url).sample([chat("a")], Sampling())
        monkeypatch.delenv("OPENAI_API_KEY")
        model_at(server.url).sample([chat("a")], Sampling())
    assert server.asked[0].headers["Authorization"] == f"Bearer {KEY}"
    assert "Authorization" not in server.asked[1].headers


@pytest.mark.parametrize("numbers", [{"concurrency": 0}, {"max_retries": -1}])
def test_numbers_out_of_range_are_refused(numbers: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        Limits(**numbers)


# ---------------------------------------------------------------- wrong settings


def test_nobody_there_is_one_error_with_the_remedy() -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(ModelError, match=rf"{url}: no connection.*is the server up"):
        model_at(url).sample([chat("a")] * 20, Sampling())


def test_server_that_comes_up_late_is_waited_for() -> None:
    port = free_port()
    model = ServerModel(
        endpoint=Endpoint(f"http://127.0.0.1:{port}/v1"), model="m", limits=Limits(max_retries=9)
    )
    late: list[FaultyServer] = []

    def come_up() -> None:
        late.append(FaultyServer(echo, port=port))
        late[0].__enter__()

    timer = threading.Timer(0.3, come_up)
    timer.start()
    try:
        assert model.sample([chat("a")], Sampling())[0][0].reply == "re a"
    finally:
        timer.join()
        late[0].__exit__(None, None, None)


@pytest.mark.parametrize(
    ("act", "remedy"),
    [
        (error(401, "bad key"), "HTTP 401: bad key; put the server's key into .*OPENAI_API_KEY"),
        (error(403, "no"), "OPENAI_API_KEY"),
        (error(404, "no model m"), "HTTP 404: no model m; check the model's name .* ends in /v1"),
        (Send(301, b"", {"Location": "http://127.0.0.1:1/"}), "HTTP 301; check the model's name"),
        (
            Send(400, b'{"error": {"message": "what?", "code": "model_not_found"}}'),
            "HTTP 400: what\\?; check the model's name",
        ),
    ],
)
def test_wrong_setting_is_one_error_at_once(act: Act, remedy: str) -> None:
    with FaultyServer(lambda _: act) as server:
        model = model_at(server.url, concurrency=2)
        with pytest.raises(ModelError, match=remedy):
            model.sample([chat(str(i)) for i in range(50)], Sampling())
    assert len(server.asked) <= 2


def test_key_withdrawn_midway_is_failed_replies() -> None:
    def behave(asked: Asked) -> Act:
        return echo(asked) if asked.text == "0" else error(401, "expired")

    with FaultyServer(behave) as server:
        said = model_at(server.url, concurrency=1).sample(
            [chat(str(i)) for i in range(4)], Sampling()
        )
    assert [r.finish_reason for (r,) in said] == [FinishReason.answered] + [FinishReason.failed] * 3


# ---------------------------------------------------------------- the name, the key, the fingerprint


def list_models(asked: Asked) -> Act:
    return Say(None)


def test_the_only_model_is_taken_and_more_are_listed() -> None:
    with FaultyServer(list_models, models=("org/one",)) as server:
        model = ServerModel.from_spec(server.url + "/")
        assert model.spec == f"{server.url}#org/one"
        assert ServerModel.from_spec(model.spec) == model
    with (
        FaultyServer(list_models, models=("b", "a")) as server,
        pytest.raises(ModelError, match=rf"serves a, b; name one: {server.url}#NAME"),
    ):
        ServerModel.from_spec(server.url)
    with (
        FaultyServer(lambda _: error(404, "no")) as server,
        pytest.raises(ModelError, match="no listed model"),
    ):
        ServerModel.from_spec(server.url)


def test_named_model_needs_no_server_until_it_is_asked() -> None:
    model = ServerModel.from_spec(f"http://127.0.0.1:{free_port()}/v1#org/m:latest")
    assert model.model == "org/m:latest"
    assert model.fingerprint()["model"] == "org/m:latest"
    with pytest.raises(ModelError, match="is the server up"):
        model.observed()


@pytest.mark.parametrize(
    "spec",
    ["ftp://h/v1", "http://", "h:80/v1", "http://h:x/v1", "http://[::1/v1", "http://a b/v1", ""],
)
def test_invalid_urls_are_refused(spec: str) -> None:
    with pytest.raises(ModelError, match=r"write http://host:port/v1#model"):
        ServerModel.from_spec(f"{spec}#m")


@pytest.mark.parametrize("url", [f"http://user:{KEY}@h/v1", f"http://h/v1?api_key={KEY}"])
def test_secrets_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ModelError, match="put the key into OPENAI_API_KEY") as caught:
        ServerModel.from_spec(f"{url}#m")
    assert KEY not in str(caught.value)


def test_fingerprint_holds_what_decides_and_asks_nobody() -> None:
    with FaultyServer(list_models, models=("other", "m")) as server:
        endpoint = Endpoint(server.url)
        first, second = (model_at(server.url).fingerprint() for _ in range(2))
        others = (
            ServerModel(endpoint=endpoint, model="m", thinking=ThinkingPolicy(prefilled=True)),
            ServerModel(endpoint=endpoint, model="m", request={"top_k": 20}),
            ServerModel(endpoint=endpoint, model="m", request={"seed": None}),
        )
        assert all(first == second != other.fingerprint() for other in others)
        assert server.asked == []
    assert (first["kind"], first["url"], first["model"]) == ("server", server.url, "m")


@pytest.mark.parametrize(
    ("listing", "entry"),
    [
        (Say(None), {"listed": {"id": "m"}}),
        (error(500, "offline"), {}),
        (error(503, "loading"), {}),
        (error(404, "no list"), {}),
        (Send(body=b"[" * 1000), {}),
        (Send(body=b'{"data": [{"id": 5}, null, {"root": "r"}]}'), {}),
        (
            Send(
                body=b'{"data": [{"id": "m", "root": "a\\nb", "parent": {}, "owned_by": "me",'
                b' "max_model_len": NaN, "created": 1e999}]}'
            ),
            {"listed": {"id": "m", "owned_by": "me"}},
        ),
        (
            Send(body=b'{"data": [{"id": "m", "max_model_len": ' + b"9" * 5000 + b"}]}"),
            {"listed": {"id": "m"}},
        ),
    ],
)
def test_a_list_of_models_is_recorded_where_it_can_be_read(
    listing: Act, entry: dict[str, object]
) -> None:
    with FaultyServer(lambda _: listing) as server:
        assert model_at(server.url).observed() == entry


def test_a_list_that_rejects_the_key_is_an_error() -> None:
    with (
        FaultyServer(lambda _: error(401, "no")) as server,
        pytest.raises(ModelError, match="OPENAI_API_KEY"),
    ):
        model_at(server.url).observed()


def tell_all(asked: Asked) -> Act:
    """Put the key into every place an answer has, and break as told."""
    got = asked.headers["Authorization"]
    if asked.path.endswith("/models"):
        return Send(401, json.dumps({"error": {"message": f"no: {got}"}}).encode())
    leaks: dict[str, Act] = {
        "start": Say("hello"),
        "message": error(400, "x" * 280 + " " + got),
        "detail": Send(422, json.dumps({"detail": [{"headers": asked.headers}]}).encode()),
        "text": Send(500, got.encode()),
        "string": Send(400, json.dumps({"error": got}).encode()),
    }
    return leaks[asked.text]


def test_the_key_is_seen_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with FaultyServer(tell_all) as server:
        model = model_at(server.url, concurrency=1)
        texts = ("start", "message", "detail", "text", "string")
        said = model.sample([chat(t) for t in texts], Sampling())
        with pytest.raises(ModelError) as listing:
            model.observed()
    with (
        FaultyServer(lambda asked: error(401, f"bad {asked.headers['Authorization']}")) as server,
        pytest.raises(ModelError) as asking,
    ):
        model_at(server.url).sample([chat("a")], Sampling())
    assert [r.finish_reason for (r,) in said[1:]] == [FinishReason.failed] * 4
    seen = [repr(r) for row in said for r in row]
    for caught in (listing, asking):
        assert "***" in str(caught.value)
        error_shown = caught.getrepr(showlocals=True, style="long")
        seen += [repr(caught.value), str(error_shown), repr(caught.value.__cause__)]
    seen += [repr(model), pickle.dumps(model).decode("latin-1"), caplog.text]
    for text in seen:
        # Not even half of it, as a cut in the wrong place would leave.
        assert KEY[:8] not in text


def test_key_that_no_header_can_carry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-gehéim")
    with pytest.raises(
        ModelError, match="OPENAI_API_KEY contains a space or a non-ASCII"
    ) as caught:
        model_at("http://127.0.0.1:1/v1").sample([chat("a")], Sampling())
    assert "sk-geh" not in str(caught.value)


def test_missing_package_names_the_remedy() -> None:
    code = (
        "import sys; sys.modules['openai'] = None\n"
        "import twofold.models.scripted\n"
        "from twofold.errors import ModelError\n"
        "from twofold.models.openai.model import ServerModel\n"
        "from twofold.types import Message, Sampling\n"
        "model = ServerModel.from_spec('http://127.0.0.1:1/v1#m')\n"
        "try:\n    model.sample([[Message(role='user', content='a')]], Sampling())\n"
        "except ModelError as error:\n    print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "pip install 'twofold[server]'" in out.stdout
