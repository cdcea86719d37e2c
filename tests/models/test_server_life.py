"""A server dies, a run stops and resumes: one response for each reply asked, none twice."""

from __future__ import annotations

import asyncio
import random  # noqa: TID251 (to see that it is left alone)
import threading
from collections import Counter

import numpy as np
import pytest
from asking import chat, echo, free_port, model_at
from faulty_server import Act, Asked, Drop, FaultyServer, Hang, Say, Send, error
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.models.openai.failure import GIVE_UP_AFTER
from twofold.types import FinishReason, Response, Sampling, Share


def test_server_that_dies_midway_is_given_up() -> None:
    with FaultyServer(echo) as server:
        prompts = [chat(str(i)) for i in range(300)]
        stream = model_at(server.url, concurrency=4).stream(prompts, Sampling())
        got = [next(stream) for _ in range(10)]
        server.die()
        got += list(stream)
    assert sorted(p for p, _, _ in got) == list(range(300))
    lost = [r for _, _, r in got if r.finish_reason is FinishReason.failed]
    # The server may have answered a few more before it died, unseen by this test.
    assert len(lost) > 0
    assert all(r.error for r in lost)
    # Each worker may be in the middle of a request when the server is given up.
    assert sum(r.error != NOT_ASKED for r in lost) < GIVE_UP_AFTER + 4


def test_dead_server_costs_few_requests() -> None:
    def behave(asked: Asked) -> Act:
        return echo(asked) if asked.text == "0" else error(503, "down")

    with FaultyServer(behave) as server:
        said = model_at(server.url, concurrency=1).sample(
            [chat(str(i)) for i in range(100)], Sampling()
        )
    assert len(server.asked) == 1 + 2 * GIVE_UP_AFTER
    assert [r.finish_reason for (r,) in said] == [FinishReason.answered] + [
        FinishReason.failed
    ] * 99
    assert said[-1][0].error == NOT_ASKED


def test_losses_between_answers_do_not_give_the_server_up() -> None:
    def behave(asked: Asked) -> Act:
        return error(500, "bad luck") if int(asked.text) % 5 else echo(asked)

    with FaultyServer(behave) as server:
        said = model_at(server.url, concurrency=1, max_retries=0).sample(
            [chat(str(i)) for i in range(50)], Sampling()
        )
    assert sum(r.finish_reason is FinishReason.answered for (r,) in said) == 10
    assert len(server.asked) == 50


def test_closing_early_stops_asking_and_resuming_does_the_rest() -> None:
    first: dict[tuple[int, int], Response] = {}

    def behave(asked: Asked) -> Act:
        return echo(asked) if len(server.asked) <= 7 or closed.is_set() else Hang()

    closed = threading.Event()
    with FaultyServer(behave) as server:
        model = model_at(server.url, concurrency=3)
        prompts = [chat(str(i)) for i in range(30)]
        stream = model.stream(prompts, Sampling(), n=2)
        first.update({(p, g): r for p, g, r in (next(stream) for _ in range(7))})
        stream.close()
        assert not [t for t in threading.enumerate() if t.name.startswith("twofold")]
        closed.set()
        rest = list(model.stream(prompts, Sampling(), n=2, done=first.keys()))
        # Each worker had one request on the wire, and what remained was asked once.
        assert len(server.asked) <= 7 + 3 + len(rest)
    assert len(rest) == 60 - 7
    assert {(p, g) for p, g, _ in rest} | first.keys() == {
        (p, g) for p in range(30) for g in (0, 1)
    }


@pytest.mark.timeout(60)  # the server hangs until it is stopped, which is after the close
def test_closing_does_not_wait_for_a_server_that_hangs() -> None:
    def behave(asked: Asked) -> Act:
        return echo(asked) if asked.text == "0" else Hang()

    with FaultyServer(behave) as server:
        model = model_at(server.url, timeout_s=600.0)
        stream = model.stream([chat(str(i)) for i in range(9)], Sampling())
        next(stream)
        stream.close()


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
    together = threading.Barrier(concurrency)

    def behave(asked: Asked) -> Act:
        together.wait(30)  # breaks if fewer are asked at once
        return echo(asked)

    with FaultyServer(behave) as server:
        model_at(server.url, concurrency=concurrency).sample(
            [chat(str(i)) for i in range(2 * concurrency)], Sampling()
        )
    assert server.peak == concurrency


def test_replies_come_as_they_are_finished() -> None:
    others = threading.Event()
    order: list[int] = []

    def behave(asked: Asked) -> Act:
        if asked.text == "0":
            others.wait(30)
        return echo(asked)

    with FaultyServer(behave) as server:
        prompts = [chat(str(i)) for i in range(5)]
        for p, _, _ in model_at(server.url, concurrency=2, timeout_s=60.0).stream(
            prompts, Sampling()
        ):
            order.append(p)
            if len(order) == 4:
                others.set()
    assert order == [1, 2, 3, 4, 0]


NOT_ASKED = "not sent, because the server had stopped answering"

LOST_LINES: tuple[Act, ...] = (Drop(), Send(body=b'{"cho', missing=9))
ACTS: tuple[Act, ...] = (
    Say("fine"),
    Say(None),
    error(429, "wait"),
    error(500, "oh"),
    error(400, "too long"),
    Send(body=b"<html>"),
    Send(body=b'{"choices": []}'),
)


@settings(max_examples=15, deadline=None)
@given(
    # The client waits half a second before it retries a lost line, so that is not retried here.
    acts_and_retries=st.tuples(st.lists(st.sampled_from(ACTS), min_size=1), st.just(1))
    | st.tuples(st.lists(st.sampled_from(ACTS + LOST_LINES), min_size=1), st.just(0)),
    n_prompts=st.integers(1, 6),
    n=st.integers(1, 3),
    stop_after=st.integers(0, 8),
    concurrency=st.integers(1, 5),
)
def test_exactly_one_response_for_each_reply_asked(
    acts_and_retries: tuple[list[Act], int],
    n_prompts: int,
    n: int,
    stop_after: int,
    concurrency: int,
) -> None:
    acts, max_retries = acts_and_retries

    def behave(asked: Asked) -> Act:
        return acts[(int(asked.body["seed"]) + asked.time) % len(acts)]

    with FaultyServer(behave) as server:
        model = model_at(server.url, concurrency=concurrency, max_retries=max_retries)
        prompts = [chat(str(i)) for i in range(n_prompts)]
        stream = model.stream(prompts, Sampling(), n=n)
        got = [item for _, item in zip(range(stop_after), stream, strict=False)]
        stream.close()
        done = {(p, g) for p, g, _ in got}
        got += list(model.stream(prompts, Sampling(), n=n, done=done))
    times = Counter((p, g) for p, g, _ in got)
    assert times == Counter((p, g) for p in range(n_prompts) for g in range(n))
    for _, _, reply in got:
        assert reply.reply == ("fine" if reply.finish_reason is FinishReason.answered else "")
        assert reply.finish_reason in (FinishReason.answered, FinishReason.failed)
        assert bool(reply.error) == (reply.finish_reason is FinishReason.failed)


def test_an_interrupt_leaves_no_thread_behind() -> None:
    with FaultyServer(echo) as server:
        stream = model_at(server.url).stream([chat("a")] * 3, Sampling())
        next(stream)
        with pytest.raises(KeyboardInterrupt):
            stream.throw(KeyboardInterrupt)
    assert not [t for t in threading.enumerate() if t.name.startswith("twofold")]


def test_global_randomness_is_left_alone() -> None:
    def states() -> tuple[object, str]:
        return random.getstate(), repr(np.random.get_state())  # noqa: NPY002

    before = states()
    with FaultyServer(lambda a: error(500, "") if a.time < 3 else Say("ok")) as server:
        model_at(server.url).sample([chat(str(i)) for i in range(5)], Sampling())
    assert states() == before


def test_works_where_an_event_loop_runs_already() -> None:
    async def notebook(url: str) -> str:
        return model_at(url).sample([chat("a")], Sampling())[0][0].reply

    with FaultyServer(echo) as server:
        assert asyncio.run(notebook(server.url)) == "re a"
