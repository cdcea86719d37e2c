"""The run directory: nothing lost, nothing twice, nothing overwritten."""

import json
import multiprocessing
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from twofold.errors import RunError
from twofold.storage.jsonl import dumps, read_lines, replaced
from twofold.storage.run_dir import RunDir
from twofold.types import FinishReason, Item, Response

IDENTITY = {"models": {"model": {"weights": "abc"}}, "seed": 0}


def opened(path: Path, identity=IDENTITY, rank: int = 0) -> RunDir:
    return RunDir.open(path, identity, {"command": "test"}, rank=rank)


def item(n: int, role: str = "model") -> Item:
    return Item(role, "unconstrained", f"p{n}", 0)


def reply(n: int) -> Response:
    return Response(raw=f"reply {n}", reply=f"reply {n}")


def test_what_is_appended_is_there_at_the_next_opening(tmp_path):
    with opened(tmp_path / "run") as run:
        for n in range(3):
            run.append(item(n), reply(n))
    with opened(tmp_path / "run") as run:
        assert run.finished() == {item(0), item(1), item(2)}
        assert [row["raw"] for row in run.rows()] == ["reply 0", "reply 1", "reply 2"]


@pytest.mark.parametrize("cut", [1, 7, 30])
def test_a_torn_last_line_is_cut_and_made_again(tmp_path, cut):
    with opened(tmp_path / "run") as run:
        for n in range(3):
            run.append(item(n), reply(n))
    file = tmp_path / "run" / "responses.jsonl"
    file.write_bytes(file.read_bytes()[:-cut])
    with opened(tmp_path / "run") as run:
        assert run.finished() == {item(0), item(1)}
        run.append(item(2), reply(2))
    assert len(list(read_lines(file))) == 3


def test_a_file_of_one_torn_line_becomes_empty(tmp_path):
    with opened(tmp_path / "run"):
        pass
    (tmp_path / "run" / "responses.jsonl").write_bytes(b'{"role": "mo')
    with opened(tmp_path / "run") as run:
        assert run.finished() == set()


def test_a_corrupt_line_is_named_and_nothing_changes(tmp_path):
    with opened(tmp_path / "run") as run:
        for n in range(3):
            run.append(item(n), reply(n))
    file = tmp_path / "run" / "responses.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text(lines[0] + "{broken\n" + lines[2])
    before = file.read_bytes()
    with (
        pytest.raises(RunError, match=r"line 2 is corrupt .* Delete that line"),
        opened(tmp_path / "run") as run,
    ):
        run.finished()
    assert file.read_bytes() == before


def test_bytes_that_are_no_text_are_a_corrupt_line(tmp_path):
    file = tmp_path / "x.jsonl"
    file.write_bytes(b'{"a": "\xff"}\n')
    with pytest.raises(RunError, match="line 1 is corrupt"):
        list(read_lines(file))


def test_half_a_surrogate_survives_the_file(tmp_path):
    odd = Response(raw="a\ud800b", reply="a\ud800b")
    with opened(tmp_path / "run") as run:
        run.append(item(0), odd)
        assert Response.from_json(next(run.rows())) == odd


def test_another_model_is_refused_and_the_difference_named(tmp_path):
    with opened(tmp_path / "run") as run:
        run.append(item(0), reply(0))
    before = {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()}
    other = {"models": {"model": {"weights": "xyz"}}, "seed": 0}
    with pytest.raises(RunError, match=r'models.model.weights was "abc", now "xyz".*another --out'):
        opened(tmp_path / "run", other)
    assert {p.name: p.read_bytes() for p in (tmp_path / "run").iterdir()} == before


def test_a_strange_directory_or_file_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match=r"not a run directory \(it holds thesis.txt\)"):
        opened(tmp_path)
    with pytest.raises(RunError, match="is a file"):
        opened(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_corrupt_manifest_is_named(tmp_path):
    with opened(tmp_path / "run"):
        pass
    (tmp_path / "run" / "manifest.json").write_text("{")
    with pytest.raises(RunError, match=r"manifest.json is corrupt"):
        opened(tmp_path / "run")


def test_two_processes_cannot_share_a_directory(tmp_path):
    with opened(tmp_path / "run"), pytest.raises(RunError, match="another twofold process"):
        opened(tmp_path / "run")
    with opened(tmp_path / "run"):
        pass  # released


def test_an_item_twice_is_an_error(tmp_path):
    with opened(tmp_path / "run") as run:
        run.append(item(0), reply(0))
        run.append(item(0), reply(0))
        with pytest.raises(RunError, match=r"p0, sample 0 .* twice"):
            run.finished()


def test_failed_calls_are_forgotten_at_the_next_opening(tmp_path):
    with opened(tmp_path / "run") as run:
        run.append(item(0), reply(0))
        run.append(
            item(1), Response(raw="", reply="", finish_reason=FinishReason.failed, error="time-out")
        )
        assert run.finished() == {item(0), item(1)}
    with opened(tmp_path / "run") as run:
        assert run.finished() == {item(0)}
        run.append(item(1), reply(1))
        assert run.finished() == {item(0), item(1)}


def test_other_processes_replies_are_taken_in_once(tmp_path):
    with opened(tmp_path / "run") as run:
        run.append(item(0), reply(0))
    with opened(tmp_path / "run", rank=1) as other:
        other.append(item(1), reply(1))
    shard = tmp_path / "run" / "responses.rank1.jsonl"
    kept = shard.read_bytes()
    with opened(tmp_path / "run") as run:
        assert run.finished() == {item(0), item(1)}
        assert not shard.exists()
    shard.write_bytes(kept)  # as if it had been killed between taking in and removing
    with opened(tmp_path / "run") as run:
        assert run.finished() == {item(0), item(1)}


def test_sorting_makes_equal_runs_equal_files(tmp_path):
    files = []
    for order in ((2, 0, 1), (1, 2, 0)):
        with opened(tmp_path / str(order)) as run:
            for n in order:
                run.append(item(n), Response(raw=f"é {n}\n", reply="x"))
            run.sort(lambda i: (i.role, i.condition, int(i.problem[1:]), i.sample))
            run.append(item(9), reply(9))
        files.append((tmp_path / str(order) / "responses.jsonl").read_bytes())
    assert files[0] == files[1]
    assert [json.loads(line)["problem"] for line in files[0].splitlines()] == [
        "p0",
        "p1",
        "p2",
        "p9",
    ]


def test_a_replaced_file_is_whole_or_untouched(tmp_path):
    file = tmp_path / "table.jsonl"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), replaced(file) as out:
        out.write("half")
        _ = 1 / 0
    assert file.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.jsonl"]


def test_a_row_of_a_growing_table_is_on_disk_before_the_next_is_made(tmp_path):
    table = tmp_path / "run" / "table.jsonl"
    with opened(tmp_path / "run") as run, run.growing("table.jsonl") as save:
        for n in range(3):
            save({"key": n, "text": "a\ud800"})
            assert [row["key"] for row in read_lines(table)] == list(range(n + 1))
    assert next(read_lines(table))["text"] == "a\ud800"


def test_a_growing_table_loses_its_torn_line_and_nothing_else(tmp_path):
    table = tmp_path / "run" / "table.jsonl"
    with opened(tmp_path / "run") as run:
        table.write_text('{"key":0}\n{"key":1,"retry":true}\n{"key":2}\n{"key":3,"te')
        with run.growing("table.jsonl") as save:
            save({"key": 1})
        kept = '{"key":0}\n{"key":1,"retry":true}\n{"key":2}\n{"key":1}\n'
        assert table.read_text() == kept


def test_a_directory_may_be_let_go_twice(tmp_path):
    run = opened(tmp_path / "run")
    run.append(item(0), reply(0))
    run.close()
    run.close()
    with opened(tmp_path / "run") as run:
        assert run.finished() == {item(0)}


def test_nan_never_reaches_a_file():
    with pytest.raises(ValueError, match="Out of range"):
        dumps({"score": float("nan")})


def _fill_a_small_disk(path: Path, said) -> None:
    """Append under a file-size limit, which fails the write as a full disk does."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    try:
        with opened(path) as run:
            for n in range(1000):
                run.append(item(n), Response(raw="x" * 200, reply="x"))
    except RunError as error:
        said.put(str(error))


def test_a_full_disk_keeps_what_is_finished_and_says_so(tmp_path):
    context = multiprocessing.get_context("spawn")
    said = context.Queue()
    process = context.Process(target=_fill_a_small_disk, args=(tmp_path / "run", said))
    process.start()
    message = said.get(timeout=60)
    process.join()
    assert "Finished items are kept; free some space" in message
    with opened(tmp_path / "run") as run:
        kept = len(run.finished())
        assert 5 < kept < 30
        run.append(item(999), reply(999))
        assert len(run.finished()) == kept + 1


def _append_for_ever(path: Path) -> None:
    with opened(path) as run:
        start = len(run.finished())
        for n in range(start, 100_000):
            run.append(item(n), Response(raw="y" * 3000, reply="y"))


def test_kill_9_at_any_moment_loses_nothing_and_doubles_nothing(tmp_path):
    context = multiprocessing.get_context("spawn")
    path, before = tmp_path / "run", 0
    for _ in range(3):
        process = context.Process(target=_append_for_ever, args=(path,))
        process.start()
        file = path / "responses.jsonl"
        while not file.exists() or file.stat().st_size < (before + 40) * 3000:
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        with opened(path) as run:
            finished = run.finished()  # raises if one is there twice
        assert finished == {item(n) for n in range(len(finished))}
        assert len(finished) > before
        before = len(finished)


def test_a_run_of_an_older_form_gets_one_clear_error(tmp_path):
    with RunDir.open(tmp_path / "run", {"seed": 0}, {}):
        pass
    manifest = tmp_path / "run" / "manifest.json"
    old = json.loads(manifest.read_text())
    del old["form"]
    manifest.write_text(json.dumps(old))
    with pytest.raises(RunError, match=r"older twofold.*another --out"):
        RunDir.open(tmp_path / "run", {"seed": 0}, {})
    with pytest.raises(RunError, match="older twofold"):
        RunDir(tmp_path / "run").manifest()
    assert json.loads(manifest.read_text()) == old


def test_a_new_run_that_is_refused_before_its_first_row_leaves_nothing(tmp_path):
    out = tmp_path / "a" / "run"
    with pytest.raises(RunError, match="broken weights"), RunDir.open(out, {"seed": 0}, {}):
        (out / "problems.jsonl").write_text("{}\n")
        raise RunError("broken weights")
    assert not (tmp_path / "a").exists()
    with RunDir.open(out, {"seed": 1}, {}):  # the directory is free for another model
        pass
    with pytest.raises(RunError, match="later"), RunDir.open(out, {"seed": 1}, {}):
        raise RunError("later")
    assert (out / "manifest.json").exists()  # a resumed run is kept
