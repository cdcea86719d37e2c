"""How are three checkpoints merged into one? Shard by shard, aside, and renamed when all is there.

The shards are those of the reasoner, and so are the configuration and the tokenizer. A killed or failed merge
leaves a hidden folder beside the output, in which finished shards wait for the same command.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import TypeAdapter

from twofold.errors import ModelError, RunError, TwofoldError
from twofold.methods.merge.null_space import BASES
from twofold.methods.merge.recipe import Combine, Recipe, Rows, Trio
from twofold.methods.merge.tokens import require_same_tokens
from twofold.methods.merge.weights import FORMATS, Weights, as_bytes, write
from twofold.models.cache import Cache, cache_folder
from twofold.models.checkpoint import Checkpoint, locate
from twofold.storage.leftovers import remove_incomplete
from twofold.storage.reading import InputFile, Kind, kind_of, names
from twofold.storage.writing import Appender, dumps, named_disk_errors, replaced

RECORD = "merge.json"
_LOCK = ".lock"
_QUANTISED = "quantised weights are not merged; take checkpoints in bfloat16, float16 or float32"
_RECORD: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])


class Merged(NamedTuple):
    """A merged checkpoint, and how many of its tensors differ in kind from the reasoner's."""

    folder: Path
    n_tensors: int
    n_merged: int


def merge(reasoner: str, instruct: str, *, base: str, recipe: Recipe, out: str | Path) -> Merged:
    """Merge a reasoner with an instruct model of the same base.

    In memory are blocks of a tensor, never a tensor twice; `null_space` loads the reasoner once for its
    calibration, and lets go of it before it merges. The same call resumes a merge that was stopped, and does
    nothing if it is finished.

    Args:
        reasoner: A MODEL with local weights, whose configuration and tokenizer the result has.
        instruct: A MODEL of the same shape that obeys.
        base: The MODEL that both were trained from.
        recipe: How they are merged.
        out: A new folder.

    Raises:
        ModelError: If the models do not fit each other, or the result is not finite.
        RunError: If `out` holds something else, another process is at it, or the disk is full.

    Example:
        >>> import tempfile
        >>> from twofold.methods.merge.arithmetic import Arithmetic
        >>> out = Path(tempfile.mkdtemp()) / "merged"
        >>> made = merge("pocket", "pocket", base="pocket", recipe=Arithmetic(), out=out)
        >>> made.n_merged == made.n_tensors, sorted(file.name for file in made.folder.glob("*.safetensors"))
        (True, ['model.safetensors'])
    """
    out = Path(out)
    found = [_local(spec) for spec in (reasoner, instruct, base)]
    first, *others = found
    cache = Cache(cache_folder())
    roles = ("reasoner", "instruct", "base")
    hashes = {role: each.hashes(cache) for role, each in zip(roles, found, strict=True)}
    about: dict[str, Any] = json.loads(dumps({"models": hashes, "recipe": recipe.settings()}))
    if (done := _finished(out, about, first.weights())) is not None:
        return done
    weights = [Weights(each) for each in found]
    for model, its in zip(others, weights[1:], strict=True):
        require_same_tensors(weights[0], its)
        require_same_tokens(first, model, ordinary_only=recipe.keeps_embeddings)
    place = out.resolve()  # a link stays one
    aside = place.parent / f".{place.name}.merging"
    with named_disk_errors(out):
        aside.mkdir(parents=True, exist_ok=True)
    with _locked(aside):
        _begin(aside, about)
        _require_space(
            aside, [*weights[0].files, *(root / name for root, name in first.companions())]
        )
        combine = recipe.prepared(first, aside)
        n_merged = sum(_new_rows(name, weights, combine) is not None for name in weights[0].tensors)
        if not n_merged:
            raise ModelError(
                f"no tensor of {reasoner} is one that {recipe.name} merges; take another --method"
            )
        for file in weights[0].files:
            _shard(aside, file, weights, combine)
        _put(aside, place, first, about, n_tensors=len(weights[0].tensors), n_merged=n_merged)
    return Merged(out, len(weights[0].tensors), n_merged)


@contextmanager
def _locked(aside: Path) -> Iterator[None]:
    """Keep others out; a merge that is refused before it wrote anything leaves nothing behind."""
    with Appender(aside / _LOCK, locked=True):
        try:
            yield
        except TwofoldError:
            if {*names(aside)} <= {_LOCK, RECORD}:
                shutil.rmtree(aside)
            raise


def _local(spec: str) -> Checkpoint:
    """The checkpoint that a MODEL names; adapters and quantised weights are none that can be added."""
    found = locate(spec)
    if found.config().get("quantization_config"):
        raise ModelError(f"{spec} is quantised, as its config.json says: {_QUANTISED}")
    if found.adapter is not None:
        raise ModelError(
            f"{spec} is an adapter, whose weights are not those of a model; write its base with the "
            "adapter merged into it (peft: merge_and_unload, save_pretrained), and give that folder"
        )
    return found


def require_same_tensors(first: Weights, other: Weights) -> None:
    """Refuse models whose tensors have other names or shapes.

    Raises:
        ModelError: With the first tensor that differs.
    """
    remedy = "merge models of one architecture and size that were trained from the same base"
    for name in first.tensors.keys() ^ other.tensors.keys():
        has = first.spec if name in first.tensors else other.spec
        n = len(first.tensors.keys() ^ other.tensors.keys())
        raise ModelError(
            f"{first.spec} and {other.spec} have different tensors: only {has} has {name} ({n} such "
            f"tensors); {remedy}"
        )
    for name, each in first.tensors.items():
        theirs = other.tensors[name]
        if each.shape != theirs.shape:
            raise ModelError(
                f"{name} is {list(each.shape)} in {first.spec} and {list(theirs.shape)} in {other.spec}; "
                f"{remedy}"
            )
        if (each.format in FORMATS) != (theirs.format in FORMATS):
            raise ModelError(
                f"{name} is {each.format} in {first.spec} and {theirs.format} in {other.spec}: {_QUANTISED}"
            )
        if each.format not in FORMATS and not _same_bytes(name, first, other):
            raise ModelError(
                f"{name} is {each.format} and differs in {first.spec} and {other.spec}: {_QUANTISED}"
            )


def _same_bytes(name: str, first: Weights, other: Weights) -> bool:
    """Whether a tensor that is copied is the same in both models."""
    formats = {each.tensors[name].format for each in (first, other)}
    both = zip(first.pieces(name), other.pieces(name), strict=True)
    return len(formats) == 1 and all(one == another for one, another in both)


def _finished(out: Path, about: dict[str, Any], files: list[Path]) -> Merged | None:
    """The merge that is there already; an error if something else is, or it has lost one of its files."""
    kind = kind_of(out)
    if kind is Kind.missing or (kind is Kind.folder and not names(out)):
        if os.path.ismount(out):
            raise RunError(f"{out} is a mount, which no folder can replace; choose an --out in it")
        return None
    if kind is not Kind.folder or kind_of(out / RECORD) is Kind.missing:
        raise RunError(f"{out} exists and is no merge; choose another --out, or move it away")
    there = InputFile(out / RECORD, RunError, "delete the folder", is_ours=True).json(_RECORD)
    for key in about:
        if there.get(key) != about[key]:
            raise RunError(
                f"{out} holds another merge (its {key} differ). Nothing was changed; choose another --out"
            )
    if lost := {file.name for file in files} - {*names(out)}:
        raise RunError(
            f"{out} has lost {min(lost)}; delete that folder, and the same command merges again"
        )
    return Merged(out, there["n_tensors"], there["n_merged"])


def _begin(aside: Path, about: dict[str, Any]) -> None:
    """Bind the hidden folder to this merge; what an other merge left in it is removed."""
    remove_incomplete(aside)
    record = aside / RECORD
    if kind_of(record) is not Kind.missing:
        there = InputFile(record, RunError, f"delete {aside}", is_ours=True).json(_RECORD)
        if {key: there.get(key) for key in about} == about:  # it has counts at the very end
            return
        record.unlink()
    for name in names(aside):
        if kind_of(aside / name) is Kind.folder:
            shutil.rmtree(aside / name)
        elif name != _LOCK:
            (aside / name).unlink()
    with replaced(record) as file:
        json.dump(about, file, indent=1)


def _require_space(aside: Path, files: list[Path]) -> None:
    """Refuse to begin what would not end for want of space."""
    there = {*names(aside)}
    needed = sum(file.stat().st_size for file in files if file.name not in there)
    free = shutil.disk_usage(aside).free
    if needed > free:
        raise RunError(
            f"the merge needs {needed:,} bytes in {aside.parent}, and {free:,} are free; free some space, or "
            "choose an --out on another disk"
        )


def _new_rows(name: str, weights: list[Weights], combine: Combine) -> Rows | None:
    """What gives the new rows of a tensor; None where the reasoner's is copied."""
    is_number = weights[0].tensors[name].format in FORMATS
    return combine(Trio(name, *weights)) if is_number else None


def _shard(aside: Path, file: Path, weights: list[Weights], combine: Combine) -> None:
    """Merge one file of the reasoner's, if it is not there yet."""
    if kind_of(aside / file.name) is not Kind.missing:
        return
    first = weights[0]
    like = {name: first.tensors[name] for name in first.of_file(file)}

    def pieces() -> Iterator[bytes | bytearray]:
        for name in like:
            new = _new_rows(name, weights, combine)
            if new is None:
                yield from first.pieces(name)
                continue
            for start, stop in Trio(name, *weights).blocks():
                block = new(start, stop).to(FORMATS[like[name].format])
                if not bool(torch.isfinite(block).all()):
                    raise ModelError(f"the merged {name} is not finite; take a smaller --weight")
                yield as_bytes(block)

    write(aside / file.name, like, pieces())


def _put(aside: Path, out: Path, first: Checkpoint, about: dict[str, Any], **counts: int) -> None:
    """Complete the hidden folder, and rename it."""
    with named_disk_errors(out):
        for root, name in first.companions():
            (aside / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(root / name, aside / name)
        (aside / BASES).unlink(missing_ok=True)
        with replaced(aside / RECORD) as record:
            json.dump(about | counts, record, indent=1)
        (aside / _LOCK).unlink()
        aside.replace(out)
