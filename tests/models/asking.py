"""How the tests of ServerModel ask: chats, a model with one retry, one reply."""

from __future__ import annotations

import socket
from collections.abc import Callable

from faulty_server import Act, Asked, FaultyServer, Say

from twofold.models.openai.endpoint import Endpoint, Limits
from twofold.models.openai.model import ServerModel
from twofold.types import Message, Response, Sampling


def chat(text: str) -> list[Message]:
    return [Message(role="user", content=text)]


def model_at(
    url: str, *, concurrency: int = 8, max_retries: int = 1, timeout_s: float = 10.0
) -> ServerModel:
    return ServerModel(
        endpoint=Endpoint(url),
        model="m",
        limits=Limits(concurrency=concurrency, max_retries=max_retries, timeout_s=timeout_s),
    )


def echo(asked: Asked) -> Act:
    return Say(f"re {asked.text}")


def ask(
    behave: Callable[[Asked], Act], limits: Limits = Limits(concurrency=1, max_retries=1)
) -> tuple[Response, FaultyServer]:
    """The one reply of a server that behaves so, after it has answered another question well."""

    def after_a_start(asked: Asked) -> Act:
        return Say("hello") if asked.text == "start" else behave(asked)

    with FaultyServer(after_a_start) as server:
        model = ServerModel(endpoint=Endpoint(server.url), model="m", limits=limits)
        started, reply = model.sample([chat("start"), chat("q")], Sampling(max_tokens=9))
    assert started[0].reply == "hello"
    return reply[0], server


def free_port() -> int:
    """A port of the loopback address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
