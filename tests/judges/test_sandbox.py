import multiprocessing
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twofold.errors import ScoringError
from twofold.judges.sandbox import sandbox as module
from twofold.judges.sandbox.sandbox import SOURCE_CHARS, TEXT_CHARS, Sandbox
from twofold.judges.sandbox.sandbox_worker import REASON_CHARS, Limits, _confine, one_line
from twofold.types import Verdict

ROOT = Path(__file__).parents[2]
SANDBOX = Sandbox(timeout_s=0.5, grace_s=0.5)
THREE_WORDS = "def verify(text):\n    return len(text.split()) == 3\n"
HANGS = "def verify(text):\n    while True: pass\n"
linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's limits are set on Linux")


def warden_pid(sandbox: Sandbox) -> int | None:
    """The process id of the sandbox's warden; None if none runs."""
    warden = module.WARDENS.get(sandbox)
    return None if warden is None else warden.pid


@pytest.fixture(scope="module", autouse=True)
def closed() -> Iterator[None]:
    with SANDBOX:
        yield


def score(source: str, text: str = "one two three") -> float | None:
    return SANDBOX.run(source, [text])[0].score


def returning(expression: str) -> str:
    return f"def verify(text):\n    return {expression}\n"


# What a verdict is


def test_true_is_one_and_false_is_zero_in_order() -> None:
    verdicts = SANDBOX.run(THREE_WORDS, ["a b c", "a b", "", "x y z"])
    assert [v.score for v in verdicts] == [1.0, 0.0, 0.0, 1.0]
    assert verdicts[0].reason == "the program says True"
    assert verdicts[1].reason == "the program says False"


def test_no_texts_no_verdicts_and_no_process() -> None:
    unused = Sandbox(timeout_s=0.123)
    assert unused.run(THREE_WORDS, []) == []
    assert warden_pid(unused) is None


def test_an_exception_is_not_a_pass() -> None:  # RLCF: an error dict counted as true
    (verdict,) = SANDBOX.run(returning("1 / 0"), ["x"])
    assert verdict.score is None
    assert verdict.reason == "no verdict of the program: ZeroDivisionError: division by zero"


@pytest.mark.parametrize("value", ["1", "'yes'", "[0]", "{'_error': 'x'}", "1.0", "object", "re"])
def test_what_is_only_truthy_is_not_a_pass(value: str) -> None:
    (verdict,) = SANDBOX.run("import re\n" + returning(value), ["x"])
    assert verdict.score is None
    assert "not True or False" in verdict.reason


@pytest.mark.parametrize("value", ["0", "''", "None", "[]", "0.0"])
def test_what_is_only_falsy_is_not_a_fail(value: str) -> None:
    assert score(returning(value)) is None


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("def verify(text)\n    return True", "SyntaxError"),
        ("def check(text):\n    return True", "NameError: name 'verify' is not defined"),
        ("verify = 3", "TypeError: 'int' object is not callable"),
        (returning("text.nothing"), "AttributeError"),
        (returning("undefined"), "NameError: name 'undefined' is not defined"),
        ("1 / 0\n" + THREE_WORDS, "ZeroDivisionError"),
        (HANGS, "timed out after 0.5 s"),
        ("while True: pass\n" + THREE_WORDS, "timed out after 0.5 s"),
        (returning("[0] * 10**9"), "needs more than 32 MiB of memory"),
        ("def verify(text):\n    raise MemoryError('mine')", "MemoryError: mine"),
        ("def verify(text):\n    print('x' * 99_999)", "printed more than 16384 bytes"),
        (returning("verify(text)"), "RecursionError"),
    ],
)
def test_why_there_is_no_verdict(source: str, reason: str) -> None:
    (verdict,) = SANDBOX.run(source, ["x"])
    assert verdict.score is None
    assert reason in verdict.reason


def test_a_reason_is_one_short_printable_line() -> None:
    source = "def verify(text):\n    raise ValueError('a\\n\\x00\\u202e\\x1b[31m' * 99_999)\n"
    (verdict,) = SANDBOX.run(source, ["x"])
    assert verdict.reason.isprintable()
    assert len(verdict.reason) <= REASON_CHARS + len("no verdict of the program: ")


@given(st.text(), st.integers(1, 40))
def test_any_text_becomes_one_line(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert line.isprintable()


# What a program is told


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_text_arrives_as_it_is_and_never_as_code(text: str) -> None:
    (verdict,) = SANDBOX.run(
        returning(f"[ord(c) for c in text] == {[ord(c) for c in text]}"), [text]
    )
    assert verdict == Verdict(1.0, "the program says True")


@pytest.mark.parametrize(
    "text", ["'''\nimport os", '"\\', "{text}", "__text__", "\0", "\r\n", "%s"]
)
def test_texts_that_look_like_code(text: str) -> None:
    assert score(returning(f"text == {text!r}"), text) == 1.0


def test_half_a_surrogate_pair_is_unscored_and_the_others_are_not() -> None:
    verdicts = SANDBOX.run(THREE_WORDS, ["a b c", "a b \ud800", "a"])
    assert [v.score for v in verdicts] == [1.0, None, 0.0]
    assert "not valid Unicode" in verdicts[1].reason
    assert "not valid Unicode" in SANDBOX.run(THREE_WORDS + "# \udfff", ["x"])[0].reason


def test_too_long_is_said_before_anything_runs() -> None:
    assert score(returning("len(text) > 0"), "a" * TEXT_CHARS) == 1.0
    (long,) = SANDBOX.run(THREE_WORDS, ["a" * (TEXT_CHARS + 1)])
    assert long == Verdict(None, "the text has 1000001 characters, more than 1000000")
    (source,) = SANDBOX.run("#" * (SOURCE_CHARS + 1), ["a"])
    assert source == Verdict(None, "the program has 20001 characters, more than 20000")


def test_a_program_remembers_nothing_of_the_text_before() -> None:
    counts = "n = 0\nseen = []\ndef verify(text, memo={}):\n    global n\n    n += 1\n"
    counts += "    seen.append(text)\n    memo[text] = 1\n"
    counts += "    return n == 1 and len(seen) == 1 and len(memo) == 1 and text < 'c'\n"
    texts = ["a", "b", "c", "a", "d"]
    forward = SANDBOX.run(counts, texts)
    backward = SANDBOX.run(counts, texts[::-1])
    alone = [SANDBOX.run(counts, [text])[0] for text in texts]
    assert [v.score for v in forward] == [1.0, 1.0, 0.0, 1.0, 0.0]
    assert forward == backward[::-1] == alone


def test_the_random_module_and_the_clock_stand_still() -> None:
    source = "import random, time, datetime\ndef verify(text):\n    now = datetime.datetime.now()\n"
    source += "    raise ValueError(f'{random.random()} {time.time()} {now} {hash(text)}')\n"
    first = SANDBOX.run(source, ["x", "x"])
    SANDBOX.close()
    assert first[0] == first[1] == SANDBOX.run(source, ["x"])[0]
    assert "946684800" in first[0].reason  # the first second of 2000


def test_sleeping_costs_nothing() -> None:
    start = time.perf_counter()
    assert score("import time\ndef verify(text):\n    time.sleep(1e6)\n    return True\n") == 1.0
    assert time.perf_counter() - start < 5


# The settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout_s": 0},
        {"timeout_s": 61},
        {"timeout_s": float("nan")},
        {"grace_s": -1},
        {"memory_mib": 7},
        {"memory_mib": 257},
    ],
)
def test_limits_out_of_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ScoringError, match="give"):
        Sandbox(**wrong)  # type: ignore[arg-type]


def test_a_program_may_use_more_where_the_limits_say_so() -> None:
    needs = "def verify(text):\n    x = [0] * (3 << 20)\n    return len(x) > 0\n"
    with Sandbox(memory_mib=16) as small, Sandbox(memory_mib=128) as large:
        assert [s.run(needs, ["x"])[0].score for s in (small, large)] == [None, 1.0]


def test_it_is_pickled_by_its_limits_and_closed_and_opened_again() -> None:
    again = pickle.loads(pickle.dumps(SANDBOX))
    assert again == SANDBOX and hash(again) == hash(SANDBOX)
    assert again.run(THREE_WORDS, ["a b c"])[0].score == 1.0
    assert warden_pid(again) == warden_pid(SANDBOX) is not None
    again.close()
    again.close()
    assert warden_pid(SANDBOX) is None
    assert score(THREE_WORDS) == 1.0


def test_without_the_library_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ScoringError, match=r"twofold\[judges\]"):
        Sandbox(timeout_s=0.77).run(THREE_WORDS, ["x"])


# Threads, forks, deaths


def test_a_time_out_works_outside_the_main_thread() -> None:  # RLCF: SIGALRM
    assert threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGALRM)
    with ThreadPoolExecutor(1) as pool:
        (verdict,) = pool.submit(SANDBOX.run, HANGS, ["x"]).result(timeout=30)
    assert verdict.score is None and "timed out" in verdict.reason
    assert signal.getsignal(signal.SIGALRM) is handler


def test_threads_get_their_own_answers() -> None:
    def ask(n: int) -> float | None:
        return score(returning(f"len(text) == {n}"), "x" * (n if n % 2 else n + 1))

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == [float(n % 2) for n in range(40)]


def _ran_in_child(queue: multiprocessing.SimpleQueue) -> None:  # type: ignore[type-arg]
    verdicts = SANDBOX.run(THREE_WORDS, ["a b c", "a"])
    queue.put(([v.score for v in verdicts], warden_pid(SANDBOX)))
    SANDBOX.close()


def test_a_fork_starts_its_own_warden_and_leaves_the_parents() -> None:
    score(THREE_WORDS)
    parents = warden_pid(SANDBOX)
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    child = context.Process(target=_ran_in_child, args=(queue,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    scores, childs = queue.get()
    assert scores == [1.0, 0.0]
    assert childs not in (None, parents)
    assert warden_pid(SANDBOX) == parents
    assert score(THREE_WORDS) == 1.0


SCRIPT = """
import os
from pathlib import Path
from twofold.judges.sandbox import sandbox as sandboxes
sandbox = sandboxes.Sandbox()
print(sandbox.run("def verify(text): return True", ["x"])[0].score, end=" ")
pid = sandboxes.WARDENS[sandbox].pid
print(pid, Path(f"/proc/{pid}/task/{pid}/children").read_text().strip(), flush=True)
"""


def _ran(pid: str) -> bool:
    """Whether a process still runs; one that waits to be reaped does not."""
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _gone(pids: list[str]) -> bool:
    for _ in range(100):
        if not any(_ran(pid) for pid in pids):
            return True
        time.sleep(0.1)
    return False


@linux
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
    said, *pids = done.stdout.split()
    assert said == "1.0" and len(pids) == 2
    assert _gone(pids)


@linux
def test_everything_ends_when_the_parent_is_killed() -> None:
    busy = f"import time\nsandbox.run({HANGS!r}, ['x'] * 99)"
    parent = subprocess.Popen(
        [sys.executable, "-c", SCRIPT + busy], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pids = parent.stdout.readline().split()[1:]
    time.sleep(0.3)
    parent.kill()
    parent.communicate()
    assert len(pids) == 2 and _gone(pids)


def _worker() -> int:
    pid = warden_pid(SANDBOX)
    assert pid is not None
    (worker,) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(worker)


def test_a_warden_killed_between_texts_costs_nothing() -> None:
    score(THREE_WORDS)
    pid = warden_pid(SANDBOX)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert score(THREE_WORDS) == 1.0
    assert warden_pid(SANDBOX) != pid


@linux
@pytest.mark.parametrize("whom", ["worker", "warden"])
def test_kill_9_in_the_middle_loses_one_text(whom: str) -> None:
    score(THREE_WORDS)
    pid = _worker() if whom == "worker" else warden_pid(SANDBOX)
    assert pid is not None
    source = "def verify(text):\n    while text == 'hang': pass\n    return text == 'a'\n"
    killer = threading.Timer(0.25, os.kill, (pid, signal.SIGKILL))
    killer.start()
    verdicts = SANDBOX.run(source, ["a", "hang", "b", "a"])
    killer.join()
    assert [v.score for v in verdicts] == [1.0, None, 0.0, 1.0]
    assert ("crashed" if whom == "worker" else "died") in verdicts[1].reason


@linux
def test_an_interpreter_that_hangs_is_killed_by_the_warden() -> None:
    score(THREE_WORDS)
    worker = _worker()
    os.kill(worker, signal.SIGSTOP)  # as one that never looks at its clock again
    start = time.perf_counter()
    (verdict,) = SANDBOX.run(THREE_WORDS, ["a b c"])
    assert verdict.score is None and "hung and was killed" in verdict.reason
    assert time.perf_counter() - start < 2 * (SANDBOX.timeout_s + SANDBOX.grace_s) + 2
    assert score(THREE_WORDS) == 1.0
    assert not _ran(str(worker))


@linux
def test_a_warden_that_hangs_is_killed_by_us(monkeypatch: pytest.MonkeyPatch) -> None:
    score(THREE_WORDS)
    pid, worker = warden_pid(SANDBOX), _worker()
    assert pid is not None
    monkeypatch.setattr(module, "SLACK_S", 0.1)
    os.kill(pid, signal.SIGSTOP)
    (verdict,) = SANDBOX.run(THREE_WORDS, ["a b c"])
    assert verdict.score is None and "its sandbox hung" in verdict.reason
    assert _gone([str(pid), str(worker)])
    assert score(THREE_WORDS) == 1.0


def test_ctrl_c_does_not_leave_an_answer_for_the_next_text() -> None:
    score(THREE_WORDS)
    timer = threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        SANDBOX.run("def verify(text):\n    while True: pass\n", ["x"] * 50)
    timer.join()
    assert score(returning("False")) == 0.0


# The kernel's wall, by itself: a process that nothing else guards


def _confined(code: str) -> subprocess.CompletedProcess[str]:
    waits = "import sys; print('ready', flush=True); sys.stdin.readline()\n"
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", waits + code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    _confine(process.pid, Limits(timeout_s=0.1, grace_s=0.1, memory_mib=8))
    out, err = process.communicate("\n", timeout=60)
    return subprocess.CompletedProcess([], process.returncode, out, err)


@linux
@pytest.mark.parametrize(
    "code",
    [
        "open('/etc/hostname')",
        "import posix; posix.open('/etc/hostname', 0)",
        "import posix; posix.pipe()",
    ],
)
def test_a_confined_process_opens_nothing(code: str) -> None:
    done = _confined("import posix\n" + code)
    assert done.returncode == 1
    assert "Too many open files" in done.stderr


@linux
def test_a_confined_process_gets_no_memory() -> None:
    done = _confined("try: b'x' * (300 << 20)\nexcept MemoryError: print('refused')")
    assert done.stdout == "refused\n"


@linux
def test_a_confined_process_is_killed_by_its_processor_time() -> None:
    assert _confined("while True: pass").returncode == -signal.SIGXCPU


@linux
def test_the_running_worker_is_confined_and_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_SECRET", "hush")
    SANDBOX.close()
    score(THREE_WORDS)
    worker = _worker()
    for what in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        assert resource.prlimit(worker, what) == (0, 0)
    space = (256 + 2 * SANDBOX.memory_mib) << 20
    assert resource.prlimit(worker, resource.RLIMIT_AS) == (space, space)
    assert 0 < resource.prlimit(worker, resource.RLIMIT_CPU)[0] < 10
    for pid in (worker, warden_pid(SANDBOX)):
        assert b"hush" not in Path(f"/proc/{pid}/environ").read_bytes()


@linux
def test_a_worker_holds_nothing_but_its_pipes() -> None:
    score(THREE_WORDS)
    held = sorted(os.readlink(fd) for fd in Path(f"/proc/{_worker()}/fd").iterdir())
    pipes = [each for each in held if each.startswith("pipe:")]
    assert len(pipes) == 2
    assert set(held) - set(pipes) == {"/dev/null"}


def test_importing_it_pulls_in_neither_torch_nor_the_interpreter() -> None:
    code = "import sys, twofold.judges.program as _\n"
    code += "print('torch' in sys.modules, 'pydantic_monty' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.split() == [b"False", b"False"]
