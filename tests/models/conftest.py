"""What the tests of models share: the faulty server's folder on the path, and a real server."""

from __future__ import annotations

import http.client
import importlib.util
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from smollm2_weights import smollm2_gguf

READY_WITHIN_S = 120.0


class LlamaServer:
    """A llama.cpp server with SmolLM2-135M-Instruct, in a process of its own."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def url(self) -> str:
        """The base URL, of a new process if the last one has ended."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        return f"http://127.0.0.1:{self._port}/v1"

    def ended(self) -> str:
        """How the process ended by itself, with the last lines of its log; "" while it runs."""
        code = None if self._process is None else self._process.poll()
        return "" if code is None else f"it ended with code {code}:\n{self._last_lines()}"

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        command = [sys.executable, "-m", "llama_cpp.server", "--model", str(smollm2_gguf())]
        command += ["--model_alias", "smollm2", "--n_ctx", "2048"]
        command += ["--host", "127.0.0.1", "--port", str(self._port)]
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        end = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < end:
            if ended := self.ended():
                pytest.fail(f"llama.cpp's server did not start; {ended}")
            line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=5)
            try:
                line.request("GET", "/v1/models")
                if line.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.2)
            finally:
                line.close()
        self.stop()
        pytest.fail(f"llama.cpp's server was not ready within {READY_WITHIN_S:g} s")

    def _last_lines(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]


@pytest.fixture(scope="session")
def llama_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LlamaServer]:
    """The server's process, for as long as the tests run."""
    if importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("needs llama.cpp's server: pip install 'twofold[llama]'")
    server = LlamaServer(tmp_path_factory.mktemp("llama") / "server.log")
    yield server
    server.stop()


@pytest.fixture
def llama_server(llama_process: LlamaServer) -> Iterator[str]:
    """The base URL of the server; a test during which it ends by itself fails, and says how it ended."""
    yield llama_process.url()
    if ended := llama_process.ended():
        pytest.fail(f"llama.cpp's server did not survive this test; {ended}")
