"""Does the server give the rewards that the scorer gives, and refuse what it cannot read?"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from twofold.adapters import problem_text, reward_function

sys.path.insert(0, str(Path(__file__).parent))
from serving import BOTH, FREE, SECRET, TWOFOLD, Served, item, message, served

for _needed in ("fastapi", "uvicorn"):
    pytest.importorskip(_needed, reason="pip install 'twofold[serve]'")


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("gate"), "--concurrency", "2") as server:
        yield server


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
    asked = {key: told.pop(key) for key in ("checked", "failed")}
    assert 0 <= asked["failed"] <= asked["checked"]
    expected = {"status": "ok", "reward": "soft_gate", "problems": 2}
    assert (status, told) == (200, expected | {"concurrency": 2, "waiting": 0})
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


def test_the_log_holds_no_key_and_no_text(gate: Served) -> None:
    gate.post("/reward", item("a reply of mine #### 2"))
    gate.post("/reward", item("another of mine", BOTH) | {"unknown-of-mine": 1})
    gate.post("/mine?secret=mine", {})
    log = gate.log.read_text()
    assert "POST /reward 200" in log and "POST /reward 422" in log
    assert SECRET not in log and "mine" not in log and "Traceback" not in log


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
