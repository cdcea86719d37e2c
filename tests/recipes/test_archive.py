"""What of a run is kept in the repository, and that another machine goes on from it."""

import re
import tarfile
from importlib import import_module
from pathlib import Path

import pytest

from twofold.errors import RunError

archive = import_module("recipes.archive")

ROOT = Path(__file__).parents[2] / "recipes"
PLACE = re.compile(rb"/(?:home|root|work|tmp|Users)/[\w.-]+/")


def a_run(folder: Path) -> Path:
    for name in (
        "plan.yaml",
        "own_right.jsonl",
        "study/manifest.json",
        "study/report.html",
        "study/arms/sft/seed-0/cell.json",
        "study/arms/sft/seed-0/model/manifest.json",
        "study/arms/sft/seed-0/model/model.safetensors",
        "study/arms/sft/seed-0/test/responses.jsonl",
        "study/arms/sft/seed-0/test/verdicts.jsonl",
        "warm_up/manifest.json",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{{'in': '{name}'}}")
    return folder


def test_replies_and_identity_are_kept_and_no_weights(tmp_path: Path) -> None:
    run, file = a_run(tmp_path / "run"), tmp_path / "kept.tar.xz"
    assert archive.pack(run, file) == 5
    archive.unpack(file, tmp_path / "again")
    there = {
        str(each.relative_to(tmp_path / "again")): each.read_text()
        for each in (tmp_path / "again").rglob("*")
        if each.is_file()
    }
    wanted = [
        *("plan.yaml", "own_right.jsonl", "study/manifest.json", "study/arms/sft/seed-0/cell.json"),
        "study/arms/sft/seed-0/test/responses.jsonl",
    ]
    assert there == {name: f"{{'in': '{name}'}}" for name in wanted}


def test_the_adapter_of_a_cell_that_waits_for_its_audits_is_kept(tmp_path: Path) -> None:
    run, file = a_run(tmp_path / "run"), tmp_path / "kept.tar.xz"
    model = run / "study" / "arms" / "rft" / "seed-0" / "model"
    (model / "checkpoint-5").mkdir(parents=True)
    (model / "checkpoint-5" / "adapter_model.safetensors").write_bytes(b"half")
    (model / "adapter_model.safetensors").write_bytes(b"whole")
    (model / "training_args.bin").write_bytes(b"a pickle")
    assert archive.pack(run, file) == 5, "its training is not finished"
    (model / "training.json").write_text("{}")
    assert archive.pack(run, file) == 7
    archive.unpack(file, tmp_path / "again")
    there = tmp_path / "again" / "study" / "arms" / "rft" / "seed-0" / "model"
    assert {each.name for each in there.iterdir()} == {"training.json", "adapter_model.safetensors"}
    (model.parent / "cell.json").write_text("{}")
    assert archive.pack(run, file) == 6, "a finished cell needs its weights no more"


def test_weights_too_large_for_a_repository_are_left_out(tmp_path: Path) -> None:
    run, file = a_run(tmp_path / "run"), tmp_path / "kept.tar.xz"
    model = run / "study" / "arms" / "rft" / "seed-0" / "model"
    model.mkdir(parents=True)
    (model / "training.json").write_text("{}")
    with (model / "model.safetensors").open("wb") as weights:
        weights.truncate(12 * 2**20 + 1)
    assert archive.pack(run, file) == 5


def test_the_same_run_gives_the_same_archive_and_no_name_of_a_machine(tmp_path: Path) -> None:
    run = a_run(tmp_path / "run")
    archive.pack(run, tmp_path / "one.tar.xz")
    (run / "plan.yaml").touch()
    archive.pack(a_run(tmp_path / "elsewhere"), tmp_path / "two.tar.xz")
    assert (tmp_path / "one.tar.xz").read_bytes() == (tmp_path / "two.tar.xz").read_bytes()
    with tarfile.open(tmp_path / "one.tar.xz") as kept:
        assert {(each.uname, each.uid, each.mtime) for each in kept} == {("", 0, 0)}


def test_paths_start_where_the_command_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_run(tmp_path / "run")
    (run / "model.yaml").write_text(f"base: {tmp_path}/run/base\n")
    monkeypatch.chdir(tmp_path)
    archive.pack(run, tmp_path / "kept.tar.xz")
    archive.unpack(tmp_path / "kept.tar.xz", tmp_path / "again")
    assert (tmp_path / "again" / "model.yaml").read_text() == "base: run/base\n"


@pytest.mark.parametrize("file", sorted(ROOT.glob("*/*.tar.xz")), ids=lambda file: file.name)
def test_the_kept_archives_name_no_place_on_a_machine(file: Path) -> None:
    with tarfile.open(file) as kept:
        for member in kept:
            if member.isfile() and not member.name.endswith(".safetensors"):
                found = kept.extractfile(member)
                assert found is not None
                assert not (at := PLACE.search(found.read())), (member.name, at)


def test_a_broken_archive_leaves_no_half_of_a_run(tmp_path: Path) -> None:
    file = tmp_path / "kept.tar.xz"
    archive.pack(a_run(tmp_path / "run"), file)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises((EOFError, tarfile.ReadError)):
        archive.unpack(file, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_nothing_is_overwritten_and_nothing_is_no_archive(tmp_path: Path) -> None:
    run, file = a_run(tmp_path / "run"), tmp_path / "kept.tar.xz"
    archive.pack(run, file)
    with pytest.raises(RunError, match="holds something; choose a folder"):
        archive.unpack(file, run)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match="holds no run; give the folder"):
        archive.pack(tmp_path / "empty", file)
    assert file.stat().st_size > 200
