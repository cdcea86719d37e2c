"""A kill, a full disk or a short write at each file event of a training, and what is there after.

    python tests/kills/trials.py sft kill              every event
    python tests/kills/trials.py study full --tried 40

One process imports everything and forks for each trial, so that a trial costs what training costs.
Needs Linux and a C compiler. Prints a summary with every trial that does not end equal.
"""

import argparse
import ctypes
import gc
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MODES = {"count": 0, "kill": 1, "full": 2, "short": 3}
KILLED, TOLD, BUG = 137, 3, 4
LIMIT_S = 120


def library(folder: Path) -> Path:
    """The compiled counter of file events; a `FileNotFoundError` without a C compiler."""
    made = folder / "file_events.so"
    source = str(HERE / "file_events.c")
    subprocess.run(
        ["cc", "-O1", "-shared", "-fPIC", "-o", str(made), source, "-ldl", "-lpthread"], check=True
    )
    return made


def run(
    folder: Path, work: str, mode: str, *, n_tried: int | None = None, about: str = ""
) -> dict[str, Any]:
    """The summary of trials, made in a process of their own.

    Args:
        folder: An empty folder for them.
        work: A key of `works.WORKS`.
        mode: What happens at an event: `kill`, `full` (and the disk stays full), `short` (all writes).
        n_tried: How many events are tried, evenly spread; None = all.
        about: Only events on files whose path contains this.
    """
    environment = os.environ | {
        "LD_PRELOAD": str(library(folder)),
        "OMP_NUM_THREADS": "1",
        "RAYON_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), *filter(None, sys.path)]),
    }
    command = [sys.executable, str(Path(__file__)), work, mode, "--folder", str(folder)]
    command += ["--about", about, *(["--tried", str(n_tried)] if n_tried else [])]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return summary


class Trials:
    """The trials of one work in one folder."""

    def __init__(self, work: str, folder: Path) -> None:
        from works import WORKS, prepare, result

        self._work, self._result = WORKS[work], result
        self._folder = folder
        self._base = prepare(folder)
        os.environ["TWOFOLD_CACHE"] = str(folder / "cache")
        self._work(self._base, folder / "first")  # what is loaded now is not loaded in each trial
        gc.collect()
        gc.freeze()
        self._library = ctypes.CDLL(None)

    def attempt(self, place: Path, mode: str = "count", at: int = 0) -> tuple[int, str]:
        """Do the work in a child, disturbed at event `at`; its status and the end of its output."""
        place.mkdir(exist_ok=True)
        log = place.with_name(f"{place.name}.log")
        child = os.fork()
        if child == 0:
            self._child(place, log, MODES[mode], at)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return status, log.read_text(errors="replace")[-2000:]

    def _child(self, place: Path, log: Path, mode: int, at: int) -> None:
        """Do the work and leave; never returns."""
        from twofold.errors import TwofoldError

        status = BUG
        try:
            signal.alarm(LIMIT_S)
            output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(output, 1)
            os.dup2(output, 2)
            os.environ["TWOFOLD_CACHE"] = str(place / "cache")
            events = os.open(log.with_suffix(".events"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            self._library.events_arm(f"{place}/".encode(), mode, ctypes.c_long(at), events)
            self._work(self._base, place / "out")
            status = 0
        except TwofoldError as error:
            print(f"error: {error}", flush=True)
            status = TOLD
        finally:
            if status == BUG:
                traceback.print_exc()
            sys.stdout.flush()
            os._exit(status)

    def events(self, place: Path) -> list[str]:
        """The file events of the last attempt at a place."""
        return place.with_name(f"{place.name}.events").read_text().splitlines()

    def result(self, place: Path) -> dict[str, Any]:
        """What a work has left at a place."""
        return self._result(place / "out")

    def outcome(self, mode: str, at: int, whole: dict[str, Any]) -> dict[str, Any] | None:
        """What is wrong with a trial: None if it ends as an undisturbed work does."""
        place = self._folder / "trial"
        shutil.rmtree(place, ignore_errors=True)
        status, said = self.attempt(place, mode, at)
        if mode == "kill" and status not in (0, KILLED):
            return {"why": f"status {status} at the kill", "said": said}
        if mode != "kill" and status not in (0, TOLD):
            return {"why": f"status {status}: not our error", "said": said}
        if mode == "full" and status == TOLD and "space" not in said:
            return {"why": "no remedy", "said": said}
        status, said = self.attempt(place)
        if status != 0:
            return {"why": f"status {status} when resumed", "said": said}
        here = self.result(place)
        if differing := sorted(k for k in whole.keys() | here if whole.get(k) != here.get(k)):
            first = differing[0]
            about = _difference(whole.get(first), here.get(first))
            return {"why": f"other {', '.join(differing)[:500]}", "said": json.dumps(about)[:800]}
        return None


def _difference(there: Any, here: Any) -> Any:
    """The first part in which two results differ."""
    if isinstance(there, dict) and isinstance(here, dict):
        key = next(k for k in [*there, *here] if there.get(k) != here.get(k))
        return {key: _difference(there.get(key), here.get(key))}
    if isinstance(there, list) and isinstance(here, list):
        pairs = list(itertools.zip_longest(there, here))
        at = next(i for i, (a, b) in enumerate(pairs) if a != b)
        return {at: _difference(*pairs[at])}
    return [there, here]


def all_of(work: str, mode: str, folder: Path, n: int | None, about: str) -> dict[str, Any]:
    """Try the events, and say on stderr how each ended that did not end equal; the summary."""
    trials = Trials(work, folder)
    place = folder / "whole"
    status, said = trials.attempt(place)
    if status:
        raise RuntimeError(f"the undisturbed work fails: {said}")
    events = trials.events(place)
    whole = trials.result(place)
    trials.attempt(folder / "again")
    if trials.result(folder / "again") != whole:
        raise RuntimeError("two undisturbed works differ")
    of = [at for at, event in enumerate(events, 1) if about in event]
    asked = of if n is None else [of[i * len(of) // n] for i in range(n)]
    unequal = []
    for number, at in enumerate(asked, 1):
        if wrong := trials.outcome(mode, at, whole):
            unequal.append({"at": at, "event": events[at - 1], **wrong})
            print(json.dumps(unequal[-1]), file=sys.stderr, flush=True)
        if number % 50 == 0:
            print(f"{number} of {len(asked)}", file=sys.stderr, flush=True)
    about_all = {"work": work, "mode": mode, "events": len(events), "tried": len(asked)}
    return about_all | {"unequal": unequal}


def main() -> None:
    """Try what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work")
    parser.add_argument("mode", choices=[*MODES][1:])
    parser.add_argument("--tried", type=int, help="how many events, evenly spread [default: all]")
    parser.add_argument("--about", default="", help="only events on files with this in their path")
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.folder is None:
        with tempfile.TemporaryDirectory() as folder:
            summary = run(
                Path(folder), asked.work, asked.mode, n_tried=asked.tried, about=asked.about
            )
    else:
        sys.path[:0] = [str(HERE), str(HERE.parent / "models")]
        summary = all_of(asked.work, asked.mode, asked.folder, asked.tried, asked.about)
    print(json.dumps(summary), flush=True)


if __name__ == "__main__":
    main()
