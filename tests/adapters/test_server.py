"""Does the server give the rewards that the scorer gives, whatever its clients do?"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from twofold.adapters import problem_text, reward_function
from twofold.constraints import from_spec
from twofold.problems import write
from twofold.types import Problem

for _needed in ("fastapi", "uvicorn"):
    pytest.importorskip(_needed, reason="pip install 'twofold[serve]'")

HERE = Path(__file__).parent
NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
BOTH = Problem(question="7 + 5 = ?", answer="12", constraints=(NO_COMMA,))
FREE = Problem(question="1 + 1 = ?", answer="2")
TWOFOLD = (sys.executable, "-m", "twofold", "serve", "--port", "0")
SECRET = "sk-never-in-the-log"
Told = tuple[int, Any]


class Served:
    """A server in a process of its own."""

    def __init__(self, folder: Path, *options: str) -> None:
        problems = folder / "asked.jsonl"
        write(problems, [BOTH, FREE])
        paths = [str(HERE), *filter(None, sys.path)]
        self.log = folder / "log.txt"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*TWOFOLD, "--problems", str(problems), *options],
                stdout=subprocess.PIPE,
                stderr=log,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
                text=True,
            )
        assert self.process.stdout is not None
        told = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", told)
        assert found, f"{told!r} {self.log.read_text()}"
        self.port = int(found[1])

    def post(self, path: str, body: object, *, timeout: float = 60) -> Told:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            line.request("POST", path, raw, {"Authorization": f"Bearer {SECRET}"})
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            line.close()

    def get(self, path: str) -> Told:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            line.request("GET", path)
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            line.close()

    def children(self) -> list[int]:
        """The processes that check."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(each) for task in tasks for each in task.read_text().split()]

    def megabytes(self) -> float:
        """Memory of the server itself."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) / 1024

    def stop(self, sent: signal.Signals = signal.SIGTERM) -> int:
        """End it as a supervisor does; the exit status."""
        self.process.send_signal(sent)
        return self.process.wait(30)


@contextmanager
def served(folder: Path, *options: str) -> Iterator[Served]:
    server = Served(folder, *options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()
        assert server.process.stdout is not None
        server.process.stdout.close()


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Scores what a reply says; two checks at once, two seconds each."""
    folder = tmp_path_factory.mktemp("echo")
    options = ("--reward", "failing:Echo", "--concurrency", "2", "--timeout", "2")
    with served(folder, *options) as server:
        yield server


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("gate"), "--concurrency", "2") as server:
        yield server


def item(response: object, problem: Problem = FREE) -> dict[str, Any]:
    return {"problem": problem.id, "response": response}


def message(text: str) -> dict[str, Any]:
    return {"type": "message", "content": [{"type": "output_text", "text": text}]}


REPLIES = [
    *("#### 12", "So, #### 12", "#### 13", "So, #### 13", ""),
    *("<think>7, 5</think>#### 12", "<think>#### 12</think>#### 13", "<think>7, 5"),
]


def test_it_gives_what_the_reward_gives(gate: Served) -> None:
    plain = reward_function("soft_gate")
    expected = [plain(BOTH, text) for text in REPLIES]
    status, found = gate.post("/reward", [item(text, BOTH) for text in REPLIES])
    assert status == 200 and [each["score"] for each in found] == expected
    assert [each["unfinished"] for each in found] == [False] * 7 + [True]
    assert found[1]["parts"]["correct"]["score"] == 1.0
    for text, score in zip(REPLIES, expected, strict=True):
        for problem in (BOTH.id, problem_text(BOTH), json.loads(problem_text(BOTH))):
            one = gate.post("/reward", {"problem": problem, "response": text})
            assert one[1]["score"] == score
        remote = {"query": [f"Q{text}</s>"], "prompts": ["Q"], "labels": [problem_text(BOTH)]}
        assert gate.post("/openrlhf", remote)[1]["rewards"] == [score or 0.0]
        body = {"response": {"output": [message(text)]}, "extra": {"x": [1]}}
        body["verifier_metadata"] = {"problem": BOTH.id}
        status, answer = gate.post("/verify", body)
        assert (status, answer["reward"]) == (200, score or 0.0)
        assert {key: answer[key] for key in body} == body


def test_messages_are_read_like_everywhere(gate: Served) -> None:
    apart = {"role": "assistant", "content": "#### 12", "reasoning_content": "7, 5"}
    call = {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]}
    said = [
        [{"role": "user", "content": "Q"}, apart],
        apart,
        [apart, call],
        {**apart, "content": ""},
    ]
    _, found = gate.post("/reward", [item(each, BOTH) for each in said])
    assert [each["score"] for each in found] == [1.0, 1.0, None, None]
    assert [each["unfinished"] for each in found] == [False, False, False, True]


def test_health_and_the_paths_of_nemo_gym(gate: Served) -> None:
    status, told = gate.get("/health")
    expected = {
        "status": "ok",
        "reward": "soft_gate",
        "problems": 2,
        "concurrency": 2,
        "waiting": 0,
    }
    assert (status, told) == (200, expected)
    assert gate.get("/reverify_mode") == (200, "stateless")
    assert gate.post("/seed_session", {}) == (200, {})
    assert gate.post("/close_session", {"resources_session_id": "a"})[1] == {
        "resources_session_id": "a"
    }
    assert gate.get("/reward")[0] == 405 and gate.get("/nowhere")[0] == 404


MALFORMED = [
    ("/reward", b"", 400),
    ("/reward", b'{"problem": ', 400),
    ("/reward", b"\xff\xfe{}", 400),
    ("/reward", b'{"problem": NaN, "response": "a"}', 400),
    ("/reward", b"[" * 100_000, 400),
    ("/reward", b'{"a":' * 500 + b"1" + b"}" * 500, 400),
    ("/reward", b"1" * 10_000, 400),
    ("/reward", b"x" * (9 << 20), 413),
    ("/reward", {"problem": "nobody", "response": "a"}, 422),
    ("/reward", {"problem": FREE.id}, 422),
    ("/reward", {"problem": FREE.id, "response": 5}, 422),
    ("/reward", {"problem": FREE.id, "response": "a", "respones": "b"}, 422),
    ("/reward", {"problem": {"question": ""}, "response": "a"}, 422),
    ("/reward", {"problem": '{"question": ', "response": "a"}, 422),
    (
        "/reward",
        {"problem": {"question": "a", "constraints": [{"name": "os:x"}]}, "response": ""},
        422,
    ),
    ("/reward", [], 422),
    ("/reward", 5, 422),
    ("/reward", [item("#### 2"), {"problem": "nobody", "response": "a"}], 422),
    ("/reward", [item("#### 2")] * 1025, 422),
    ("/verify", [], 422),
    ("/verify", {}, 422),
    ("/verify", {"response": {"output": 5}, "verifier_metadata": {"problem": FREE.id}}, 422),
    ("/verify", {"response": {"output": []}, "verifier_metadata": {"problem": FREE.id}}, 422),
    (
        "/verify",
        {"response": {"output": [message("a")]}, "verifier_metadata": {"problem": []}},
        422,
    ),
    (
        "/verify",
        {"response": {"output": [message("a")]}, "verifier_metadata": {"problem": "x"}},
        422,
    ),
    ("/openrlhf", {"query": ["a"], "prompts": ["a"]}, 422),
    ("/openrlhf", {"query": ["a"], "prompts": [], "labels": []}, 422),
    ("/openrlhf", {"query": ["b"], "prompts": ["a"], "labels": [problem_text(FREE)]}, 422),
    ("/openrlhf", {"query": ["a"], "prompts": ["a"], "labels": ["7"]}, 422),
]


@pytest.mark.parametrize(("path", "body", "status"), MALFORMED)
def test_what_is_malformed_is_refused_with_a_remedy(
    gate: Served, path: str, body: Any, status: int
) -> None:
    try:
        found, answer = gate.post(path, body)
    except (BrokenPipeError, ConnectionResetError):
        assert status == 413  # the server stopped reading
    else:
        assert found == status and set(answer) == {"error"}
        assert len(answer["error"]) > 15 and "Traceback" not in answer["error"]
    assert gate.post("/reward", item("#### 2"))[1]["score"] == 1.0


def test_half_a_surrogate_comes_back_as_it_was(gate: Served) -> None:
    body = b'{"response": {"output": [{"type": "message", "content": "Hm \\ud800\\n#### 2"}]},'
    body += b'"verifier_metadata": {"problem": "%s"}}' % FREE.id.encode()
    status, answer = gate.post("/verify", body)
    assert (status, answer["reward"]) == (200, 1.0)


def test_64_clients_at_once_get_their_own_rewards(echo: Served) -> None:
    before = echo.megabytes()

    def client(number: int) -> list[float]:
        found = []
        for turn in range(5):
            mine = (number * 7 + turn) % 1000
            _, one = echo.post("/reward", item(str(mine)))
            batch = [item(str((mine + i) % 1000)) for i in range(3)]
            _, several = echo.post("/reward", batch)
            found.append(one["score"] - mine / 1000)
            found += [s["score"] - (mine + i) % 1000 / 1000 for i, s in enumerate(several)]
        return found

    with ThreadPoolExecutor(64) as pool:
        differences = [each for of in pool.map(client, range(64)) for each in of]
    assert len(differences) == 64 * 5 * 4 and set(differences) == {0.0}
    assert echo.get("/health")[1]["waiting"] == 0
    assert echo.megabytes() - before < 40


def test_a_hanging_check_is_killed_and_the_others_get_their_rewards(echo: Served) -> None:
    start = time.monotonic()
    _, found = echo.post(
        "/reward", [item("hang 600"), item("250"), item("<think>a"), item("hang 600")]
    )
    assert [each["score"] for each in found] == [None, 0.25, None, None]
    assert "longer than 2 s" in found[0]["reason"] and not found[0]["unfinished"]
    body = {
        "response": {"output": [message("hang 600")]},
        "verifier_metadata": {"problem": FREE.id},
    }
    status, answer = echo.post("/verify", body)
    assert status == 503 and "reward" not in answer and "longer than 2 s" in answer["error"]
    remote = {"query": ["Qhang 600"], "prompts": ["Q"], "labels": [problem_text(FREE)]}
    status, answer = echo.post("/openrlhf", remote)
    assert status == 503 and "rewards" not in answer
    assert time.monotonic() - start < 40
    assert echo.post("/reward", item("125"))[1]["score"] == 0.125


def test_a_check_whose_process_dies_is_done_again(echo: Served) -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(echo.post, "/reward", item("hang 0.8"))
        time.sleep(0.3)
        for child in echo.children():
            os.kill(child, signal.SIGKILL)
        _, found = asked.result()
    assert (found["score"], found["reason"]) == (1.0, "late")
    assert [echo.post("/reward", item("5"))[1]["score"] for _ in range(4)] == [0.005] * 4


def test_a_reply_that_breaks_the_scorer_is_unscored(echo: Served) -> None:
    _, found = echo.post("/reward", [item("no number"), item("5000"), item("10")])
    assert [each["score"] for each in found] == [None, None, 0.01]
    assert "ended twice" in found[0]["reason"]


def test_clients_that_die_leave_nothing_behind(echo: Served) -> None:
    before = echo.megabytes()
    whole = json.dumps([item("1")] * 500).encode()
    head = b"POST /reward HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(whole)
    for size in (0, 10, len(whole) // 2, len(whole)) * 8:
        line = socket.create_connection(("127.0.0.1", echo.port))
        line.sendall(head + whole[:size])
        line.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
        )  # cut, not closed
        line.close()
    assert echo.post("/reward", item("77"))[1]["score"] == 0.077
    deadline = time.monotonic() + 20
    while echo.get("/health")[1]["waiting"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert echo.get("/health")[1]["waiting"] == 0
    assert echo.megabytes() - before < 40


def test_the_log_holds_no_key_and_no_text(gate: Served) -> None:
    gate.post("/reward", item("a reply of mine #### 2"))
    gate.post("/reward", item("another of mine", BOTH) | {"unknown-of-mine": 1})
    gate.post("/mine?secret=mine", {})
    log = gate.log.read_text()
    assert "POST /reward 200" in log and "POST /reward 422" in log
    assert SECRET not in log and "mine" not in log and "Traceback" not in log


def test_what_is_asked_is_logged_if_that_is_asked(tmp_path: Path) -> None:
    with served(tmp_path, "--log-texts", "--concurrency", "1") as server:
        server.post("/reward", item("a reply of mine #### 2"))
        assert server.stop(signal.SIGINT) == 0
        assert "a reply of mine" in server.log.read_text() and SECRET not in server.log.read_text()


def test_sigterm_ends_it_and_all_its_processes(tmp_path: Path) -> None:
    options = ("--reward", "failing:Echo", "--concurrency", "2", "--timeout", "30")
    with served(tmp_path, *options) as server:
        children = server.children()
        assert len(children) == 2
        answers: list[object] = []

        def ask(text: str) -> None:
            try:
                answers.append(server.post("/reward", item(text)))
            except (OSError, http.client.HTTPException) as error:
                answers.append(error)

        threads = [threading.Thread(target=ask, args=(text,)) for text in ("hang 2", "hang 500")]
        for thread in threads:
            thread.start()
        time.sleep(0.7)
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 20
        for thread in threads:
            thread.join()
        # The one that could be finished was; the other got no reward.
        scores = [each[1].get("score") for each in answers if isinstance(each, tuple)]
        assert scores.count(1.0) == 1 and set(scores) <= {1.0, None}
        assert not [each for each in children if Path(f"/proc/{each}").exists()]
        assert "Traceback" not in server.log.read_text()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--reward", "soft_gat"], "did you mean 'soft_gate'"),
        (["--reward", "{judge"], "quote it whole"),
        (["--problems", "nowhere.jsonl"], "does not exist"),
        (["--host", "203.0.113.7"], "choose another --port"),
    ],
)
def test_what_cannot_be_served_is_one_message(options: list[str], told: str) -> None:
    done = subprocess.run([*TWOFOLD, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and told in done.stderr and "Traceback" not in done.stderr


def test_without_fastapi_the_remedy_is_named() -> None:
    code = (
        "import sys; sys.modules['fastapi'] = None; sys.argv = ['twofold', 'serve']\n"
        "from twofold.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and "pip install 'twofold[serve]'" in done.stderr
