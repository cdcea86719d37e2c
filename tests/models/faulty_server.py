"""A real HTTP server on the loopback address that fails in every way a real one does.

A test gives it a function from what was asked to what is to be done: `Say` a reply, `Send` some
bytes, `Hang`, `Drop` the line. It counts what it saw.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True)
class Asked:
    """One request: its path, body and headers, and the how-manieth of its kind it is, from 1."""

    path: str
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    time: int

    @property
    def text(self) -> str:
        """What the last message says."""
        return str(self.body["messages"][-1]["content"])


@dataclass(frozen=True)
class Say:
    """An orderly reply."""

    content: str | None
    finish_reason: str | None = "stop"
    usage: Mapping[str, Any] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Send:
    """A status and a body, right or wrong."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0  # bytes announced and never sent
    pause_s: float = 0.0  # before each byte


@dataclass(frozen=True)
class Hang:
    """No answer, until the server stops."""


@dataclass(frozen=True)
class Drop:
    """The line is cut before an answer."""


Act = Say | Send | Hang | Drop


SOON = {"Retry-After-Ms": "1"}
"""Asks for the shortest pause, so that tests do not wait."""


def error(status: int, message: str, headers: Mapping[str, str] = SOON) -> Send:
    """An error the way OpenAI-compatible servers word it."""
    return Send(status, json.dumps({"error": {"message": message}}).encode(), headers)


class FaultyServer:
    """Serves until the `with` block ends or `die` is called."""

    def __init__(
        self, behave: Callable[[Asked], Act], *, models: tuple[str, ...] = ("m",), port: int = 0
    ) -> None:
        self.behave = behave
        self.models = models
        self.asked: list[Asked] = []
        self.now = self.peak = 0
        self.stopping = threading.Event()
        self.lock = threading.Lock()
        self.lines: set[socket.socket] = set()
        self._times: Counter[str] = Counter()
        self._http = _Http(self, port)
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._http.server_address[1]}/v1"

    def note(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Asked:
        with self.lock:
            kind = json.dumps([path, body], sort_keys=True)
            self._times[kind] += 1
            self.asked.append(Asked(path, body, headers, self._times[kind]))
            return self.asked[-1]

    def die(self) -> None:
        """Stop listening and cut every line, as a killed process does."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        self._http.shutdown()
        self._http.server_close()
        with self.lock:
            for line in self.lines:
                with contextlib.suppress(OSError):  # the client has gone already
                    line.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, why: BaseException | None, at: TracebackType | None
    ) -> None:
        self.die()
        self._thread.join()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, owner: FaultyServer, port: int) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", port), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error here."""


def titled(headers: Message) -> dict[str, str]:
    """The headers, each name in `Title-Case`, however it was sent."""
    return {name.title(): value for name, value in headers.items()}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    server: _Http

    def setup(self) -> None:
        super().setup()
        with self.server.owner.lock:
            self.server.owner.lines.add(self.connection)

    def finish(self) -> None:
        with self.server.owner.lock:
            self.server.owner.lines.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        owner = self.server.owner
        asked = owner.note(self.path, {}, titled(self.headers))
        listed = [{"id": m, "object": "model", "created": asked.time} for m in owner.models]
        act = owner.behave(asked)
        if act == Say(None):
            act = Send(body=json.dumps({"object": "list", "data": listed}).encode())
        self._do(act)

    def do_POST(self) -> None:
        owner = self.server.owner
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with owner.lock:
            owner.now += 1
            owner.peak = max(owner.peak, owner.now)
        try:
            act = owner.behave(owner.note(self.path, body, titled(self.headers)))
        finally:
            with owner.lock:  # before the answer, after which the client may ask again
                owner.now -= 1
        self._do(act)

    def _do(self, act: Act) -> None:
        if isinstance(act, Say):
            self._send(_completion(act))
        elif isinstance(act, Send):
            self._send(act)
        else:
            if isinstance(act, Hang):
                self.server.owner.stopping.wait()
            self.close_connection = True

    def _send(self, act: Send) -> None:
        self.send_response(act.status)
        for key, value in ({"Content-Type": "application/json"} | dict(act.headers)).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(act.body) + act.missing))
        self.end_headers()
        if act.pause_s:
            for byte in act.body:
                self.server.owner.stopping.wait(act.pause_s)
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
        else:
            self.wfile.write(act.body)
        self.wfile.flush()
        if act.missing:
            self.close_connection = True


def _completion(act: Say) -> Send:
    message = {"role": "assistant", "content": act.content, **act.more}
    choice = {"index": 0, "message": message, "finish_reason": act.finish_reason}
    body: dict[str, object] = {"object": "chat.completion", "choices": [choice]}
    if act.usage is not None:
        body["usage"] = act.usage
    return Send(body=json.dumps(body).encode())
