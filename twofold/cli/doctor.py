"""What works on this machine? Packages, device, number format, cache: each with what to do about it."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec

from twofold.cli.terminal import say

# What each extra is for; the packages stand in the metadata.
EXTRAS = {
    "hf": "models with local weights",
    "train": "training",
    "server": "models behind an OpenAI-compatible server",
    "serve": "a reward behind HTTP (`twofold serve`)",
    "hub": "a hub (data sets, `twofold push`), and Parquet",
    "judges": "programs that check a reply, in a sandbox",
    "ifbench": "emoji and syllables, for constraints of IFBench",
    "inspect": "newer logs of Inspect (.eval)",
    "gym": "problems of reasoning-gym",
    "ray": "studies on several machines",
    "llama": "`llama:FILE.gguf`, and a llama.cpp server from Python",
}

# Packages that are not called as the module in them.
_OTHER_NAMES = {"llama-cpp": "llama-cpp-python"}


def doctor() -> None:
    """Say what is installed, which device and number format are used, and what is missing."""
    for line in findings():
        say(line)


def findings() -> Iterator[str]:
    """The lines of the report; a missing part has its remedy on the same line."""
    import twofold

    yield f"twofold {twofold.__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield f"memory {_memory()}; {len(os.sched_getaffinity(0))} cores may be used"
    yield ""
    yield from _device()
    yield from _models()
    yield from _cache()
    yield ""
    yield "optional parts:"
    for extra, purpose in EXTRAS.items():
        missing = [name for name in packages(extra) if installed(name) is None]
        told = "installed"
        if missing:
            told = f"missing ({', '.join(missing)}): pip install 'twofold[{extra}]'"
        yield f"  {extra:8} {purpose}: {told}"


def extra_of(module: str) -> str | None:
    """The first extra with the package of a module that is not installed; None if there is none.

    A package that is installed and cannot be imported is broken, which another install does not mend.

    Example:
        >>> extra_of("twofold.no_such_module") is None
        True
    """
    package = module.partition(".")[0].replace("_", "-").lower()
    package = _OTHER_NAMES.get(package, package)
    named = (extra for extra in EXTRAS if package in map(str.lower, packages(extra)))
    return None if installed(package) else next(named, None)


def packages(extra: str) -> list[str]:
    """The packages of an extra.

    Example:
        >>> packages("judges")
        ['pydantic-monty']
    """
    found = []
    for each in requires("twofold") or ():
        needed, _, marker = each.partition(";")
        if marker.strip().replace("'", '"') == f'extra == "{extra}"':
            found.append(_name(needed))
    return found


def _name(requirement: str) -> str:
    """The package of a requirement.

    Example:
        >>> _name("llama-cpp-python[server]==0.3.36")
        'llama-cpp-python'
    """
    end = next((i for i, c in enumerate(requirement) if c in "[<>=!~ ("), len(requirement))
    return requirement[:end].strip()


def installed(package: str) -> str | None:
    """The version of a package; None if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _memory() -> str:
    from twofold.models.memory import available_bytes, main_memory_bytes

    return f"{available_bytes() / 2**30:.1f} GiB free of {main_memory_bytes() / 2**30:.1f}"


def _device() -> Iterator[str]:
    if find_spec("torch") is None:
        yield "device: none, since torch is missing: pip install 'twofold[hf]'"
        return
    import torch

    from twofold.models.loading import device, multiplies_bfloat16

    place = device()
    if place.type == "cuda":
        name = torch.cuda.get_device_name(place)
        form = "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
        yield f"device: {name}, {torch.cuda.device_count()} of them; models run in {form}"
    elif not multiplies_bfloat16():
        yield "device: CPU without bfloat16 instructions; models run in float32"
    else:
        yield "device: CPU with bfloat16 instructions; models saved in bfloat16 run so, others in float32"
    threads = os.environ.get("OMP_NUM_THREADS")
    told = "set by OMP_NUM_THREADS" if threads else "one core is left free; OMP_NUM_THREADS sets it"
    yield f"threads: {threads or max(1, len(os.sched_getaffinity(0)) - 1)} ({told})"
    if (newest := torch.version.cuda) is not None and place.type == "cpu":
        yield f"note: this torch was built for CUDA {newest}, and no GPU is found; check nvidia-smi"


def _models() -> Iterator[str]:
    from twofold.models import smollm2

    there = smollm2.gguf_file() is not None
    yield f"smollm2: {'installed' if there else f'not here; {smollm2.REMEDY}'}"


def _cache() -> Iterator[str]:
    from twofold.models.cache import cache_folder
    from twofold.storage.reading import files

    folder = cache_folder()
    place = next(each for each in (folder, *folder.parents) if each.exists())
    free = shutil.disk_usage(place).free / 2**30
    there = files(folder, "*", deep=True) if place == folder else []
    used = sum(file.stat().st_size for file in there) / 2**30
    told = f"cache: {folder} ({used:.1f} GiB; {free:.1f} GiB free)"
    if not os.access(place, os.W_OK):
        told += "; it cannot be written: set TWOFOLD_CACHE to another folder"
    yield told
