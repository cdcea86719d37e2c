"""How much main memory does this machine have for us, in all and now?

A container may have less than the machine: its control group has a limit, and so may every group above
it. What a group uses counts without the files that are cached for it, which the kernel gives up first.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, final

_PROC, _MOUNT = Path("/proc"), Path("/sys/fs/cgroup")
_NONE = 2**60  # a larger limit is none

# By version: the files of a group's limit and use, and the field of `memory.stat` with its cached files.
_NAMES = {
    1: ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    2: ("memory.max", "memory.current", "inactive_file"),
}


@final
class _Group(NamedTuple):
    """The limit of a control group and what it uses, in bytes."""

    limit: int
    used: int


def main_memory_bytes() -> int:
    """The machine's memory, or the least limit of this process' control groups."""
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([total, *(group.limit for group in _groups())])


def available_bytes() -> int:
    """What can be allocated now before the kernel ends a program for it."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", _text(_PROC / "meminfo"))
    here = int(found[1]) * 1024 if found else main_memory_bytes()
    return max(0, min([here, *(group.limit - group.used for group in _groups())]))


def _groups() -> Iterator[_Group]:
    """The limited control groups of this process, its own and those above it, of both versions."""
    for line in _text(_PROC / "self" / "cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            root, version = _MOUNT / controllers, 1 if controllers else 2
            own = root / path.lstrip("/")
            # inside a container the group is mounted as the root, whatever its path outside
            for folder in [own, *(each for each in own.parents if each.is_relative_to(root))]:
                yield from _limited(folder, version)


def _limited(folder: Path, version: int) -> Iterator[_Group]:
    """The control group in `folder`, if it is there and has a limit."""
    limit, used, cached = _NAMES[version]
    most = _text(folder / limit).strip()
    if most.isdigit() and int(most) < _NONE:
        held = re.search(rf"^{cached} (\d+)$", _text(folder / "memory.stat"), re.MULTILINE)
        yield _Group(int(most), int(_text(folder / used) or 0) - int(held[1] if held else 0))


def _text(file: Path) -> str:
    """A file of the kernel; "" where there is none."""
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        return ""
