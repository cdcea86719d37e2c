"""234 attacks: none gets out, hangs or lies, and an honest program works after each."""

import os
import resource
import socket
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from twofold.judges.sandbox import sandbox as sandboxes
from twofold.judges.sandbox.sandbox import Sandbox

sys.path.insert(0, str(Path(__file__).parent))
from attacks import ATTACKS, Attack

SANDBOX = Sandbox(timeout_s=0.2, grace_s=0.3, memory_mib=16)
BOUND_S = 2 * (SANDBOX.timeout_s + SANDBOX.grace_s) + 2.0
"""Twice a limit and its grace, and two seconds for a machine that is busy with other work."""
TRIES = 5  # of a program that answers, see `says`
HONEST = "import re\ndef verify(text):\n    return len(re.findall(r'\\w+', text)) == 3\n"


def warden_pid(sandbox: Sandbox) -> int | None:
    """The process id of the sandbox's warden; None if none runs."""
    warden = sandboxes.WARDENS.get(sandbox)
    return None if warden is None else warden.pid


@dataclass
class Prison:
    """What the attacks want, and what is watched while they try."""

    canary: Path
    secret: Path
    listener: socket.socket
    peaks: dict[int, int] = field(default_factory=dict)

    def rigged(self, attack: Attack) -> str:
        port = self.listener.getsockname()[1]
        source = attack.source.replace("CANARY", str(self.canary)).replace("PORT", str(port))
        return source.replace("HIDDEN", str(self.secret))

    def untouched(self) -> bool:
        try:
            self.listener.accept()
        except BlockingIOError:
            return not self.canary.exists() and self.secret.read_text() == "hush"
        return False

    def watch(self, stop: threading.Event) -> None:
        """Note the most memory that any worker has held, process by process."""
        while not stop.wait(0.002):
            warden = warden_pid(SANDBOX)
            for pid in children(warden) if warden else ():
                self.peaks[pid] = max(self.peaks.get(pid, 0), peak_kib(pid))


def children(pid: int) -> list[int]:
    try:
        return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def peak_kib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(x.split()[1]) for x in status.splitlines() if x.startswith("VmHWM")), 0)


@pytest.fixture(scope="module")
def prison(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prison]:
    folder = tmp_path_factory.mktemp("prison")
    secret = folder / "secret.txt"
    secret.write_text("hush")
    os.environ["TWOFOLD_SECRET"] = "hush"
    with socket.create_server(("127.0.0.1", 0)) as listener, SANDBOX:
        listener.setblocking(False)
        made = Prison(folder / "canary", secret, listener)
        assert says(HONEST, ["one two three"]) == [1.0]
        stop = threading.Event()
        watcher = threading.Thread(target=made.watch, args=(stop,))
        watcher.start()
        yield made
        stop.set()
        watcher.join()
    del os.environ["TWOFOLD_SECRET"]


def says(source: str, texts: list[str]) -> list[float | None]:
    """The scores of a program that does answer; asked again where it was late, on a busy machine.

    A fifth of a second is long for an attack, and may be short for an honest program beside other work.
    """
    for _ in range(TRIES):
        found = [verdict.score for verdict in SANDBOX.run(source, texts)]
        if None not in found:
            break
    return found


def grown_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_gets_nothing(attack: Attack, prison: Prison) -> None:
    before = grown_kib()
    start = time.perf_counter()
    (verdict,) = SANDBOX.run(prison.rigged(attack), ["hello"])
    took = time.perf_counter() - start

    if attack.says is None:
        assert verdict.score is None
    else:
        assert says(prison.rigged(attack), ["hello"]) == [float(attack.says)]
    assert took < BOUND_S
    assert prison.untouched()
    assert verdict.reason.isprintable() and 0 < len(verdict.reason) <= 200
    assert "hush" not in verdict.reason and "sandbox" not in verdict.reason
    assert grown_kib() - before < 16 << 10  # nothing of what it made reaches this process
    assert says(HONEST, ["one two three", "one two"]) == [1.0, 0.0]


def test_there_are_many_attacks_and_none_twice() -> None:
    assert len(ATTACKS) == 234  # what docs/log.md and docs/methods.md say
    assert len({a.name for a in ATTACKS}) == len({a.source for a in ATTACKS}) == len(ATTACKS)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_worker_held_much_more_than_its_memory(prison: Prison) -> None:
    time.sleep(0.05)
    warden = warden_pid(SANDBOX)
    assert warden is not None and prison.peaks
    print(f"worker {max(prison.peaks.values())} KiB, warden {peak_kib(warden)} KiB at most")
    assert max(prison.peaks.values()) < (SANDBOX.memory_mib + 64) << 10
    assert peak_kib(warden) < 192 << 10
