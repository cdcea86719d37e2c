"""Nothing is written into, cut, replaced or locked that was not recognised first."""

import os

import pytest

from twofold.errors import RunError
from twofold.storage.run_dir import RunDir
from twofold.storage.writing import Appender, refuse_inputs, refuse_others, replaced

FOREIGN = b"years of work, without a last line end"


def everything(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_a_refused_directory_is_left_as_it_was(tmp_path):
    (tmp_path / "thesis.txt").write_bytes(FOREIGN)
    with pytest.raises(RunError, match="not a run directory"):
        RunDir.open(tmp_path, {"seed": 0}, {})
    assert everything(tmp_path) == {"thesis.txt": FOREIGN}


@pytest.mark.parametrize(
    "text", ["{", "[]", '{"manifest_version": 3}', '{"form": 2, "identity": 7}']
)
def test_another_programs_manifest_is_no_run(tmp_path, text):
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(RunError, match=r"manifest\.json is corrupt.*another --out"):
        RunDir.open(tmp_path, {"seed": 0}, {})
    assert list(everything(tmp_path)) == ["manifest.json"]


def test_another_identity_takes_no_lock_and_makes_no_folder(tmp_path):
    with RunDir.open(tmp_path / "run", {"seed": 0}, {}):
        pass
    (tmp_path / "run" / ".lock.0").unlink()
    with pytest.raises(RunError, match="seed was 0, now 1"):
        RunDir.open(tmp_path / "run", {"seed": 1}, {})
    assert list(everything(tmp_path / "run")) == ["manifest.json"]
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(RunError):
        RunDir.open(tmp_path / "file" / "deep" / "run", {"seed": 0}, {})
    assert list(everything(tmp_path)) == ["file"]


def test_hidden_files_of_the_user_survive_in_a_run(tmp_path):
    with RunDir.open(tmp_path / "run", {"seed": 0}, {}):
        pass
    mine = tmp_path / "run" / ".notes.json.bak"
    mine.write_bytes(FOREIGN)
    half = tmp_path / "run" / f".joint.jsonl.{'a' * 32}"
    half.write_bytes(b"")
    with RunDir.open(tmp_path / "run", {"seed": 0}, {}):
        pass
    assert mine.read_bytes() == FOREIGN and not half.exists()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_only_a_file_is_replaced_or_grown(tmp_path, make):
    make(tmp_path / "x")
    with pytest.raises(RunError, match="choose a file"), replaced(tmp_path / "x"):
        pass
    with pytest.raises(RunError, match="choose a file"):
        Appender(tmp_path / "x")
    assert os.listdir(tmp_path) == ["x"]


def test_through_a_link_the_target_is_replaced_and_the_link_stays(tmp_path):
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    with replaced(tmp_path / "link") as file:
        file.write("new")
    assert (tmp_path / "target").read_text() == "new" and (tmp_path / "link").is_symlink()


def test_an_input_by_any_name_is_no_output(tmp_path):
    (tmp_path / "in").write_text("x")
    (tmp_path / "soft").symlink_to("in")
    os.link(tmp_path / "in", tmp_path / "hard")
    for name in ("in", "soft", "hard", "./in"):
        with pytest.raises(RunError, match="is also the input"):
            refuse_inputs(tmp_path / name, ("synthetic:3", None, tmp_path / "in"))
    refuse_inputs(tmp_path / "other", (tmp_path / "in",))


def test_what_is_there_is_only_replaced_if_it_is_ours(tmp_path):
    (tmp_path / "x").write_bytes(FOREIGN)
    with pytest.raises(RunError, match="Nothing was changed"):
        refuse_others(tmp_path / "x", lambda path: False)
    refuse_others(tmp_path / "x", lambda path: True)
    refuse_others(tmp_path / "none", lambda path: False)


def test_a_locked_file_is_written_by_one(tmp_path):
    with Appender(tmp_path / "x", locked=True) as file:
        file.add({"a": 1})
        with pytest.raises(RunError, match="another twofold process is writing"):
            Appender(tmp_path / "x", locked=True)
    with Appender(tmp_path / "x", locked=True) as file:
        file.add({"a": 2})
    assert (tmp_path / "x").read_text() == '{"a":1}\n{"a":2}\n'


def test_a_new_file_in_which_nothing_was_written_goes(tmp_path):
    with Appender(tmp_path / "x"):
        pass
    assert os.listdir(tmp_path) == []


def test_a_short_write_is_a_full_disk(tmp_path, monkeypatch):
    with Appender(tmp_path / "x") as file:
        monkeypatch.setattr(os, "write", lambda number, line: len(line) - 1)
        with pytest.raises(RunError, match="free some space"):
            file.add({"a": 1})
