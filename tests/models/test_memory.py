"""Is a batch planned within the memory that there is, and halved before it asks for more?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twofold.models import memory
from twofold.models.batches import SHAPE, Capacity, capacity_of
from twofold.models.memory import available_bytes, main_memory_bytes

TOTAL = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The kernel's files as this test writes them."""
    monkeypatch.setattr(memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "_MOUNT", tmp_path / "cgroup")
    return tmp_path


def write(folder: Path, **files: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_text(f"{content}\n")


def test_without_limits_it_is_what_the_kernel_says(kernel: Path) -> None:
    write(kernel / "proc", meminfo="MemTotal: 9 kB\nMemFree: 1 kB\nMemAvailable:    3000 kB")
    assert main_memory_bytes() == TOTAL
    assert available_bytes() == 3_072_000


def test_without_the_kernels_files_it_is_the_machines_memory(kernel: Path) -> None:
    assert main_memory_bytes() == available_bytes() == TOTAL


@pytest.mark.parametrize("path", ["/a/b", "/elsewhere/outside"])
def test_the_tightest_group_above_counts(kernel: Path, path: str) -> None:
    """A path from outside the container leads nowhere: then the group that is mounted counts."""
    write(kernel / "proc", meminfo="MemAvailable: 90000 kB")
    write(kernel / "proc" / "self", cgroup=f"0::{path}")
    cgroup = kernel / "cgroup"
    write(cgroup, memory__max=50_000, memory__current=9_000, memory__stat="inactive_file 4000\nx 1")
    assert main_memory_bytes() == 50_000
    assert available_bytes() == 50_000 - (9_000 - 4_000)
    write(cgroup / "a", memory__max=20_000, memory__current=1_000)
    write(cgroup / "a" / "b", memory__max="max", memory__current=10**9)
    assert main_memory_bytes() == (20_000 if path == "/a/b" else 50_000)
    assert available_bytes() == (19_000 if path == "/a/b" else 45_000)


def test_groups_of_the_first_version_count_too(kernel: Path) -> None:
    write(kernel / "proc", meminfo="MemAvailable: 90000 kB")
    write(kernel / "proc" / "self", cgroup="9:name=systemd:/x\n4:memory:/job/1\n3:cpuset:/\n0::/")
    top = kernel / "cgroup" / "memory"
    write(top, memory__limit_in_bytes=2**63 - 4096, memory__usage_in_bytes=5)  # which means none
    assert main_memory_bytes() == TOTAL
    write(
        top / "job",
        memory__limit_in_bytes=70_000,
        memory__usage_in_bytes=60_000,
        memory__stat="inactive_file 1\ntotal_inactive_file 15000",
    )
    assert main_memory_bytes() == 70_000
    assert available_bytes() == 70_000 - 45_000


def test_a_group_that_is_over_its_limit_has_nothing_left(kernel: Path) -> None:
    write(kernel / "proc", meminfo="MemAvailable: 90000 kB")
    write(kernel / "proc" / "self", cgroup="0::/")
    write(kernel / "cgroup", memory__max=5, memory__current=9)
    assert available_bytes() == 0


def test_a_batch_of_a_large_vocabulary_is_counted_by_hand() -> None:
    """Qwen2.5-0.5B: 24 layers, 14 heads of 64, 2 of keys and values, 4,864 inside, 151,936 tokens."""
    shape = dict.fromkeys(SHAPE, None) | {
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
        "vocab_size": 151_936,
    }
    room = capacity_of(shape, n_weight_bytes=10**9, device_bytes=10**10, on_gpu=False)
    keys_and_values = 2 * 24 * 2 * 64 * 4  # bytes a token, in float32
    a_row = 500 * (keys_and_values * 3 // 2 + 3 * 4864 * 4) + 40 * 151_936
    assert room.needed(1, 500) == a_row == 53_693_440
    assert room.needed(128, 500) == 128 * a_row
    assert room.n_bytes == 3 * 10**9
    assert (
        Capacity(
            max_rows=128, n_bytes=3 * 10**9, bytes_per_token=95_232, bytes_per_row=6_077_440
        ).rows(500)
        == 3 * 10**9 // a_row
        == 55
    )
