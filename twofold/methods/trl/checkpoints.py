"""Which checkpoints can a run go on from? Those whose marker, written last, fits their files.

The trainer writes a checkpoint file by file, so a kill or a full disk leaves a part of one. When all
files are on disk, their sizes are noted in `whole.json`; a folder without that note, or with other
files than it says, is torn: nobody resumes from it, and the next run removes it.
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, final

from accelerate import PartialState
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from twofold.models.checkpoint import ADAPTER_CONFIG
from twofold.storage.folders import flush
from twofold.storage.jsonl import dumps, replaced

_MARKER = "whole.json"
_STATE = "trainer_state.json"  # written again once its checkpoint has been evaluated

# The name under which safetensors writes a file before it renames it.
_PART = ".tmp" + 6 * "[A-Za-z0-9]"


@final
class Keeper(TrainerCallback):
    """Marks each new checkpoint as whole, and removes all but the last `n_kept` (None = no) ones.

    TRL would remove the old one before the new one is known to be whole. An adapter in it names `base`,
    if one is given; see `name_base`.
    """

    def __init__(self, out: Path, n_kept: int | None, *, base: str = "") -> None:
        self._out = out
        self._n_kept = n_kept
        self._base = base

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Log before a checkpoint, whose resumed run would lose what is not logged yet."""
        control.should_log |= control.should_save

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Mark the checkpoint of this step once every process has written its part."""
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            folder = checkpoint(self._out, int(state.global_step))
            name_base(folder, self._base)
            mark_whole(folder)
            self.tidy()

    def tidy(self) -> None:
        """Remove old checkpoints, and what a kill or a full disk has left of a save."""
        remove_torn(self._out)
        for part in self._out.glob(_PART):
            part.unlink()
        if self._n_kept is not None:
            remove(whole(self._out)[: -self._n_kept])


def checkpoint(out: Path, step: int) -> Path:
    """The folder of the checkpoint after `step` steps."""
    return out / f"checkpoint-{step}"


def name_base(folder: Path, base: str) -> None:
    """Have an adapter name `base`, not the folder of converted or fetched weights that it was trained on.

    That folder lies in the cache of one machine, and may be deleted. Without a `base`, or for a whole
    model, nothing is changed.
    """
    file = folder / ADAPTER_CONFIG
    if base and file.exists():
        config = json.loads(file.read_text(encoding="utf-8"))
        with replaced(file) as out:
            json.dump(config | {"base_model_name_or_path": base}, out, indent=2, sort_keys=True)


def mark_whole(folder: Path) -> None:
    """Note that a checkpoint is complete, after its files are on disk."""
    flush(folder)
    changing = (_MARKER, _STATE)
    files = [path for path in folder.rglob("*") if path.is_file() and path.name not in changing]
    sizes = {str(path.relative_to(folder)): path.stat().st_size for path in files}
    with replaced(folder / _MARKER) as file:
        file.write(dumps(sizes))


def whole(out: Path) -> list[Path]:
    """The whole checkpoints in a run's folder, oldest first."""
    return [folder for folder in _checkpoints(out) if _is_whole(folder)]


def last_checkpoint(out: Path) -> Path | None:
    """The newest whole checkpoint."""
    return next(reversed(whole(out)), None)


def remove_torn(out: Path) -> None:
    """Remove the parts of checkpoints that a kill or a full disk has left."""
    remove(folder for folder in _checkpoints(out) if not _is_whole(folder))


def remove(folders: Iterable[Path]) -> None:
    """Remove checkpoints; one that is removed in part is torn, and goes with the next run."""
    for folder in folders:
        shutil.rmtree(folder)


def save_log(folder: Path, state: TrainerState) -> None:
    """Write the state of a whole checkpoint again, with what has been logged since."""
    with replaced(folder / _STATE) as file:
        json.dump(asdict(state), file, indent=2, sort_keys=True)


def _checkpoints(out: Path) -> list[Path]:
    """The folders of checkpoints, whole or not, oldest first."""
    found = {
        int(path.name.removeprefix("checkpoint-")): path
        for path in out.glob("checkpoint-*/")
        if path.name.removeprefix("checkpoint-").isdecimal()
    }
    return [found[step] for step in sorted(found)]


def _is_whole(folder: Path) -> bool:
    """Whether the marker is there, and every file has the size that it says."""
    try:
        sizes = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
        json.loads((folder / _STATE).read_text(encoding="utf-8"))
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, AttributeError):  # no such file, no JSON, no mapping
        return False
