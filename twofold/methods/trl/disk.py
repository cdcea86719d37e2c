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

# The same in the words of the libraries in Rust and C++, whose exceptions have no number; PyTorch's
# writer of archives says only that it failed.
_IN_WORDS = re.compile(
    "|".join([*(re.escape(os.strerror(each)) for each in _REFUSED), "PytorchStreamWriter", "inline_container"])
)


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
    if found is None:
        return None
    known = {os.strerror(each) for each in _REFUSED}
    return found[0] if found[0] in known else "no space left, or the disk failed"
