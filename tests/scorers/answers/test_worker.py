import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from twofold.errors import ScoringError
from twofold.scorers import Correct
from twofold.scorers.answers import worker
from twofold.types import Problem, Response

ROOT = Path(__file__).parents[3]
EASY = worker.Question(kind="same", gold="x^2-1", text="(x-1)(x+1)")
BOMB = worker.Question(kind="same", gold="5", text="9^{9^{9^{9}}}")


def test_a_late_worker_is_replaced() -> None:
    assert worker.ask(EASY, timeout_s=60) == {"right": True, "found": "(x-1)(x+1)"}
    before = worker.WORKER.pid
    assert worker.ask(BOMB, timeout_s=1) == "timed out after 1 s"
    assert worker.WORKER.pid is None
    assert worker.ask(EASY, timeout_s=60) == {"right": True, "found": "(x-1)(x+1)"}
    assert worker.WORKER.pid not in (None, before)


@pytest.mark.parametrize("text", ["10^{10^{10}}", "(10^{9})!", "(" * 300 + "1" + ")" * 300])
def test_memory_and_stack_bombs_are_survived(text: str) -> None:
    answer = worker.ask(worker.Question(kind="same", gold="5", text=text), timeout_s=1)
    assert isinstance(answer, str) or answer["right"] is False
    assert worker.ask(EASY, timeout_s=60) == {"right": True, "found": "(x-1)(x+1)"}


def test_kill_9_in_the_middle_of_a_batch_loses_one_item() -> None:
    worker.ask(EASY, timeout_s=60)
    pid = worker.WORKER.pid
    assert pid is not None

    def kill_when_busy() -> None:
        time.sleep(1)
        os.kill(pid, signal.SIGKILL)

    golds = ["x^2-1", "5", "x^2-4"]
    replies = [r"\boxed{(x-1)(x+1)}", r"\boxed{9^{9^{9^{9}}}}", r"\boxed{(x-2)(x+2)}"]
    killer = threading.Thread(target=kill_when_busy)
    killer.start()
    verdicts = Correct(timeout_s=60)(
        [Problem(question="?", answer=gold) for gold in golds],
        [Response(raw=reply, reply=reply) for reply in replies],
    )
    killer.join()
    assert [verdict.score for verdict in verdicts] == [1.0, None, 1.0]
    assert "crashed" in verdicts[1].reason


def test_a_worker_killed_between_batches_costs_nothing() -> None:
    worker.ask(EASY, timeout_s=60)
    pid = worker.WORKER.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert worker.ask(EASY, timeout_s=60) == {"right": True, "found": "(x-1)(x+1)"}


def test_threads_get_their_own_answers() -> None:
    def ask(n: int) -> worker.GradedAnswer | str:
        text = f"(x-{n})(x+{n})"
        return worker.ask(worker.Question(kind="same", gold="x^2-9", text=text), timeout_s=60)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(1, 17)))
    assert [a["right"] for a in answers if not isinstance(a, str)] == [n == 3 for n in range(1, 17)]


def test_a_fork_starts_its_own_worker_and_leaves_the_parents() -> None:
    worker.ask(EASY, timeout_s=60)
    parents = worker.WORKER.pid
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        answer = worker.ask(EASY, timeout_s=60)
        os.write(write, f"{answer} {worker.WORKER.pid}".encode())
        worker.WORKER.close()
        os._exit(0)
    os.close(write)
    os.waitpid(child, 0)
    said = os.read(read, 1000).decode()
    os.close(read)
    assert "True" in said and not said.endswith(f" {parents}")
    assert worker.WORKER.pid == parents
    assert worker.ask(EASY, timeout_s=60) == {"right": True, "found": "(x-1)(x+1)"}


SCRIPT = """
from twofold.scorers import Correct
from twofold.scorers.answers.worker import WORKER
from twofold.types import Problem, Response
r = Response(raw="", reply="\\\\boxed{(x-1)(x+1)}")
print(Correct()([Problem(question="?", answer="x^2-1")], [r])[0].score, WORKER.pid)
"""


def test_a_script_without_main_guard_leaves_no_process_behind(tmp_path: Path) -> None:
    script = tmp_path / "reward.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stderr == ""
    score, pid = done.stdout.split()
    assert score == "1.0"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_the_worker_ends_when_its_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", SCRIPT + "import time\nprint(flush=True)\ntime.sleep(60)"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline().split()[1])
    parent.kill()
    parent.communicate()
    for _ in range(100):
        if not _runs(pid):
            return
        time.sleep(0.1)
    pytest.fail("the worker outlived its parent")


def _runs(pid: int) -> bool:
    """Whether a process runs; one that waits to be reaped by a lazy init does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    "module", ["twofold.scorers.answers.correct", "twofold.scorers.answers.symbolic"]
)
def test_no_torch(module: str) -> None:
    code = f"import sys, {module}; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.strip() == b"False"


def test_a_worker_that_cannot_start_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    worker.WORKER.close()
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ScoringError, match="import math_verify"):
        worker.ask(EASY, timeout_s=5)
