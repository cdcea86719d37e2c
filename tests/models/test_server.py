"""ServerModel against a real server that fails: one response for each reply asked, never a guess."""

from __future__ import annotations

import asyncio
import json
import logging
import pickle
import random  # noqa: TID251 (to see that it is left alone)
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from faulty_server import Act, Asked, Drop, FaultyServer, Hang, Say, Send, error
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twofold.errors import ModelError
from twofold.models.endpoint import Endpoint, Limits
from twofold.models.retry import GIVE_UP_AFTER, Backoff
from twofold.models.server import ServerModel
from twofold.models.thinking import ThinkingPolicy
from twofold.types import Ended, Message, Response, Sampling, Share

KEY = "sk-never-to-be-seen-4711"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def chat(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


def model_at(
    url: str, *, concurrency: int = 8, attempts: int = 3, patience_s: float = 10.0
) -> ServerModel:
    return ServerModel(
        endpoint=Endpoint(url),
        model="m",
        concurrency=concurrency,
        backoff=Backoff(attempts=attempts, base_s=0.01, cap_s=0.5),
        limits=Limits(connect_s=10.0, read_s=patience_s, total_s=1.5 * patience_s),
    )


def echo(asked: Asked) -> Act:
    return Say(f"re {asked.text}")


def ask(
    behave: Callable[[Asked], Act], *, patience_s: float = 10.0
) -> tuple[Response, FaultyServer]:
    """The one reply of a server that behaves so, after it has answered another question well."""

    def after_a_start(asked: Asked) -> Act:
        return Say("hello") if asked.text == "start" else behave(asked)

    with FaultyServer(after_a_start) as server:
        model = model_at(server.url, concurrency=1, patience_s=patience_s)
        started, reply = model.sample([chat("start"), chat("q")], Sampling(max_tokens=9))
    assert started[0].reply == "hello"
    return reply[0], server


def test_asks_once_a_sample_and_sends_what_was_asked() -> None:
    with FaultyServer(echo) as server:
        sampling = Sampling(max_tokens=7, temperature=0.5, top_p=0.9)
        said = model_at(server.url).sample([chat("a"), chat("b")], sampling, n=2, seed=3)
    assert [[r.reply for r in row] for row in said] == [["re a", "re a"], ["re b", "re b"]]
    assert all(r.ended is Ended.answered for row in said for r in row)
    bodies = [asked.body for asked in server.asked]
    assert len(bodies) == 4
    seeds = {body["seed"] for body in bodies}
    assert len(seeds) == 4
    assert all(0 <= seed < 2**31 for seed in seeds)
    for body in bodies:
        assert {k: v for k, v in body.items() if k not in ("seed", "messages")} == {
            "model": "m",
            "max_tokens": 7,
            "temperature": 0.5,
            "top_p": 0.9,
            "stream": False,
        }
    assert all(a.headers["Authorization"] == f"Bearer {KEY}" for a in server.asked)


def test_seeds_do_not_depend_on_order_or_on_what_is_done() -> None:
    def seeds(texts: list[str], seed: int, done: set[tuple[int, int]]) -> dict[str, set[int]]:
        with FaultyServer(echo) as server:
            prompts = [chat(text) for text in texts]
            list(model_at(server.url).stream(prompts, Sampling(), n=2, seed=seed, done=done))
        found: dict[str, set[int]] = {}
        for asked in server.asked:
            found.setdefault(asked.text, set()).add(asked.body["seed"])
        return found

    whole = seeds(["a", "b"], 0, set())
    assert seeds(["b", "a"], 0, set()) == whole
    rest = seeds(["a", "b"], 0, {(0, 0)})
    assert len(rest["a"]) == 1
    assert rest["a"] < whole["a"]
    assert not seeds(["a"], 1, set())["a"] & whole["a"]


def test_no_key_no_header(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with FaultyServer(echo) as server:
        model_at(server.url).sample([chat("a")], Sampling())
    assert "Authorization" not in server.asked[0].headers


# ---------------------------------------------------------------- what is waited out


def test_429_waits_as_long_as_the_server_asks() -> None:
    reply, server = ask(
        lambda asked: error(429, "slow down", Retry_After="0.25") if asked.time < 3 else Say("ok")
    )
    assert reply.reply == "ok"
    assert len(server.asked) == 4


def test_retry_after_is_kept_and_capped() -> None:
    times: list[float] = []

    def behave(asked: Asked) -> Act:
        times.append(time.monotonic())
        waits = {1: "0.25", 2: "3600"}
        if asked.time in waits:
            return error(429, "slow down", Retry_After=waits[asked.time])
        return Say("ok")

    with FaultyServer(behave) as server:
        assert model_at(server.url).sample([chat("a")], Sampling())[0][0].reply == "ok"
    first, second = times[1] - times[0], times[2] - times[1]
    assert first >= 0.25
    assert 0.5 <= second < 10.0  # cap_s is 0.5


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 529])
def test_passing_faults_are_tried_again(status: int) -> None:
    reply, _ = ask(lambda asked: error(status, "wait") if asked.time == 1 else Say("ok"))
    assert reply.reply == "ok"


@pytest.mark.parametrize(
    "act", [Drop(), Send(body=b'{"choices": [', missing=50), Hang()], ids=["drop", "cut", "hang"]
)
def test_lost_connections_are_tried_again(act: Act) -> None:
    patience_s = 0.3 if act == Hang() else 10.0
    reply, _ = ask(lambda asked: act if asked.time == 1 else Say("ok"), patience_s=patience_s)
    assert reply.reply == "ok"


# ---------------------------------------------------------------- what becomes `failed`


@pytest.mark.parametrize(
    ("act", "told", "n_asked"),
    [
        (error(500, "broken"), "HTTP 500: broken (tried 3 times)", 3),
        (error(429, "quota"), "HTTP 429: quota (tried 3 times)", 3),
        (Drop(), "connection lost", 3),
        (Send(body=b'{"choices": [', missing=50), "connection lost", 3),
        (Hang(), "did not answer in time", 3),
        (Send(body=b"{" + b" " * 100 + b"}", pause_s=0.05), "no whole answer within 0.45 s", 3),
        (error(400, "maximum context length is 8"), "HTTP 400: maximum context length is 8", 1),
        (error(413, "too large"), "HTTP 413: too large", 1),
        (error(404, "gone"), "HTTP 404: gone", 1),
        (Send(body=b'{"choices": [{"message": {"cont'), "not JSON, or was cut", 1),
        (Send(body=b""), "not JSON, or was cut", 1),
        (Send(body=b"[" * 100_000), "not JSON, or was cut", 1),
        (Send(body=b"\xff\xfe{"), "not JSON, or was cut", 1),
        (Send(body=b"<html>Login</html>", headers={"Content-Type": "text/html"}), "not JSON", 1),
        (Send(502, b"<html>bad gateway</html>"), "HTTP 502 (tried 3 times)", 3),
        (Send(body=b"[]"), "not JSON", 1),
        (Send(body=b'{"choices": []}'), "no choice", 1),
        (Send(body=b"{}"), "no choice", 1),
        (Send(body=b'{"error": {"message": "upstream"}}'), "HTTP 200: upstream", 1),
        (Send(body=b'{"error": null}'), "no choice", 1),
        (error(400, "a\n \x1b[31m\ud83db"), "HTTP 400: a [31m b", 1),
        (Send(body=b'{"choices": null}'), "no choice", 1),
        (Send(body=b'{"choices": [null]}'), "no choice", 1),
        (Send(body=b'{"choices": [{"message": "hi"}]}'), "no choice", 1),
        (Say(None), "holds no text", 1),
        (Say(None, finish_reason="length"), "holds no text", 1),
        (Say(None, more={"content": ["a"]}), "holds no text", 1),
        (Say("half a", finish_reason="content_filter"), "content_filter", 1),
        (Say("half a", finish_reason="abort"), "abort", 1),
        (Say(None, finish_reason="tool_calls"), "tool_calls", 1),
    ],
)
def test_faults_become_failed_with_the_reason(act: Act, told: str, n_asked: int) -> None:
    is_slow = act == Hang() or (isinstance(act, Send) and act.pause_s > 0)
    reply, server = ask(lambda asked: act, patience_s=0.3 if is_slow else 10.0)
    assert reply.ended is Ended.failed
    assert (reply.reply, reply.raw) == ("", "")
    assert told in reply.error
    assert len(server.asked) == 1 + n_asked
    verdict = reply.unscored()
    assert verdict is not None
    assert verdict.score is None


def test_one_bad_reply_harms_no_other() -> None:
    def behave(asked: Asked) -> Act:
        return error(400, "no") if asked.text in ("3", "7") else echo(asked)

    with FaultyServer(behave) as server:
        said = model_at(server.url).sample([chat(str(i)) for i in range(10)], Sampling())
    assert [r.ended is Ended.failed for (r,) in said] == [i in (3, 7) for i in range(10)]


# ---------------------------------------------------------------- what is read of an answer


def test_length_is_truncated_and_tokens_are_counted() -> None:
    reply, _ = ask(lambda _: Say("half a", "length", usage={"completion_tokens": 9}))
    assert (reply.ended, reply.reply, reply.n_reply_tokens) == (Ended.truncated, "half a", 9)
    assert reply.n_thinking_tokens is None


def test_no_finish_reason_is_truncated_only_when_the_budget_is_used_up() -> None:
    whole, _ = ask(lambda _: Say("a", None, usage={"completion_tokens": 8}))
    cut, _ = ask(lambda _: Say("a", None, usage={"completion_tokens": 9}))
    assert (whole.ended, cut.ended) == (Ended.answered, Ended.truncated)


@pytest.mark.parametrize(
    "usage", [None, {}, {"completion_tokens": None}, {"completion_tokens": -1}]
)
def test_unknown_counts_are_none(usage: dict[str, object] | None) -> None:
    reply, _ = ask(lambda _: Say("a", usage=usage))
    assert reply.n_reply_tokens is None


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_thought_sent_apart_is_taken_as_it_is(key: str) -> None:
    usage = {"completion_tokens": 10, "completion_tokens_details": {"reasoning_tokens": 7}}
    reply, _ = ask(lambda _: Say("4", usage=usage, more={key: "2+2"}))
    assert (reply.thinking, reply.reply, reply.ended) == ("2+2", "4", Ended.answered)
    assert (reply.n_thinking_tokens, reply.n_reply_tokens) == (7, 3)
    assert "2+2" in reply.raw
    assert reply.raw.endswith("4")


@pytest.mark.parametrize("content", [None, ""])
def test_thought_without_end_is_unscored(content: str | None) -> None:
    usage = {"completion_tokens": 9}
    more = {"reasoning_content": "2+"}
    reply, _ = ask(lambda _: Say(content, "length", usage=usage, more=more))
    assert (reply.ended, reply.reply, reply.thinking) == (Ended.unclosed_thinking, "", "2+")
    assert (reply.n_thinking_tokens, reply.n_reply_tokens) == (9, 0)
    stopped, _ = ask(lambda _: Say(None, "stop", more=more))
    assert stopped.ended is Ended.unclosed_thinking


def test_thought_inside_the_content_is_found_by_the_policy() -> None:
    usage = {"completion_tokens": 10, "completion_tokens_details": {"reasoning_tokens": 0}}
    reply, _ = ask(lambda _: Say("<think>2+2</think>\n\n4", usage=usage))
    assert (reply.thinking, reply.reply) == ("2+2", "4")
    assert (reply.n_thinking_tokens, reply.n_reply_tokens) == (None, None)
    unclosed, _ = ask(lambda _: Say("<think>2+2", "length"))
    assert unclosed.ended is Ended.unclosed_thinking


def test_blank_content_is_an_empty_answer() -> None:
    reply, _ = ask(lambda _: Say(" "))
    assert reply.ended is Ended.empty


def test_half_a_character_can_be_asked() -> None:
    with FaultyServer(echo) as server:
        reply = model_at(server.url).sample([chat("a\ud83d")], Sampling())[0][0]
    assert server.asked[0].text == "a\ud83d"
    assert reply.reply == "re a\ufffd"


def test_half_a_character_can_be_stored() -> None:
    half = Send(
        body=b'{"choices": [{"message": {"content": "\\ufeffa\\ud83d"}, "finish_reason": "length"}]}'
    )
    reply, _ = ask(lambda _: half)
    assert reply.reply == "\ufeffa�"
    reply.raw.encode()


# ---------------------------------------------------------------- wrong settings


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_nobody_there_is_one_error_with_the_remedy() -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(ModelError, match=rf"{url}: no connection.*is the server up"):
        model_at(url).sample([chat("a")] * 20, Sampling())


def test_server_that_comes_up_late_is_waited_for() -> None:
    port = free_port()
    model = ServerModel(
        endpoint=Endpoint(f"http://127.0.0.1:{port}/v1"),
        model="m",
        backoff=Backoff(attempts=50, base_s=0.05, cap_s=0.1),
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
    assert [r.ended for (r,) in said] == [Ended.answered] + [Ended.failed] * 3


# ---------------------------------------------------------------- dying, stopping, resuming


def test_server_that_dies_midway_is_given_up() -> None:
    with FaultyServer(echo) as server:
        prompts = [chat(str(i)) for i in range(300)]
        stream = model_at(server.url, concurrency=4).stream(prompts, Sampling())
        got = [next(stream) for _ in range(10)]
        server.die()
        begun = time.monotonic()
        got += list(stream)
    assert time.monotonic() - begun < 5.0
    assert sorted(p for p, _, _ in got) == list(range(300))
    lost = [r for _, _, r in got if r.ended is Ended.failed]
    # The server may have answered a few more before it died, unseen by this test.
    assert len(lost) > 0
    assert all(r.error for r in lost)


def test_dead_server_costs_few_requests() -> None:
    def behave(asked: Asked) -> Act:
        return echo(asked) if asked.text == "0" else error(503, "down")

    with FaultyServer(behave) as server:
        said = model_at(server.url, concurrency=1).sample(
            [chat(str(i)) for i in range(100)], Sampling()
        )
    assert len(server.asked) == 1 + 3 * GIVE_UP_AFTER
    assert [r.ended for (r,) in said] == [Ended.answered] + [Ended.failed] * 99
    assert said[-1][0].error == "not asked, because the server had stopped answering"


def test_losses_between_answers_do_not_give_the_server_up() -> None:
    def behave(asked: Asked) -> Act:
        return error(500, "bad luck") if int(asked.text) % 5 else echo(asked)

    with FaultyServer(behave) as server:
        said = model_at(server.url, concurrency=1, attempts=1).sample(
            [chat(str(i)) for i in range(50)], Sampling()
        )
    assert sum(r.ended is Ended.answered for (r,) in said) == 10
    assert len(server.asked) == 50


def test_closing_early_stops_asking_and_resuming_does_the_rest() -> None:
    with FaultyServer(lambda asked: Say(f"re {asked.text}", after_s=0.01)) as server:
        model = model_at(server.url, concurrency=3)
        prompts = [chat(str(i)) for i in range(30)]
        stream = model.stream(prompts, Sampling(), n=2)
        first = {(p, g): r for p, g, r in (next(stream) for _ in range(7))}
        stream.close()
        assert not [t for t in threading.enumerate() if t.name.startswith("twofold")]
        n_asked = len(server.asked)
        time.sleep(0.1)
        assert len(server.asked) == n_asked < 60
        rest = list(model.stream(prompts, Sampling(), n=2, done=first.keys()))
    assert len(rest) == 60 - 7
    assert {(p, g) for p, g, _ in rest} | first.keys() == {
        (p, g) for p in range(30) for g in (0, 1)
    }


def test_closing_while_the_server_hangs_is_quick() -> None:
    def behave(asked: Asked) -> Act:
        return echo(asked) if asked.text == "0" else Hang()

    with FaultyServer(behave) as server:
        model = ServerModel(endpoint=Endpoint(server.url), model="m")
        stream = model.stream([chat(str(i)) for i in range(9)], Sampling())
        next(stream)
        begun = time.monotonic()
        stream.close()
        assert time.monotonic() - begun < 2.0


def test_shares_make_the_whole() -> None:
    with FaultyServer(echo) as server:
        model = model_at(server.url)
        prompts = [chat(str(i)) for i in range(5)]
        got = [
            (p, g)
            for rank in range(3)
            for p, g, _ in model.stream(prompts, Sampling(), n=3, share=Share(rank, world=3))
        ]
    assert sorted(got) == [(p, g) for p in range(5) for g in range(3)]
    assert len(server.asked) == 15


def test_nothing_to_do_asks_nothing() -> None:
    model = model_at(f"http://127.0.0.1:{free_port()}/v1")
    assert list(model.stream([], Sampling())) == []
    assert list(model.stream([chat("a")], Sampling(), done={(0, 0)})) == []


@pytest.mark.parametrize("concurrency", [1, 4])
def test_concurrency_is_used_and_never_exceeded(concurrency: int) -> None:
    with FaultyServer(lambda asked: Say("a", after_s=0.1)) as server:
        model_at(server.url, concurrency=concurrency).sample(
            [chat(str(i)) for i in range(2 * concurrency)], Sampling()
        )
    assert server.peak == concurrency


def test_replies_come_as_they_are_finished() -> None:
    def behave(asked: Asked) -> Act:
        return Say("slow", after_s=0.4) if asked.text == "0" else Say("quick")

    with FaultyServer(behave) as server:
        stream = model_at(server.url, concurrency=2).stream(
            [chat(str(i)) for i in range(5)], Sampling()
        )
        assert [p for p, _, _ in stream] == [1, 2, 3, 4, 0]


ACTS: tuple[Act, ...] = (
    Say("fine"),
    Say(None),
    Drop(),
    error(429, "wait", Retry_After="0"),
    error(500, "oh"),
    error(400, "too long"),
    Send(body=b"<html>"),
    Send(body=b'{"choices": []}'),
    Send(body=b'{"cho', missing=9),
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    acts=st.lists(st.sampled_from(ACTS), min_size=1, max_size=12),
    n_prompts=st.integers(1, 6),
    n=st.integers(1, 3),
    stop_after=st.integers(0, 8),
    concurrency=st.integers(1, 5),
)
def test_exactly_one_response_for_each_reply_asked(
    acts: list[Act], n_prompts: int, n: int, stop_after: int, concurrency: int
) -> None:
    def behave(asked: Asked) -> Act:
        return acts[(int(asked.body["seed"]) + asked.time) % len(acts)]

    with FaultyServer(behave) as server:
        model = model_at(server.url, concurrency=concurrency, attempts=2)
        prompts = [chat(str(i)) for i in range(n_prompts)]
        stream = model.stream(prompts, Sampling(), n=n)
        got = [item for _, item in zip(range(stop_after), stream, strict=False)]
        stream.close()
        done = {(p, g) for p, g, _ in got}
        got += list(model.stream(prompts, Sampling(), n=n, done=done))
    times = Counter((p, g) for p, g, _ in got)
    assert times == Counter((p, g) for p in range(n_prompts) for g in range(n))
    for _, _, reply in got:
        assert reply.reply == ("fine" if reply.ended is Ended.answered else "")
        assert reply.ended in (Ended.answered, Ended.failed)
        assert bool(reply.error) == (reply.ended is Ended.failed)


def test_an_interrupt_leaves_no_thread_behind() -> None:
    with FaultyServer(echo) as server:
        stream = model_at(server.url).stream([chat("a")] * 3, Sampling())
        next(stream)
        with pytest.raises(KeyboardInterrupt):
            stream.throw(KeyboardInterrupt)
    assert not [t for t in threading.enumerate() if t.name.startswith("twofold")]


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
        pytest.raises(ModelError, match=rf"serves a, b; say which .* {server.url}#NAME"),
    ):
        ServerModel.from_spec(server.url)
    with (
        FaultyServer(lambda _: error(404, "no")) as server,
        pytest.raises(ModelError, match="nothing that it lists"),
    ):
        ServerModel.from_spec(server.url)


def test_named_model_needs_no_server_until_it_is_asked() -> None:
    model = ServerModel.from_spec(f"http://127.0.0.1:{free_port()}/v1#org/m:latest")
    assert model.model == "org/m:latest"
    with pytest.raises(ModelError, match="is the server up"):
        model.fingerprint()


@pytest.mark.parametrize(
    "spec",
    ["ftp://h/v1", "http://", "h:80/v1", "http://h:x/v1", "http://[::1/v1", "http://a b/v1", ""],
)
def test_what_is_no_url_is_refused(spec: str) -> None:
    with pytest.raises(ModelError, match=r"write http://host:port/v1#model"):
        ServerModel.from_spec(f"{spec}#m")


@pytest.mark.parametrize("url", [f"http://user:{KEY}@h/v1", f"http://h/v1?api_key={KEY}"])
def test_secrets_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ModelError, match="put the key into OPENAI_API_KEY") as caught:
        ServerModel.from_spec(f"{url}#m")
    assert KEY not in str(caught.value)


def test_fingerprint_holds_what_decides_and_nothing_that_changes() -> None:
    with FaultyServer(list_models, models=("other", "m")) as server:
        first, second = (model_at(server.url).fingerprint() for _ in range(2))
        prefilled = ServerModel(
            endpoint=Endpoint(server.url), model="m", thinking=ThinkingPolicy(prefilled=True)
        ).fingerprint()
    assert first == second != prefilled
    assert first["listed"] == {"id": "m"}
    assert (first["kind"], first["url"], first["model"]) == ("server", server.url, "m")
    with FaultyServer(lambda _: error(500, "offline")) as server:
        assert model_at(server.url).fingerprint()["listed"] is None
    with (
        FaultyServer(lambda _: error(503, "loading")) as server,
        pytest.raises(ModelError, match="try again when the server is ready"),
    ):
        model_at(server.url).fingerprint()


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
            model.fingerprint()
    with (
        FaultyServer(lambda asked: error(401, f"bad {asked.headers['Authorization']}")) as server,
        pytest.raises(ModelError) as asking,
    ):
        model_at(server.url).sample([chat("a")], Sampling())
    assert [r.ended for (r,) in said[1:]] == [Ended.failed] * 4
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
    with pytest.raises(ModelError, match="OPENAI_API_KEY has a blank or a character") as caught:
        model_at("http://127.0.0.1:1/v1").sample([chat("a")], Sampling())
    assert "sk-geh" not in str(caught.value)


def test_global_randomness_is_left_alone() -> None:
    def states() -> tuple[object, str]:
        return random.getstate(), repr(np.random.get_state())  # noqa: NPY002

    before = states()
    with FaultyServer(lambda a: error(500, "") if a.time < 3 else Say("ok")) as server:
        model_at(server.url).sample([chat(str(i)) for i in range(5)], Sampling())
    assert states() == before


def test_missing_httpx_names_the_remedy() -> None:
    code = (
        "import sys; sys.modules['httpx'] = None\n"
        "import twofold.models.scripted\n"
        "from twofold.errors import ModelError\n"
        "from twofold.models.server import ServerModel\n"
        "from twofold.types import Message, Sampling\n"
        "model = ServerModel.from_spec('http://127.0.0.1:1/v1#m')\n"
        "try:\n    model.sample([[Message(role='user', content='a')]], Sampling())\n"
        "except ModelError as error:\n    print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "pip install 'twofold[server]'" in out.stdout


def test_works_where_an_event_loop_runs_already() -> None:
    async def notebook(url: str) -> str:
        return model_at(url).sample([chat("a")], Sampling())[0][0].reply

    with FaultyServer(echo) as server:
        assert asyncio.run(notebook(server.url)) == "re a"
