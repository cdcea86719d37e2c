"""`python -m recipes.archive pack|unpack RUN FILE`: what of a run is kept, so that another machine goes on.

Every reply, how it was judged, and which run it is; no pages, or tables that the rest makes again. A finished
cell of a study needs its weights no more; of a cell that is trained and not yet audited the adapter is kept.
The same files give the same archive.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

from twofold.errors import RunError

KEPT = {
    *("manifest.json", "cell.json", "study.yaml", "plan.yaml"),
    *("findings.json", "problems.jsonl", "responses.jsonl", "joint.jsonl", "elicitation.jsonl"),
}

_TRAINED = {"model", "warm_up"}  # folders of a training

_OF_BASE = (
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
)
"""What an adapter has copies of; without them the base's are read."""

_BINARY = (".safetensors",)

_MOST = 12 * 2**20  # bytes of an adapter that is kept


def kept(run: Path) -> Iterator[Path]:
    """The files of a run that are kept, in order: those named above, and a recipe's own at the top."""
    for file in sorted(run.rglob("*")):
        *folders, name = file.relative_to(run).parts
        listed = name in KEPT if folders else file.suffix in (".json", ".jsonl", ".yaml")
        if _is_waiting(file) if _TRAINED & {*folders} else listed:
            yield file


def _is_waiting(file: Path) -> bool:
    """Whether a file is of an adapter whose training is finished and whose audits are not."""
    cell = file.parent.parent
    is_waiting = file.parent.name == "model" and (file.parent / "training.json").exists()
    if not is_waiting or (cell / "cell.json").exists() or not file.is_file():
        return False
    if file.suffix == ".bin" or file.name.startswith("."):  # settings in a pickle; locks
        return False
    if file.name in _OF_BASE and (file.parent / "adapter_config.json").exists():
        return False
    return all(each.stat().st_size <= _MOST for each in file.parent.glob("*.safetensors"))


def pack(run: Path, file: Path) -> int:
    """Write the archive of a run, and return how many files it has.

    Raises:
        RunError: If the run has nothing to keep.
    """
    found = [*kept(run)]
    if not found:
        raise RunError(
            f"{run} holds no run; give the folder that a recipe wrote, e.g. runs/types/shared"
        )
    part = file.with_name(f"{file.name}.part")
    with tarfile.open(part, "w:xz") as archive:
        for each in found:
            member = _bare(archive.gettarinfo(each, str(each.relative_to(run))))
            content = _here_left_out(each)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    part.replace(file)
    return len(found)


def _here_left_out(file: Path) -> bytes:
    """The content of a file, in which paths start at the folder that the command was given in."""
    content = file.read_bytes()
    return content if file.suffix in _BINARY else content.replace(f"{Path.cwd()}/".encode(), b"")


def _bare(found: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without the time and the user of this machine."""
    found.mtime = found.uid = found.gid = 0
    found.uname = found.gname = ""
    found.mode = 0o644
    return found


def unpack(file: Path, run: Path) -> None:
    """Unpack an archive into the folder of a run that is not there yet.

    Raises:
        RunError: If the folder holds something.
    """
    if run.exists() and any(run.iterdir()):
        raise RunError(f"{run} holds something; choose a folder that is empty or not there")
    part = run.with_name(f"{run.name}.part")  # a kill leaves no half of a run under its name
    part.mkdir(parents=True, exist_ok=True)
    with tarfile.open(file) as archive:
        archive.extractall(part, filter="data")
    part.replace(run)


def main() -> None:
    """Pack or unpack, as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m recipes.archive", description=__doc__)
    parser.add_argument("what", choices=["pack", "unpack"])
    parser.add_argument("run", type=Path, help="the folder of the run, e.g. runs/types/shared")
    parser.add_argument(
        "file", type=Path, help="the archive, e.g. recipes/11_pocket_types/shared.tar.xz"
    )
    said = parser.parse_args()
    if said.what == "pack":
        print(f"{pack(said.run, said.file)} files in {said.file}")
    else:
        unpack(said.file, said.run)


if __name__ == "__main__":
    main()
