"""How is the model of one checkpoint kept while the checkpoints themselves are removed in time?"""

import shutil
from pathlib import Path
from typing import final

from twofold.storage.folders import flush

_NOT_THE_MODEL = (
    *("optimizer", "scheduler", "rng_state", "trainer_state", "training_args", "scaler"),
    "whole.json",
)


@final
class KeptModel:
    """Copies of models of a run `out` in its folder `name`, without what only training needs.

    Which of them counts is recorded elsewhere: a copy that a kill left unrecorded is made again.
    """

    def __init__(self, out: Path, name: str) -> None:
        self.folder = out / name
        self._out = out

    def copy(self, step: int, checkpoint: Path) -> None:
        """Copy the model of a checkpoint, all or nothing."""
        kept, part = self._of(step), self.folder / "part"
        for old in (part, kept):
            shutil.rmtree(old, ignore_errors=True)
        shutil.copytree(
            checkpoint,
            part,
            ignore=lambda _, names: [n for n in names if n.startswith(_NOT_THE_MODEL)],
        )
        flush(part)
        part.rename(kept)

    def drop_all_but(self, step: int) -> None:
        """Remove the copies of other steps."""
        for other in self.folder.glob("step-*"):
            if other != self._of(step):
                shutil.rmtree(other)

    def put_back(self, step: int) -> bool:
        """Make the copy of a step the run's model; False if there is none."""
        kept = self._of(step)
        if kept.is_dir():
            shutil.copytree(kept, self._out, dirs_exist_ok=True)
        return kept.is_dir()

    def _of(self, step: int) -> Path:
        return self.folder / f"step-{step}"
