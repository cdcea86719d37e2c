"""Which few directions make up an activation? A small top-k sparse autoencoder."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import final

import torch
from pydantic import BaseModel, ConfigDict, TypeAdapter

from twofold.diagnostics.elicitation.sae.dictionary import Dictionary
from twofold.errors import ModelError
from twofold.models.tensor_files import load_tensors, save_tensors
from twofold.storage.reading import InputFile
from twofold.storage.writing import dumps, replaced

WEIGHTS, ABOUT = "sae.safetensors", "sae.json"


class _About(BaseModel):
    """What the JSON file beside the weights says."""

    model_config = ConfigDict(strict=True)

    k: int
    layer: int
    n: int
    width: int
    digest: str
    trained: dict[str, int | float | str]


def normalised(hidden_BD: torch.Tensor, centre_D: torch.Tensor) -> torch.Tensor:
    """The states from a centre, brought to norm 1; a state at the centre itself stays 0."""
    centred: torch.Tensor = hidden_BD.float() - centre_D
    length: torch.Tensor = torch.linalg.vector_norm(centred, dim=-1, keepdim=True)
    return centred / length.clamp(min=1e-12)


@final
@dataclass(frozen=True, eq=False)
class Sae(Dictionary):
    """A top-k sparse autoencoder of the hidden states of one layer.

    A hidden state is centred and brought to norm 1, in training and in every use: published code does it
    in training alone, and then reads categories from states that the encoder has never seen the like of.

    Args:
        encoder_ND: A row a latent, shape (latents, width).
        encoder_bias_N: Shape (latents,).
        decoder_ND: The direction of each latent, rows of norm 1, shape (latents, width).
        decoder_bias_D: Shape (width,).
        centre_D: What is subtracted from a hidden state first: the mean over the training states.
        k: How many latents describe a state.
        at: The layer whose output is described, counted from 0.
        trained: What its training was and reached, as JSON values.

    Source:
        Venhoff et al. 2025, "Base models know how to reason, thinking models learn when", arXiv
        2510.07364, and the method of its repository: z = W (x - b) + c, the k largest kept without a
        threshold, the category is the largest of all.

    Example:
        >>> axes = torch.eye(2)
        >>> sae = Sae(axes, torch.zeros(2), axes, torch.zeros(2), torch.tensor([1.0, 1.0]), k=1, at=0)
        >>> sae.of(torch.tensor([[9.0, 2.0], [1.0, 3.0]])).tolist()  # (8, 1) and (0, 2) from the centre
        [0, 1]
    """

    encoder_ND: torch.Tensor
    encoder_bias_N: torch.Tensor
    decoder_ND: torch.Tensor
    decoder_bias_D: torch.Tensor
    centre_D: torch.Tensor
    k: int
    at: int
    trained: tuple[tuple[str, int | float | str], ...] = ()

    def __post_init__(self) -> None:
        n, width = self.encoder_ND.shape
        wanted = {
            "encoder_bias_N": (n,),
            "decoder_ND": (n, width),
            "decoder_bias_D": (width,),
            "centre_D": (width,),
        }
        for name, shape in wanted.items():
            if (found := tuple(getattr(self, name).shape)) != shape:
                raise ModelError(
                    f"{name} has the shape {found} and {n} latents of width {width} need {shape}; give "
                    "the weights of one autoencoder"
                )
        if not 1 <= self.k <= n:
            raise ModelError(f"k is {self.k} of {n} latents; take a number from 1 to {n}")

    def __repr__(self) -> str:
        """Equal for equal weights, since a setting that holds one is identified by it."""
        return f"Sae({self.n} latents of width {self.width}, layer {self.at}, {self.digest[:12]})"

    @property
    def n(self) -> int:
        """The number of latents."""
        return int(self.encoder_ND.shape[0])

    @property
    def width(self) -> int:
        """The width of the hidden states."""
        return int(self.encoder_ND.shape[1])

    @property
    def layer(self) -> int:
        """The layer whose output is described."""
        return self.at

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of the weights, the layer and k, in hex."""
        found = sha256(f"{self.k} {self.at}".encode())
        for name, each in self.tensors().items():
            found.update(f"{name} {tuple(each.shape)}".encode())
            found.update(each.detach().cpu().float().contiguous().numpy().tobytes())
        return found.hexdigest()

    def tensors(self) -> dict[str, torch.Tensor]:
        """The weights by name."""
        found = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: each for name, each in found.items() if isinstance(each, torch.Tensor)}

    def normalised(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """The states from the centre, of norm 1; a state at the centre itself stays 0."""
        return normalised(self.checked(hidden_BD).to(self.centre_D.device), self.centre_D)

    def latents(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """The latents z of each state; see `Dictionary.latents`."""
        x = self.normalised(hidden_BD) - self.decoder_bias_D
        return x @ self.encoder_ND.T + self.encoder_bias_N

    def active(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """The k largest latents of each state."""
        z_BN = self.latents(hidden_BD)
        kept = torch.zeros_like(z_BN, dtype=torch.bool)
        return kept.scatter_(1, z_BN.topk(self.k, dim=-1).indices, True)

    def direction(self, latent: int) -> torch.Tensor:
        """The decoder's row."""
        return self.decoder_ND[self.require(latent)]

    def rebuilt(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """What the k kept latents say of each normalised state, shape (states, width)."""
        z_BN = self.latents(hidden_BD)
        kept = torch.where(self.active(hidden_BD), z_BN, 0.0)
        return kept @ self.decoder_ND + self.decoder_bias_D

    def unexplained(self, hidden_BD: torch.Tensor) -> float:
        """The share of the variance of normalised states that is not rebuilt; 0 is all, 1 is their mean.

        Above 1 the autoencoder is worse than saying the mean of these states.
        """
        x = self.normalised(hidden_BD)
        missed = (x - self.rebuilt(hidden_BD)).square().sum()
        return float(missed / (x - x.mean(0)).square().sum())

    def dead(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """The latents that are among the k of none of these states, as their numbers."""
        return (~self.active(hidden_BD).any(0)).nonzero()[:, 0]

    def save(self, folder: Path) -> None:
        """Write `sae.safetensors` and `sae.json`, which may be read by itself."""
        save_tensors(folder / WEIGHTS, self.tensors())
        about = _About(
            k=self.k,
            layer=self.at,
            n=self.n,
            width=self.width,
            digest=self.digest,
            trained=dict(self.trained),
        )
        with replaced(folder / ABOUT) as file:
            file.write(dumps(about.model_dump()) + "\n")

    @classmethod
    def load(cls, folder: Path) -> Sae:
        """Read what `save` wrote.

        Raises:
            ModelError: If a file is missing or broken, or the two do not belong together.
        """
        about = InputFile(folder / ABOUT, ModelError).json(TypeAdapter(_About))
        tensors = load_tensors(folder / WEIGHTS)
        names = {each.name for each in fields(cls)} - {"k", "at", "trained"}
        if tensors.keys() != names:
            raise ModelError(
                f"{folder / WEIGHTS} does not hold {', '.join(sorted(names))}; train the autoencoder again"
            )
        found = cls(**tensors, k=about.k, at=about.layer, trained=tuple(about.trained.items()))
        if found.digest != about.digest:
            raise ModelError(
                f"{folder / WEIGHTS} and {folder / ABOUT} are of two autoencoders; restore both from a "
                "copy, or train it again"
            )
        return found
