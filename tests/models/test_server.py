"""ServerModel against a real server that fails: what is sent, waited out, failed and read."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from asking import ask, chat, echo, model_at
from faulty_server import SOON, Act, Asked, Drop, FaultyServer, Hang, Say, Send, error

from twofold.models.openai.endpoint import Limits
from twofold.types import FinishReason, Sampling

PATIENT = Limits(concurrency=1, max_retries=1)


def test_asks_once_a_sample_and_sends_what_was_asked() -> None:
    with FaultyServer(echo) as server:
        sampling = Sampling(max_tokens=7, temperature=0.5, top_p=0.9)
        said = model_at(server.url).sample([chat("a"), chat("b")], sampling, n=2, seed=3)
    assert [[r.reply for r in row] for row in said] == [["re a", "re a"], ["re b", "re b"]]
    assert all(r.finish_reason is FinishReason.answered for row in said for r in row)
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


# ---------------------------------------------------------------- what is waited out


def test_waits_as_long_as_the_server_asks() -> None:
    times: list[float] = []

    def behave(asked: Asked) -> Act:
        times.append(time.monotonic())
        # Longer than the first pause of the client's own, which is half a second at most.
        return error(429, "slow down", {"Retry-After": "0.6"}) if asked.time == 1 else Say("ok")

    reply, _ = ask(behave)
    assert reply.reply == "ok"
    assert times[1] - times[0] >= 0.6


def test_does_not_wait_for_an_hour() -> None:
    reply, server = ask(lambda _: error(429, "slow down", {"Retry-After": "3600"}))
    assert reply.error == "HTTP 429: slow down"
    assert len(server.asked) == 2


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_passing_faults_are_tried_again(status: int) -> None:
    reply, _ = ask(lambda asked: error(status, "wait") if asked.time == 1 else Say("ok"))
    assert reply.reply == "ok"


@pytest.mark.parametrize(
    "act", [Drop(), Send(body=b'{"choices": [', missing=50), Hang()], ids=["drop", "cut", "hang"]
)
def test_lost_connections_are_tried_again(act: Act) -> None:
    limits = replace(PATIENT, timeout_s=1.0) if act == Hang() else PATIENT
    reply, _ = ask(lambda asked: act if asked.time == 1 else Say("ok"), limits)
    assert reply.reply == "ok"


# ---------------------------------------------------------------- what becomes `failed`


@pytest.mark.parametrize(
    ("act", "told", "n_asked"),
    [
        (error(500, "broken"), "HTTP 500: broken (tried 2 times)", 2),
        (error(429, "quota"), "HTTP 429: quota (tried 2 times)", 2),
        (Drop(), "connection lost", 2),
        (Send(body=b'{"choices": [', missing=50), "connection lost", 2),
        (Hang(), "did not answer in time", 2),
        (Send(body=b"{" + b" " * 100 + b"}", pause_s=0.1), "no complete answer within 1.5 s", 1),
        (error(400, "maximum context length is 8"), "HTTP 400: maximum context length is 8", 1),
        (error(413, "too large"), "HTTP 413: too large", 1),
        (error(404, "gone"), "HTTP 404: gone", 1),
        (Send(body=b'{"choices": [{"message": {"cont'), "not JSON, or was cut", 1),
        (Send(body=b""), "not JSON, or was cut", 1),
        (Send(body=b"[" * 100_000), "not JSON, or was cut", 1),
        (Send(body=b"\xff\xfe{"), "not JSON, or was cut", 1),
        (Send(body=b"<html>Login</html>", headers={"Content-Type": "text/html"}), "not JSON", 1),
        (Send(502, b"<html>bad gateway</html>", SOON), "HTTP 502 (tried 2 times)", 2),
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
        (Say(None, more={"content": [7]}), "holds no text", 1),
        (Say("half a", finish_reason="content_filter"), "content_filter", 1),
        (Say("half a", finish_reason="abort"), "abort", 1),
        (Say(None, finish_reason="tool_calls"), "tool_calls", 1),
    ],
)
def test_faults_become_failed_with_the_reason(act: Act, told: str, n_asked: int) -> None:
    limits = replace(PATIENT, timeout_s=1.0) if act == Hang() else PATIENT
    if isinstance(act, Send) and act.pause_s > 0:
        limits = replace(PATIENT, deadline_s=1.5)
    reply, server = ask(lambda asked: act, limits)
    assert reply.finish_reason is FinishReason.failed
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
    assert [r.finish_reason is FinishReason.failed for (r,) in said] == [
        i in (3, 7) for i in range(10)
    ]


# ---------------------------------------------------------------- what is read of an answer


def test_length_is_truncated_and_tokens_are_counted() -> None:
    reply, _ = ask(lambda _: Say("half a", "length", usage={"completion_tokens": 9}))
    assert (reply.finish_reason, reply.reply, reply.n_reply_tokens) == (
        FinishReason.truncated,
        "half a",
        9,
    )
    assert reply.n_thinking_tokens is None


def test_no_finish_reason_is_truncated_only_when_the_budget_is_used_up() -> None:
    whole, _ = ask(lambda _: Say("a", None, usage={"completion_tokens": 8}))
    cut, _ = ask(lambda _: Say("a", None, usage={"completion_tokens": 9}))
    assert (whole.finish_reason, cut.finish_reason) == (
        FinishReason.answered,
        FinishReason.truncated,
    )


@pytest.mark.parametrize(
    "usage", [None, {}, {"completion_tokens": None}, {"completion_tokens": -1}]
)
def test_unknown_counts_are_none(usage: dict[str, object] | None) -> None:
    reply, _ = ask(lambda _: Say("a", usage=usage))
    assert reply.n_reply_tokens is None


@pytest.mark.parametrize("key", ["reasoning_content", "reasoning"])
def test_thought_sent_separately_is_taken_as_it_is(key: str) -> None:
    usage = {"completion_tokens": 10, "completion_tokens_details": {"reasoning_tokens": 7}}
    reply, _ = ask(lambda _: Say("4", usage=usage, more={key: "2+2"}))
    assert (reply.thinking, reply.reply, reply.finish_reason) == ("2+2", "4", FinishReason.answered)
    assert (reply.n_thinking_tokens, reply.n_reply_tokens) == (7, 3)
    assert "2+2" in reply.raw
    assert reply.raw.endswith("4")


@pytest.mark.parametrize("content", [None, ""])
def test_thought_without_end_is_unscored(content: str | None) -> None:
    usage = {"completion_tokens": 9}
    more = {"reasoning_content": "2+"}
    reply, _ = ask(lambda _: Say(content, "length", usage=usage, more=more))
    assert (reply.finish_reason, reply.reply, reply.thinking) == (
        FinishReason.unclosed_thinking,
        "",
        "2+",
    )
    assert (reply.n_thinking_tokens, reply.n_reply_tokens) == (9, 0)
    stopped, _ = ask(lambda _: Say(None, "stop", more=more))
    assert stopped.finish_reason is FinishReason.unclosed_thinking


def test_thought_inside_the_content_is_found_by_the_policy() -> None:
    usage = {"completion_tokens": 10, "completion_tokens_details": {"reasoning_tokens": 0}}
    reply, _ = ask(lambda _: Say("<think>2+2</think>\n\n4", usage=usage))
    assert (reply.thinking, reply.reply) == ("2+2", "4")
    assert (reply.n_thinking_tokens, reply.n_reply_tokens) == (None, None)
    unclosed, _ = ask(lambda _: Say("<think>2+2", "length"))
    assert unclosed.finish_reason is FinishReason.unclosed_thinking


def test_blank_content_is_an_empty_answer() -> None:
    reply, _ = ask(lambda _: Say(" "))
    assert reply.finish_reason is FinishReason.empty


def test_half_a_character_can_be_asked() -> None:
    with FaultyServer(echo) as server:
        reply = model_at(server.url).sample([chat("a\ud83d")], Sampling())[0][0]
    assert server.asked[0].text == "a\ufffd"  # what UTF-8 cannot send
    assert reply.reply == "re a\ufffd"


def test_half_a_character_can_be_stored() -> None:
    half = Send(
        body=b'{"choices": [{"message": {"content": "\\ufeffa\\ud83d"}, "finish_reason": "length"}]}'
    )
    reply, _ = ask(lambda _: half)
    assert reply.reply == "\ufeffa�"
    reply.raw.encode()
