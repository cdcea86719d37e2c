"""Is a torn checkpoint never resumed from, and a disk that refuses named with its remedy?"""

import errno
import os
from pathlib import Path

import pytest

pytest.importorskip("trl")

from twofold.methods.method import TrainedModel, TrainingError
from twofold.methods.sft import Sft
from twofold.methods.trl.checkpoints import (
    checkpoint,
    last_checkpoint,
    mark_whole,
    remove_torn,
    whole,
)
from twofold.methods.trl.disk import DiskErrors
from twofold.methods.trl.runner import TrlRunner


def written(out: Path, step: int) -> Path:
    folder = checkpoint(out, step)
    (folder / "part").mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "part" / "optimizer.pt").write_bytes(b"moments")
    (folder / "trainer_state.json").write_text('{"global_step": 1}')
    return folder


def test_the_newest_whole_checkpoint_is_by_number_and_not_by_name_or_time(tmp_path: Path) -> None:
    for step in (100, 20, 9):
        mark_whole(written(tmp_path, step))
    (tmp_path / "checkpoint-notes").mkdir()
    assert [folder.name for folder in whole(tmp_path)] == [
        "checkpoint-9",
        "checkpoint-20",
        "checkpoint-100",
    ]
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-100"


@pytest.mark.parametrize(
    "tear",
    [
        lambda folder: (folder / "whole.json").unlink(),
        lambda folder: (folder / "whole.json").write_text('{"model.safetens'),
        lambda folder: (folder / "whole.json").write_text("[]"),
        lambda folder: (folder / "whole.json").write_text('{"../model.safetensors": 7}'),
        lambda folder: (folder / "model.safetensors").write_bytes(b"wei"),
        lambda folder: (folder / "part" / "optimizer.pt").unlink(),
        lambda folder: (folder / "trainer_state.json").write_text('{"global_s'),
        lambda folder: (folder / "trainer_state.json").write_text(""),
        lambda folder: (folder / "trainer_state.json").unlink(),
    ],
)
def test_a_torn_checkpoint_is_not_resumed_from_and_goes(tmp_path: Path, tear: object) -> None:
    mark_whole(written(tmp_path, 1))
    mark_whole(written(tmp_path, 2))
    tear(checkpoint(tmp_path, 2))  # type: ignore[operator]
    assert last_checkpoint(tmp_path) == checkpoint(tmp_path, 1)
    remove_torn(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-1"]


def test_a_state_that_was_written_again_with_its_evaluation_stays_whole(tmp_path: Path) -> None:
    folder = written(tmp_path, 1)
    mark_whole(folder)
    (folder / "trainer_state.json").write_text('{"global_step": 1, "log_history": []}')
    assert last_checkpoint(tmp_path) == folder


class SafetensorsError(Exception):
    """As libraries in Rust and C++ raise them: without a number, and no OSError."""


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "Disk quota exceeded"),
        (OSError(errno.EROFS, "Read-only file system"), "Read-only file system"),
        (SafetensorsError("I/O error: No space left on device (os error 28)"), "No space left"),
        (SafetensorsError("File too large (os error 27)"), "File too large"),
        (RuntimeError("PytorchStreamWriter failed writing file data/0"), "no space is left"),
        (RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos"), "no space"),
        (RuntimeError("basic_ios::clear: iostream error"), "no space is left"),
    ],
)
def test_a_disk_that_refuses_is_named_with_what_is_safe_and_what_to_do(
    tmp_path: Path, error: Exception, why: str
) -> None:
    told = rf"{why}.*there is no whole checkpoint yet. Free some space .* the same command again"
    with pytest.raises(TrainingError, match=told), DiskErrors(tmp_path):
        raise error
    mark_whole(written(tmp_path, 3))
    with pytest.raises(TrainingError, match="checkpoint-3 is whole"), DiskErrors(tmp_path):
        try:
            raise error
        finally:
            raise KeyError("raised by a clean-up while the first was on its way")


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("CUDA out of memory"),
        FileNotFoundError(errno.ENOENT, "No such file"),
        KeyError(),
    ],
)
def test_any_other_error_passes(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)) as raised, DiskErrors(tmp_path):
        raise error
    assert raised.value is error


def test_a_real_full_disk(tmp_path: Path) -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("needs /dev/full, the device that is always full")
    with (
        pytest.raises(TrainingError, match="No space left on device"),
        DiskErrors(tmp_path),
        open("/dev/full", "w") as file,
    ):
        file.write("x" * 100_000)


def test_a_run_is_finished_if_its_result_and_its_weights_are_there(tmp_path: Path) -> None:
    def run() -> TrlRunner:
        return TrlRunner(Sft(demonstrations="solutions"), "pocket", [{"text": "a"}], out=tmp_path)

    result = tmp_path / "training.json"
    result.write_text('{"folder": "x", "base": "pocket", "method": "sft", "n_steps": 4}')
    assert run().finished is None  # its weights are lost
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    assert run().finished == TrainedModel(folder=tmp_path, base="pocket", method="sft", n_steps=4)
    for torn in ('{"fol', "[]", "{}", '{"folder": 7}'):
        result.write_text(torn)
        with pytest.raises(TrainingError, match=r"training\.json is corrupt .*; delete it"):
            _ = run().finished
