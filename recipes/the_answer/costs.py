"""What does a method change, and how long does it take? Weights that differ from the base, and minutes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open

from twofold.models import resolve
from twofold.models.checkpoint import ADAPTER, SINGLE, locate
from twofold.storage.jsonl import Row, dumps, read_lines, replaced

FILE = "costs.jsonl"


class Cost(NamedTuple):
    """Of one run: weights of the base that differ now, numbers that were added, minutes of training."""

    changed: int
    added: int
    minutes: float | None


def of(base: str, folder: Path) -> Cost:
    """The cost of the model in the folder of a cell."""
    minutes = json.loads((folder / "cell.json").read_text())["minutes"]
    model = folder / "model"
    if (model / SINGLE).exists():
        return Cost(_differing(locate(base).folder / SINGLE, model / SINGLE), 0, minutes)
    for name in (ADAPTER, "projection.safetensors"):
        if (model / name).exists():
            return Cost(0, sum(t.numel() for _, t in _tensors(model / name)), minutes)
    return Cost(0, 0, None)  # made of models that are there


def _differing(before: Path, after: Path) -> int:
    old = dict(_tensors(before))
    return sum(int((tensor != old[name]).sum()) for name, tensor in _tensors(after) if name in old)


def _tensors(file: Path) -> Iterator[tuple[str, torch.Tensor]]:
    with safe_open(file, "pt") as held:
        for name in held.keys():  # noqa: SIM118 (no mapping)
            yield name, held.get_tensor(name).float()


def note(base: str, out: Path) -> None:
    """Write what the finished cells of a study cost; those without weights keep what was written."""
    known = {(row["arm"], row["seed"]): row for row in _read(out)}
    for cell in sorted((out / "study" / "arms").glob("*/seed-*/cell.json")):
        arm, seed = cell.parent.parent.name, int(cell.parent.name.removeprefix("seed-"))
        if (cell.parent / "model").is_dir():
            cost = of(base, cell.parent)
            known[arm, seed] = {"arm": arm, "seed": seed, **cost._asdict()}
    with replaced(out / FILE) as lines:
        lines.writelines(dumps(row) + "\n" for _, row in sorted(known.items()))


def read(out: Path) -> dict[str, list[Cost]]:
    """The costs of each arm's runs."""
    found: dict[str, list[Cost]] = {}
    for row in _read(out):
        found.setdefault(row["arm"], []).append(Cost(row["changed"], row["added"], row["minutes"]))
    return found


def _read(out: Path) -> list[Row]:
    return list(read_lines(out / FILE)) if (out / FILE).exists() else []


def n_weights(base: str) -> int:
    """How many weights the base has."""
    folder = locate(resolve(base).spec).folder
    return sum(tensor.numel() for _, tensor in _tensors(folder / SINGLE))
