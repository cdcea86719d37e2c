"""What does an error of the operating system mean for the user? One sentence, with the remedy."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from twofold.errors import RunError, TwofoldError

# What to do about each error, by its number, whatever was being done.
_REMEDIES = {
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "a part of the path is a file; check the path",
    errno.EISDIR: "name a file in it",
    errno.ELOOP: "its links lead in a circle; name the file itself",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EACCES: "change its permissions, or choose another place, such as a writable directory",
    errno.EPERM: "change its permissions, or choose another place, such as a writable directory",
    errno.EROFS: "choose a writable directory",
}
_FULL = (
    "Finished items are kept; free some space (or choose a writable directory) and give the same "
    "command again to resume."
)
_OTHERWISE = {"read": "copy the file elsewhere and try again", "write": _FULL, "use": "check it"}

Doing = Literal["read", "write", "use"]


def in_words(error: OSError, path: object, doing: Doing) -> str:
    """What could not be done, why, and what to do about it.

    Example:
        >>> in_words(FileNotFoundError(errno.ENOENT, "No such file or directory"), "a.txt", "read")
        'cannot read a.txt: No such file or directory; check the path'
    """
    remedy = _REMEDIES.get(error.errno or 0, _OTHERWISE[doing])
    if doing == "write" and error.errno == errno.ENOENT:
        remedy = "make its folder first, or choose a writable directory"
    reason = error.strerror or str(error) or type(error).__name__
    return f"cannot {doing} {path}: {reason}{'. ' if remedy is _FULL else '; '}{remedy}"


@contextmanager
def os_errors(path: Path, doing: Doing, error: type[TwofoldError] = RunError) -> Iterator[None]:
    """Turn an `OSError`, or the refusal of a path that cannot exist, into an error in our words."""
    try:
        yield
    except OSError as fault:
        raise error(in_words(fault, path, doing)) from fault
