"""What is said when a training cannot write? Which checkpoint is safe, and what to do."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import final

from twofold.methods.method import TrainingError
from twofold.methods.trl.checkpoints import last_checkpoint

# What a disk refuses: full, over the quota, a file too large, broken, read-only.
_REFUSED = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)

# The same in words: the system's, as libraries in Rust repeat them, and those of PyTorch's writer, which
# says only that it failed.
_OF_THE_SYSTEM = "|".join(re.escape(os.strerror(each)) for each in _REFUSED)
_OF_TORCH = "PytorchStreamWriter|inline_container|iostream error"
_IN_WORDS = re.compile(f"({_OF_THE_SYSTEM})|{_OF_TORCH}")


@final
class DiskErrors(AbstractContextManager[None]):
    """Turns the failure of a write, by whatever library, into a `TrainingError` with the remedy."""

    def __init__(self, out: Path) -> None:
        self._out = out

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Replace an error of the disk; let any other pass."""
        why = next((why for each in _chain(error) if (why := _refusal(each))), None)
        if why is not None:
            last = last_checkpoint(self._out)
            kept = f"{last.name} is whole" if last else "there is no whole checkpoint yet"
            raise TrainingError(
                f"cannot write {self._out}: {why}; {kept}. Free some space (or make the folder "
                "writable) and give the same command again to resume"
            ) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and what led to it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _refusal(error: BaseException) -> str | None:
    """Why the disk refused a write; None if this is another error."""
    if isinstance(error, OSError):
        return error.strerror if error.errno in _REFUSED else None
    found = _IN_WORDS.search(str(error))
    return found and (found[1] or "no space is left, or the disk failed")
