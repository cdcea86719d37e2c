"""Three small checkpoints to be merged, and what a merge of them holds."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tiny_llama import copy_of

from twofold.methods.merge.merge import merge
from twofold.methods.merge.recipe import Recipe
from twofold.models.checkpoint import SINGLE

ROLES = ("reasoner", "instruct", "base")


def moved(folder: Path, to: Path, *, seed: int, by: float) -> Path:
    """A copy of a model whose every number is moved at random."""
    made = copy_of(folder, to)
    gen = torch.Generator().manual_seed(seed)
    found = {
        name: each + by * torch.randn(each.shape, generator=gen).to(each.dtype)
        for name, each in load_file(folder / SINGLE).items()
    }
    save_file(found, made / SINGLE, metadata={"format": "pt"})
    return made


def trio_of(base: Path, to: Path) -> dict[str, Path]:
    """A base, and two models trained from it in different directions."""
    found = {"base": base}
    for seed, role in enumerate(("reasoner", "instruct")):
        found[role] = moved(base, to / role, seed=seed, by=0.05)
    return found


def merged(trio: dict[str, Path], recipe: Recipe, out: Path) -> Path:
    reasoner, instruct, base = (str(trio[role]) for role in ROLES)
    return merge(reasoner, instruct, base=base, recipe=recipe, out=out).folder


def tensors(folder: Path) -> dict[str, torch.Tensor]:
    return {k: v for file in folder.glob("*.safetensors") for k, v in load_file(file).items()}
