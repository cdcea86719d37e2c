"""A sample of `server_fuzz`: no traceback, no hang, no key told, whatever a server sends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from server_fuzz import fuzz

SAMPLE = 24  # of the 400 that were tried; the whole takes some minutes


def test_whatever_a_server_does_is_a_reply_or_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "set by the fuzz")
    bad, taken = fuzz(range(SAMPLE))
    assert bad == {}
    assert taken.total() == SAMPLE
    assert len(taken) >= 2


BOMB = """
import resource, sys, threading, zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from asking import chat, model_at
from twofold.types import Sampling
packer = zlib.compressobj(9, wbits=31)
packed = b"".join(packer.compress(bytes(2**20)) for _ in range(200)) + packer.flush()
pieces, coding = ([b"0," * 2**19] * 200, "identity")
if sys.argv[1] == "gzip":
    pieces, coding = [packed], "gzip"

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(sum(map(len, pieces))))
        self.end_headers()
        try:
            for piece in pieces:
                self.wfile.write(piece)
        except OSError:
            pass

    def log_message(self, *args):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
model = model_at(f"http://127.0.0.1:{server.server_address[1]}/v1", max_retries=0)
import twofold.models.openai.connection
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
(reply,), = model.sample([chat("a")], Sampling())
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert "larger than 8 MiB" in reply.error, reply
print(sum(map(len, pieces)), after - before)
"""


@pytest.mark.parametrize("kind", ["body", "gzip"])
def test_a_huge_body_takes_little_memory(kind: str) -> None:
    """200 MB took 4.8 GB once, and 306 KB of gzip 2.9 GB; the server is in the same process."""
    ran = subprocess.run(
        [sys.executable, "-c", BOMB, kind],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent,
    )
    n_bytes, kilobytes = map(int, ran.stdout.split())
    assert kilobytes < 120_000, f"{n_bytes} bytes sent, {kilobytes} KB taken"
