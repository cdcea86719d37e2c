"""Logs of Inspect: what was said is found under every compression; what is broken or hostile is refused."""

import io
import json
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twofold.constraints import from_spec
from twofold.errors import RunError
from twofold.runs import inspect_logs
from twofold.runs.score import score
from twofold.storage import archive
from twofold.types import FinishReason, Problem

zstandard = pytest.importorskip("zstandard")

NO_COMMA = from_spec("punctuation:no_comma", None, profile="fixed")
PROBLEMS = [Problem(question=f"What is {i}?", answer=str(i)) for i in range(4)]


def sample(
    number: int, said: Any, *, epoch: int = 1, stop: str = "stop", **more: Any
) -> dict[str, Any]:
    """One sample as Inspect 0.3.285 writes it, with what we do not read left out, NaN among it."""
    asked = f"What is {number}?"
    turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    return {
        "id": f"q{number}",
        "epoch": epoch,
        "input": asked,
        "messages": turns,
        "output": {"choices": [{"message": turns[-1], "stop_reason": stop}]},
        "scores": {"includes": {"value": float("nan")}},
    } | more


THOUGHT = [{"type": "reasoning", "reasoning": "one is one"}, {"type": "text", "text": r"\boxed{1}"}]
SAMPLES = [
    sample(0, r"\boxed{0}"),
    sample(1, THOUGHT),
    sample(2, "and so on", stop="max_tokens"),
    sample(0, r"\boxed{7}", epoch=2),
]


def packed(samples: list[Any], method: int) -> bytes:
    """An `.eval` file; zstd, which zipfile does not write, is put together by hand."""
    named = [
        (f"samples/{s['id']}_epoch_{s['epoch']}.json", json.dumps(s).encode()) for s in samples
    ]
    named.append(("header.json", b'{"version": 2}'))
    if method != 93:
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as made:
            for name, content in named:
                made.writestr(name, content)
        return file.getvalue()
    return zip_of(
        [(n, zstandard.ZstdCompressor().compress(c), zlib.crc32(c), len(c)) for n, c in named]
    )


def zip_of(members: list[tuple[str, bytes, int, int]]) -> bytes:
    """A zip with members of the method 93, given as name, packed content, checksum and size."""
    body, central = b"", b""
    for name, content, crc, size in members:
        common = struct.pack("<HHHHHIIIHH", 63, 0, 93, 0, 0, crc, len(content), size, len(name), 0)
        at = len(body)
        body += b"PK\x03\x04" + common + name.encode() + content
        central += b"PK\x01\x02" + struct.pack("<H", 63) + common
        central += struct.pack("<HHHII", 0, 0, 0, 0, at) + name.encode()
    n = len(members)
    end = struct.pack("<HHHHIIH", 0, 0, n, n, len(central), len(body), 0)
    return body + central + b"PK\x05\x06" + end


def log(folder: Path, form: str) -> Path:
    methods = {"stored": 0, "deflate": 8, "zstd": 93}
    if form == "json":
        path = folder / "log.json"
        path.write_text(
            json.dumps({"version": 2, "status": "success", "eval": {}, "samples": SAMPLES})
        )
        return path
    path = folder / "log.eval"
    path.write_bytes(packed(SAMPLES, methods[form]))
    return path


@pytest.mark.parametrize("form", ["stored", "deflate", "zstd", "json"])
def test_what_was_said_is_found(tmp_path: Path, form: str) -> None:
    path = log(tmp_path, form)
    assert inspect_logs.is_log(path)
    found = {
        (p.answer, row["sample"]): row for p, _, row in inspect_logs.replies(path, PROBLEMS) if p
    }
    assert found.keys() == {("0", 0), ("0", 1), ("1", 0), ("2", 0)}
    assert found["0", 0]["reply"] == r"\boxed{0}"
    assert found["0", 1]["reply"] == r"\boxed{7}"
    assert (found["1", 0]["thinking"], found["1", 0]["reply"]) == ("one is one", r"\boxed{1}")
    assert found["2", 0]["finish_reason"] == FinishReason.truncated


def test_two_logs_give_the_paired_change(tmp_path: Path) -> None:
    """Right before: 0. Right after: 0, 1 and 2, each of three problems."""
    (tmp_path / "old.eval").write_bytes(packed([sample(i, r"\boxed{0}") for i in range(3)], 93))
    (tmp_path / "new.eval").write_bytes(packed([sample(i, rf"\boxed{{{i}}}") for i in range(3)], 8))
    result = score(
        tmp_path / "new.eval", PROBLEMS, baseline=tmp_path / "old.eval", out=tmp_path / "run"
    )
    change = result.findings[0].comparison("accuracy", condition="unconstrained")
    assert change is not None
    assert (change.n_improved, change.difference.n) == (2, 3)
    assert change.difference.value == pytest.approx(2 / 3)
    assert any("1 of 4 problems have no row" in each for each in result.findings[0].caveats)


def test_the_condition_is_what_the_conversation_states(tmp_path: Path) -> None:
    problem = Problem(question="What is 1?", answer="1", constraints=(NO_COMMA,))
    told = problem.messages()[0]["content"]
    said = [
        sample(1, "1", input=told),
        sample(1, "1", epoch=2),
        sample(
            1,
            "1",
            epoch=3,
            messages=[
                {"role": "system", "content": NO_COMMA.instruction()},
                {"role": "user", "content": "What is 1?"},
                {"role": "assistant", "content": "1"},
            ],
        ),
    ]
    path = tmp_path / "log.eval"
    path.write_bytes(packed(said, 8))
    rows = [row for _, _, row in inspect_logs.replies(path, [problem])]
    found = {row["sample"]: row["condition"] for row in rows}
    assert found == {0: "constrained", 1: "unconstrained", 2: "constrained"}


def test_a_sample_that_failed_is_lost_and_one_of_another_task_is_counted(tmp_path: Path) -> None:
    failed = sample(
        0, "", messages=[], output={"choices": []}, error={"message": "the server is gone"}
    )
    other = sample(9, "9", input="Who?", id="z")
    path = tmp_path / "log.eval"
    path.write_bytes(packed([failed, other, *SAMPLES[1:3]], 8))
    result = score(path, PROBLEMS[:3], out=tmp_path / "run")
    assert result.lost.n == 1
    assert any("the server is gone" in reason for reason in result.lost.reasons)
    assert any("1 rows of the file of replies" in each for each in result.findings[0].caveats)


def test_a_problem_is_also_found_by_its_id(tmp_path: Path) -> None:
    problem = Problem(question="What is 1?", answer="1", tags={"source_id": "train/7"})
    path = tmp_path / "log.eval"
    for name in ("train-7", problem.id):
        path.write_bytes(packed([sample(1, "1", input="Solve it.", id=name)], 8))
        found = [each for each, *_ in inspect_logs.replies(path, [problem])]
        assert found == ([problem] if name == problem.id else [None])


def test_what_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.eval"
    path.write_bytes(packed([sample(1, "1"), sample(1, "2", id="again")], 8))
    with pytest.raises(RunError, match="score one task at a time"):
        list(inspect_logs.replies(path, PROBLEMS))


@pytest.mark.parametrize("name", ["../samples/x.json", "/samples/x.json", "samples/../../x.json"])
def test_a_member_that_leaves_the_archive_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(name, json.dumps(SAMPLES[0]))
    with pytest.raises(RunError, match="leaves it"):
        list(inspect_logs.replies(path, PROBLEMS))


@pytest.mark.parametrize("method", [8, 93])
def test_a_bomb_is_refused_whatever_it_says_of_its_size(
    tmp_path: Path, method: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "LONGEST_LINE", 10_000)
    path = tmp_path / "log.eval"
    zeros = b"0" * 1_000_000
    if method == 93:
        small = zstandard.ZstdCompressor().compress(zeros)
        path.write_bytes(zip_of([("samples/a.json", small, zlib.crc32(zeros), 10)]))
    else:
        with zipfile.ZipFile(path, "w", method) as made:
            made.writestr("samples/a.json", zeros)
    with pytest.raises(RunError, match="unpacks to more than 10000 bytes"):
        list(inspect_logs.replies(path, PROBLEMS))


def test_all_members_together_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST", 1000)
    path = tmp_path / "log.eval"
    path.write_bytes(packed([sample(1, "1" * 400, epoch=i) for i in range(1, 5)], 8))
    with pytest.raises(RunError, match="unpacks to more than 1000 bytes"):
        list(inspect_logs.replies(path, PROBLEMS))


def test_no_log_is_told_with_its_remedy(tmp_path: Path) -> None:
    path = tmp_path / "log.eval"
    for content, says in (
        (b"not a zip", "no zip that we read"),
        (packed([], 8), "holds no sample"),
    ):
        path.write_bytes(content)
        with pytest.raises(RunError, match=says):
            list(inspect_logs.replies(path, PROBLEMS))
    other = tmp_path / "rows.json"
    other.write_text('{"output": ["4"]}')
    assert not inspect_logs.is_log(other)


@pytest.mark.parametrize("method", [0, 8, 93])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_log_is_an_error_or_gives_what_it_gave(
    tmp_path_factory: pytest.TempPathFactory, method: int, data: st.DataObject
) -> None:
    """Cut off or changed anywhere: never a traceback, and never another pairing."""
    whole = packed(SAMPLES, method)
    path = tmp_path_factory.mktemp("fuzz") / "log.eval"
    path.write_bytes(whole)
    right = {
        (p.answer, row["sample"], raw) for p, raw, row in inspect_logs.replies(path, PROBLEMS) if p
    }
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        path.write_bytes(whole[:at])
    else:
        path.write_bytes(whole[:at] + bytes([data.draw(st.integers(0, 255))]) + whole[at + 1 :])
    try:
        found = {
            (p.answer, row["sample"], raw)
            for p, raw, row in inspect_logs.replies(path, PROBLEMS)
            if p
        }
    except RunError:
        return
    assert found <= right
