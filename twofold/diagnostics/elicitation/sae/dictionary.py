"""What is a dictionary of directions? Latents that a hidden state is described by, each with a direction.

Whatever reads latents (categories, scores, the falsification test, steering) takes this, so that a
trained autoencoder and a public one are used alike.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Self, cast, final

import torch

from twofold.errors import ModelError
from twofold.models.composed import Part


class Dictionary(Part):
    """Latents of the hidden states at the output of one layer."""

    @classmethod
    def read(cls, value: object, folder: Path) -> Self:
        """The autoencoder of a folder, or the public one of a `release` and `sae_id`."""
        if isinstance(value, str):
            from twofold.diagnostics.elicitation.sae.autoencoder import Sae

            return cast(Self, Sae.load(folder / value))
        names = dict(value) if isinstance(value, Mapping) else {}
        release, sae_id = names.get("release"), names.get("sae_id")
        if len(names) != 2 or not isinstance(release, str) or not isinstance(sae_id, str):
            raise ModelError(
                f"{value!r:.60} names no autoencoder; write its folder, or `release:` and `sae_id:` of a "
                "public one"
            )
        from twofold.diagnostics.elicitation.sae.public import public_sae

        return cast(Self, public_sae(release, sae_id))

    def fingerprint(self) -> object:
        """The digest."""
        return self.digest

    def described(self, folder: Path) -> object:
        """A dictionary does not know where it is saved."""
        raise ModelError("save the autoencoder, and write the name of its folder in the file")

    @property
    @abstractmethod
    def n(self) -> int:
        """The number of latents."""

    @property
    @abstractmethod
    def width(self) -> int:
        """The width of the hidden states, in numbers."""

    @property
    @abstractmethod
    def layer(self) -> int:
        """The layer whose output is described, counted from 0."""

    @property
    @abstractmethod
    def digest(self) -> str:
        """What it is identified by: equal for the same weights."""

    @abstractmethod
    def latents(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """All latents of hidden states as the network has them, before any is dropped.

        Args:
            hidden_BD: Shape (states, width), any float dtype.

        Returns:
            Shape (states, latents), float32.
        """

    @abstractmethod
    def active(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """Which latents the states are made of, shape (states, latents), bool."""

    @abstractmethod
    def direction(self, latent: int) -> torch.Tensor:
        """What a latent adds to the hidden state, of norm 1, shape (width,)."""

    @final
    def of(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """The category of each hidden state: its largest latent, of all of them.

        Args:
            hidden_BD: Shape (states, width), as the network has them.

        Returns:
            Shape (states,), int64, from 0 to n - 1.
        """
        return self.latents(hidden_BD).argmax(-1)

    @final
    def checked(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """The states in float32.

        Raises:
            ModelError: If they are not a matrix of this width.
        """
        if hidden_BD.ndim != 2 or hidden_BD.shape[1] != self.width:
            raise ModelError(
                f"hidden states of the shape {tuple(hidden_BD.shape)} for a dictionary of width "
                f"{self.width}; give (states, {self.width}), from the layer and the model that it was "
                "trained on"
            )
        return hidden_BD.float()

    @final
    def require(self, latent: int) -> int:
        """The latent, if there is one of that number.

        Raises:
            ModelError: If there is none.
        """
        if not 0 <= latent < self.n:
            raise ModelError(f"there is no latent {latent}; take one from 0 to {self.n - 1}")
        return latent
