"""Servers that do anything: a status, a body, headers, a framing and a delay, drawn by a seed.

`python tests/models/server_fuzz.py 400` tries that many of them and prints what happened; the test
suite tries a sample. The client is in this process, so that a traceback is seen.
"""

from __future__ import annotations

import base64
import contextlib
import gzip
import json
import os
import sys
import threading
import time
import zlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random  # noqa: TID251 (seeded)
from typing import Self
from urllib.parse import quote

from twofold.errors import ModelError
from twofold.models.openai.endpoint import Endpoint, Limits
from twofold.models.openai.model import ServerModel
from twofold.models.openai.next_token_logprobs import next_token_logprobs
from twofold.models.openai.settings import ServerSettings, asking_servers
from twofold.storage.jsonl import dumps
from twofold.types import Message, Response, Sampling

KEY = 'sk-fuzz/+"0123456789abcdef'
LONGEST_S = 30.0  # for one behaviour: four calls, a time-out of half a second each, one retry
HUGE = 20 * 2**20

GOOD = {"choices": [{"message": {"content": "4"}, "finish_reason": "stop"}]}
ECHOES = {
    "raw": KEY,
    "json": json.dumps(KEY),
    "url": quote(KEY, safe=""),
    "basic": base64.b64encode(f"user:{KEY}".encode()).decode(),
    "hex": KEY.encode().hex(),
}

STATUSES = (200, 200, 200, 201, 204, 206, 300, 301, 302, 304, 307, 400, 401, 403, 404, 405, 408)
STATUSES += (409, 413, 415, 418, 422, 429, 451, 499, 500, 501, 502, 503, 504, 511, 599, 700, 999)


def bodies(draw: Random) -> dict[str, bytes]:
    """Bodies by name; each may hold the key."""
    echo = draw.choice(sorted(ECHOES.values()))
    number = draw.choice(
        ["9" * 400, "1e999", "NaN", "-Infinity", "-7", "1.5", "true", "{}", "9" * 5000]
    )
    usage = f'{{"completion_tokens": {number}, "completion_tokens_details": {number}}}'
    deep = draw.choice([500, 5000, 200_000])
    shapes: dict[str, object] = {
        "good": GOOD,
        "echo": {"choices": [{"message": {"content": f"you sent {echo}", "reasoning": echo}}]},
        "error": {"error": {"message": f"no: {echo}", "param": echo, "code": 5}},
        "error text": {"error": echo},
        "error list": [{"error": {"message": [echo, {"a": echo}]}}],
        "refusal": {"error": {"message": f"Unsupported parameter: 'max_tokens' {echo}"}},
        "refusal of all": {
            "detail": [
                {"loc": ["body", n], "type": "extra_forbidden", "msg": echo}
                for n in ("seed", "top_p", "model", "messages")
            ]
        },
        "parts": {"choices": [{"message": {"content": [{"type": "text", "text": echo}]}}]},
        "models": {"data": [{"id": "m", "root": echo, "max_model_len": 1e300}, {"id": echo}]},
        "control": {"error": {"message": "\x1b[2J\x00\r\n\u202e" + echo}},
        "logprobs": {
            "choices": [
                {
                    "logprobs": {
                        "content": [
                            {
                                "top_logprobs": [
                                    {"token": echo, "logprob": -1e300},
                                    {"token": "Yes", "logprob": 1},
                                ]
                            }
                        ]
                    }
                }
            ]
        },
        "null": None,
        "number": 5,
        "list": [[], {}, None],
        "wrong kinds": {"choices": {"0": 5}, "error": [], "usage": "x", "data": {"id": 1}},
        "empty choices": {"choices": []},
        "keys": {echo: {echo: echo}},
    }
    texts: dict[str, bytes] = {name: json.dumps(value).encode() for name, value in shapes.items()}
    return texts | {
        "numbers": json.dumps(GOOD)[:-1].encode() + f', "usage": {usage}}}'.encode(),
        "deep": b"[" * deep + b"]" * deep,
        "deep objects": b'{"error":' * deep + b"1" + b"}" * deep,
        "cut": json.dumps(GOOD).encode()[:-9],
        "html": f"<html><body>{echo}</body></html>".encode(),
        "latin-1": json.dumps(GOOD).encode()[:-1] + b', "x": "\xe9\xff"}',
        "utf-16": json.dumps(GOOD).encode("utf-16"),
        "surrogate": b'{"choices": [{"message": {"content": "a\\ud83d\\u0000"}}]}',
        "stream": b'data: {"choices": [{"delta": {"content": "4"}}]}\n\ndata: [DONE]\n\n',
        "empty": b"",
        "nulls": bytes(100),
        "huge text": b'{"choices": [{"message": {"content": "' + b"a" * HUGE + b'"}}]}',
        "huge lists": b"[" + b"[]," * (HUGE // 12) + b"[]]",
        "huge digits": b"[" + b"1" * (HUGE // 12) + b"]",
        "huge fraction": b"[0." + b"1" * (HUGE // 12) + b"]",
        "many keys": json.dumps({str(i): i for i in range(50_000)}).encode(),
    }


HEADERS: tuple[tuple[tuple[str, str], ...], ...] = (
    (),
    (("Retry-After", "Wed, 99 Foo 99999 99:99:99 GMT"),),
    (("Retry-After", "nan"),),
    (("Retry-After", "-1"),),
    (("Retry-After", "1e400"),),
    (("Retry-After", "Mon, 01 Jan 0001 00:00:00 GMT"),),
    (("Retry-After-Ms", "1"), ("X-Should-Retry", "true")),
    (("X-Should-Retry", "false"),),
    (("Location", "/v1/elsewhere"),),
    (("Location", "http://127.0.0.1:1/"), ("Refresh", "0")),
    (("Content-Type", "text/html; charset=base64"),),
    (("Content-Type", "multipart/form-data"),),
    (("Set-Cookie", f"key={KEY}"), ("X-Request-Id", KEY)),
    (("X-Long", "a" * 200_000),),
    tuple((f"X-{i}", "a") for i in range(300)),
    (("Bad Name", "x"),),
    (("WWW-Authenticate", f"Basic {ECHOES['basic']}"),),
)
CODINGS = ("", "", "", "gzip", "deflate", "wrong gzip", "br", "zstd", "gzip, gzip", "identity")
FRAMINGS = (
    "right",
    "right",
    "right",
    "too long",
    "too short",
    "none",
    "chunked",
    "bad chunks",
    "two",
)
DELAYS = (
    "",
    "",
    "",
    "",
    "",
    "",
    "drip",
    "hang",
    "drop",
    "reset before",
    "informational",
    "garbage",
)


@dataclass(frozen=True)
class Behaviour:
    """What a server answers to every request."""

    name: str
    head: bytes
    body: bytes
    delay: str

    @classmethod
    def drawn(cls, number: int) -> Self:
        """The behaviour of this number."""
        draw = Random(number)
        kind, body = draw.choice(sorted(bodies(draw).items()))
        if draw.random() < 0.25:
            kind = draw.choice(["good", "echo", "numbers", "surrogate"])
            body = bodies(draw)[kind]
        status, headers = draw.choice(STATUSES), list(draw.choice(HEADERS))
        coding, framing, delay = draw.choice(CODINGS), draw.choice(FRAMINGS), draw.choice(DELAYS)
        if coding == "gzip":
            body = gzip.compress(body, 1)
        elif coding == "deflate":
            body = zlib.compress(body, 1)
        if coding:
            headers.append(("Content-Encoding", coding.removeprefix("wrong ")))
        lengths = {"right": [0], "too long": [99], "too short": [-1], "two": [0, 7]}
        for more in lengths.get(framing, []):
            headers.append(("Content-Length", str(max(0, len(body) + more))))
        if framing in ("chunked", "bad chunks"):
            headers.append(("Transfer-Encoding", "chunked"))
            size = b"zz" if framing == "bad chunks" else f"{len(body):x}".encode()
            body = size + b"\r\n" + body + b"\r\n0\r\n\r\n" if body else b"0\r\n\r\n"
        lines = [f"HTTP/1.1 {status} {draw.choice(['OK', '', KEY])}"]
        lines += [f"{name}: {value}" for name, value in headers]
        head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1")
        return cls(
            f"{status} {kind}, {coding or 'plain'}, {framing}, {delay or 'at once'}",
            head,
            body,
            delay,
        )


class _Handler(BaseHTTPRequestHandler):
    server: FuzzServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer(self.path.split("/")[1])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(self.path.split("/")[1])

    def _answer(self, number: str) -> None:
        does = self.server.behaviours[int(number)]
        self.close_connection = True
        with contextlib.suppress(OSError):  # the client has gone
            self._write(does)

    def _write(self, does: Behaviour) -> None:
        stopping = self.server.stopping
        if does.delay == "hang":
            stopping.wait(20)
        elif does.delay == "garbage":
            self.wfile.write(b"\x16\x03\x01\x00" + KEY.encode() + b"\r\n\r\n")
        elif does.delay == "informational":
            end = time.monotonic() + 5
            while time.monotonic() < end and not stopping.wait(0.001):
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        elif does.delay == "drip":
            self.wfile.write(does.head)
            for byte in does.body[:100]:
                self.wfile.write(bytes([byte]))
                stopping.wait(0.1)
        elif does.delay == "drop":
            self.wfile.write(does.head + does.body[: len(does.body) // 2])
        elif does.delay != "reset before":
            self.wfile.write(does.head)
            self.wfile.write(does.body)


class FuzzServer(ThreadingHTTPServer):
    """Answers a request to `/N/v1/...` by the behaviour of number N."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, behaviours: dict[int, Behaviour]) -> None:
        self.behaviours = behaviours
        self.stopping = threading.Event()
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is no error here."""

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopping.set()
        self.shutdown()
        self.server_close()


def faults(port: int, number: int) -> tuple[list[str], str]:
    """What is wrong with how the client took one behaviour, and how it took it."""
    limits = Limits(concurrency=2, max_retries=number % 2, timeout_s=0.5, deadline_s=4.0)
    endpoint = Endpoint(f"http://127.0.0.1:{port}/{number}/v1")
    model = ServerModel(endpoint=endpoint, model="m", limits=limits)
    prompts = [[Message(role="user", content=text)] for text in ("a", "b")]
    seen: list[str] = []
    found: list[str] = []
    started = time.monotonic()
    for what in (
        lambda: model.observed(),
        lambda: model.sample(prompts, Sampling(max_tokens=9)),
        lambda: next_token_logprobs(model, prompts),
        lambda: only_model(endpoint, limits),
    ):
        try:
            said = what()
        except ModelError as error:
            seen.append(str(error))
            continue
        except BaseException as error:  # noqa: BLE001 (what the fuzz is for)
            found.append(f"{type(error).__name__}: {error}")
            continue
        seen.append(repr(said))
        if isinstance(said, list) and isinstance(said[0], list):
            found += [fault for (reply,) in said for fault in _unfit(reply)]
            taken = said[0][0].finish_reason.value
            seen += [dumps(reply.to_json()) for (reply,) in said]
    if time.monotonic() - started > LONGEST_S:
        found.append(f"took {time.monotonic() - started:.0f} s")
    for spelled in ECHOES.values():
        if any(spelled.strip('"')[2:-2] in text for text in seen):
            found.append("the key is told")
    if any("\x1b" in text for text in seen):
        found.append("a control character is told")
    return found, locals().get("taken", "refused")


def only_model(endpoint: Endpoint, limits: Limits) -> ServerModel:
    """The only model that the server lists."""
    with asking_servers(ServerSettings(limits=limits)):
        return ServerModel.from_spec(endpoint.url)


def _unfit(reply: Response) -> list[str]:
    """What cannot be saved or counted of a reply."""
    counts = (reply.n_reply_tokens, reply.n_thinking_tokens)
    wrong = [f"{n} tokens" for n in counts if n is not None and not 0 <= n < 2**31]
    reply.raw.encode()
    return wrong + (["no reason"] if reply.finish_reason == "failed" and not reply.error else [])


def fuzz(numbers: range, workers: int = 8) -> tuple[dict[str, list[str]], Counter[str]]:
    """The faults by behaviour (none is none), and how behaviours were taken."""
    os.environ["OPENAI_API_KEY"] = KEY
    behaviours = {n: Behaviour.drawn(n) for n in numbers}
    with FuzzServer(behaviours) as server, ThreadPoolExecutor(workers) as pool:
        port = int(server.server_address[1])
        found = list(pool.map(lambda n: (n, *faults(port, n)), numbers))
    bad = {f"{n}: {behaviours[n].name}": wrong for n, wrong, _ in found if wrong}
    return bad, Counter(taken for _, _, taken in found)


if __name__ == "__main__":
    began = time.monotonic()
    bad, taken = fuzz(range(int(sys.argv[1])), 4)
    for name, wrong in bad.items():
        print(name, "->", wrong)
    print(dict(taken), f"{len(bad)} bad, {time.monotonic() - began:.0f} s")
