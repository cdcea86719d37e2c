"""Does the server give each client its own rewards, whatever hangs, dies or ends?"""

import http.client
import json
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from twofold.adapters import problem_text

sys.path.insert(0, str(Path(__file__).parent))
from serving import FREE, SECRET, Served, item, message, served

for _needed in ("fastapi", "uvicorn"):
    pytest.importorskip(_needed, reason="pip install 'twofold[serve]'")


@pytest.fixture(scope="module")
def echo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Scores what a reply says; two checks at once, two seconds each."""
    folder = tmp_path_factory.mktemp("echo")
    options = ("--reward", "failing:Echo", "--concurrency", "2", "--timeout", "2")
    with served(folder, *options) as server:
        yield server


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
    start, before = time.monotonic(), echo.get("/health")[1]
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
    assert time.monotonic() - start < 120  # three time-outs of 2 s, on a busy machine; not 600
    after = echo.get("/health")[1]  # the unfinished thought is no failed check
    assert (after["checked"] - before["checked"], after["failed"] - before["failed"]) == (6, 4)
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
    whole = json.dumps([item("hang 0.05")] * 500).encode()
    head = b"POST /reward HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(whole)
    for size in (0, 10, len(whole) // 2, len(whole)) * 8:
        line = socket.create_connection(("127.0.0.1", echo.port))
        line.sendall(head + whole[:size])
        line.setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
        )  # cut, not closed
        line.close()
    # Nobody waits for the 4,000 checks of those that sent all, of 50 ms each.
    assert echo.post("/reward", item("77"))[1]["score"] == 0.077
    deadline = time.monotonic() + 20
    while echo.get("/health")[1]["waiting"] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert echo.get("/health")[1]["waiting"] == 0
    assert echo.megabytes() - before < 40


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
