"""A judge's server that is down, comes back, and a process that is killed: nothing stays lost."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from twofold.diagnostics.checklist.collect import Checklists
from twofold.diagnostics.diagnostic import ScoredResponse, Subject, standing
from twofold.judges import Asked, CachedJudge, ExactJudge, Judge, SampledJudge
from twofold.judges.writing import ModelWriter, ProgramWriter, saved
from twofold.models.scripted import ScriptedModel
from twofold.problems import pocket, read, write
from twofold.runs.audit import audit
from twofold.storage.jsonl import read_lines
from twofold.types import FinishReason, Item, Problem, Response, Sampling, Verdict
from twofold.types.checklist import Checklist, Criterion

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))
from faulty_server import Act, FaultyServer, Say, error
from faulty_server import Asked as Request

KIND, SHORT = Criterion(text="Is it kind?"), Criterion(text="Does it ramble?", pitfall=True)
PROBLEMS = [
    replace(p, checklist=Checklist(criteria=(KIND, SHORT))) for p in pocket.suite(14, split="test")
]


@dataclass
class Served:
    """A model `m` that answers and a judge `judge`, whose health a test decides."""

    health: str = "down"  # or `up`, or a number of verdicts after which the client is killed
    pid: int = 0
    left: int = 0
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: Request) -> Act:
        if request.path.endswith("/models"):
            return Say(None)
        if request.body["model"] != "judge":
            return Say("It is \\boxed{4}.")
        self.asked.append(request.text)
        if self.health == "down":
            return error(503, "the judge sleeps")
        if self.health == "dying":
            self.left -= 1
            if self.left < 0:
                os.kill(self.pid, signal.SIGKILL)
        return Say(f"It reads well.\n{60 + len(request.text) % 40}")


def command(place: Path, url: str, served: Served, name: str = "run") -> int:
    """One audit by the command line; the exit status, negative for a signal."""
    arguments = ("audit", f"{url}#m", "--problems", place / "problems.jsonl", "--out", place / name)
    process = subprocess.Popen(
        [sys.executable, "-m", "twofold", *map(str, arguments), "--judge", f"{url}#judge"],
        env=os.environ | {"TWOFOLD_CACHE": str(place / f"cache-{name}"), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    served.pid = process.pid
    _, said = process.communicate()
    assert b"Traceback" not in said, said.decode()
    return process.returncode


def rows(place: Path, name: str = "run") -> list[dict[str, Any]]:
    return list(read_lines(place / name / "checklist.jsonl"))


@pytest.mark.slow
def test_what_a_judge_failed_at_is_asked_again_by_the_same_command(tmp_path: Path) -> None:
    write(tmp_path / "problems.jsonl", PROBLEMS)
    served = Served()
    with FaultyServer(served, models=("m", "judge")) as server:
        command(tmp_path, server.url, served)
        down = rows(tmp_path)
        assert down and all(row["score"] is None and row["retry"] for row in down)
        assert any("the judge sleeps" in str(row["parts"]) for row in down)
        served.health, served.left = "dying", 31
        assert command(tmp_path, server.url, served) == -signal.SIGKILL
        served.health = "up"
        n_before = len(served.asked)
        assert command(tmp_path, server.url, served) == 0
        whole = rows(tmp_path)
        assert len(whole) == len(down) and all(row["score"] is not None for row in whole)
        assert not any("retry" in row for row in whole)
        assert command(tmp_path, server.url, served, "afresh") == 0
        assert rows(tmp_path, "afresh") == whole  # as if it had never been down
        n_after = len(served.asked)
        assert n_after > n_before
        assert command(tmp_path, server.url, served) == 0
        assert len(served.asked) == n_after  # what is judged is not judged again
    said = whole[0]["parts"]["item:1"]["parts"]
    assert [part["reason"].split("\n")[0] for part in said.values()] == ["It reads well."] * 5
    page = (tmp_path / "run" / "report.html").read_text()
    assert "What this judge said" in page and "It reads well." in page


@dataclass(frozen=True)
class Shaky(Judge):
    """A judge from outside, which says nothing to the problems in `DOWN`."""

    @property
    def name(self) -> str:
        return "shaky"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        return [
            Verdict(None, "time-out") if each.problem.id in DOWN else Verdict(1.0, "so it is")
            for each in asked
        ]


def audited(out: Path, judge: Judge, label: str = "shaky") -> list[Any]:
    model = ScriptedModel(lambda prompt, sample: "It is \\boxed{4}.", name="m")
    listed = Checklists(judge, label)
    audit(model, PROBLEMS, out=out, sampling=Sampling(max_tokens=8), diagnostics=[listed])
    return list(read_lines(out / "checklist.jsonl"))


DOWN: set[str] = set()


@pytest.mark.parametrize("n_lost", [1, 5, 14])
def test_any_judge_is_asked_again_about_what_it_left_open(tmp_path: Path, n_lost: int) -> None:
    DOWN.update(problem.id for problem in PROBLEMS[:n_lost])
    first = audited(tmp_path, Shaky())
    open_ = [row for row in first if row["score"] is None]
    assert {row["problem"] for row in open_} == DOWN
    between = audited(tmp_path, ExactJudge(), "other")  # it does not take the place of the first
    assert [row for row in between if row["judge"] == "shaky"] == first
    DOWN.clear()
    again = [row for row in audited(tmp_path, Shaky()) if row["judge"] == "shaky"]
    assert [row["key"] for row in again] == [row["key"] for row in first]
    assert all(row["score"] == 1.0 and "retry" not in row for row in again)


def test_of_a_row_that_is_made_again_the_last_one_counts(tmp_path: Path) -> None:
    """After a kill both stand in the table; a report of it counts one of them."""
    rows = [{"role": "model", "key": key, "at": i} for i, key in enumerate("abcab")]
    for i in (0, 1, 3):
        rows[i]["retry"] = True
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert [row["at"] for row in standing(lambda: read_lines(tmp_path / "t.jsonl"))] == [2, 3, 4]


def subject(response: Response) -> Subject:
    item = Item("model", "constrained", PROBLEMS[0].id, 0)
    return Subject(
        role="model",
        model=ScriptedModel({}),
        problems=PROBLEMS[:1],
        answers=[ScoredResponse(item=item, response=response, correct=None)],
        sampling=Sampling(),
        seed=0,
    )


@pytest.mark.parametrize(
    ("response", "again"),
    [
        (Response(raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 500"), True),
        (Response(raw="<think>", reply="", finish_reason=FinishReason.unclosed_thinking), False),
        (Response(raw="", reply="", finish_reason=FinishReason.empty), False),
        (Response(raw="Hi.", reply="Hi."), True),
    ],
)
def test_a_failed_reply_is_judged_again_and_one_that_never_came_is_not(
    response: Response, again: bool
) -> None:
    DOWN.add(PROBLEMS[0].id)
    lost = list(Checklists(Shaky(), "shaky").collect(subject(response), frozenset()))
    DOWN.clear()
    (row,) = (row for row in lost if "floor" not in row)
    assert row.get("retry", False) == again


def test_rules_never_change_their_mind() -> None:
    reply = Response(raw="Hi.", reply="Hi.")
    rows = list(Checklists().collect(subject(reply), frozenset()))
    assert all(row["score"] is None and "retry" not in row for row in rows if "floor" not in row)


def test_the_place_of_the_cache_is_no_other_judge(tmp_path: Path) -> None:
    """A run that was begun with one cache goes on with another."""
    model = ScriptedModel(lambda text, g: "80", name="judge")
    first, other = (
        Checklists(CachedJudge(SampledJudge(model), tmp_path / name), "m") for name in ("a", "b")
    )
    hello = subject(Response(raw="Hi.", reply="Hi."))
    done = {row["key"] for row in first.collect(hello, frozenset())}
    assert done and list(other.collect(hello, done)) == []


def test_programs_that_could_not_be_written_are_asked_for_again(tmp_path: Path) -> None:
    """A checklist whose programs were lost with the server would stay without them for good."""
    asked = [Problem(question="Say hello."), Problem(question="Say goodbye.")]
    up: list[str] = []

    def said(text: str, sample: int) -> str | Response:
        if "verify(" not in text:
            return "- (80) Does the reply have at least 3 words?\n"
        if up:
            return "CANNOT"
        return Response(raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 503")

    model = ScriptedModel(said, name="writer")
    out = tmp_path / "out.jsonl"

    def written() -> list[str]:
        with saved.ChecklistFile(out, asked) as file:
            lists = ModelWriter(model=model).write(file.missing)
            programs = ProgramWriter(model=model)
            return file.append(lists, programs=programs, say=lambda line: None)

    failed = written()
    assert len(failed) == 2 and "HTTP 503" in failed[0]
    up.append("again")
    assert written() == []
    assert len(read(out, profile="fixed")) == 2
    assert json.loads(out.read_text().splitlines()[0])["checklist"]
