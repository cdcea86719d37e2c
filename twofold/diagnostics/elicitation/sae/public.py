"""How is a published autoencoder used? Through sae-lens, which is imported only when one is asked for.

sae-lens brings a large stack of its own and pins other versions than ours, so it is no dependency.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, final

import torch

from twofold.diagnostics.elicitation.sae.dictionary import Dictionary
from twofold.errors import ModelError

_HOOKS = re.compile(r"^blocks\.(\d+)\.hook_resid_(pre|post)$")


@final
@dataclass(frozen=True, eq=False)
class PublicSae(Dictionary):
    """An autoencoder of sae-lens as a dictionary.

    Args:
        source: What it was loaded by.
        loaded: The object of sae-lens.
        at: The layer whose output it describes, counted from 0.
    """

    source: str
    loaded: Any
    at: int

    def __repr__(self) -> str:
        """Equal for the same source."""
        return f"PublicSae({self.source!r}, layer {self.at})"

    @property
    def n(self) -> int:
        """The number of latents."""
        return int(self.loaded.W_dec.shape[0])

    @property
    def width(self) -> int:
        """The width of the hidden states."""
        return int(self.loaded.W_dec.shape[1])

    @property
    def layer(self) -> int:
        """The layer whose output is described."""
        return self.at

    @property
    def digest(self) -> str:
        """The SHA-256 of the source and of the directions, in hex."""
        weights = self.loaded.W_dec.detach().cpu().float().contiguous().numpy().tobytes()
        return sha256(self.source.encode() + weights).hexdigest()

    def latents(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """What its encoder says; of the usual kinds, 0 for a latent that is off."""
        with torch.no_grad():
            found: torch.Tensor = self.loaded.encode(self.checked(hidden_BD)).float()
        return found

    def active(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """The latents above 0."""
        return self.latents(hidden_BD) > 0

    def direction(self, latent: int) -> torch.Tensor:
        """The decoder's row, brought to norm 1."""
        row: torch.Tensor = self.loaded.W_dec[self.require(latent)].detach().float()
        length: torch.Tensor = torch.linalg.vector_norm(row)
        return row / length.clamp(min=1e-12)


def public_sae(release: str, sae_id: str) -> PublicSae:
    """A published autoencoder, by its release and id in sae-lens.

    Args:
        release: The name of the release, or a repository.
        sae_id: Which of its autoencoders.

    Raises:
        ModelError: If sae-lens is not installed, does not find it, or it is not of a layer's output.
    """
    try:
        lens = importlib.import_module("sae_lens")
    except ImportError as error:
        raise ModelError(
            f"a public autoencoder is loaded by sae-lens, which is not installed here ({error}); make an "
            "environment of its own for it with `pip install sae-lens 'twofold[hf]'`, since it pins other "
            "versions, or train one with SaeTraining"
        ) from error
    source = f"{release}/{sae_id}"
    try:
        loaded = lens.SAE.from_pretrained(release, sae_id, device="cpu")
    except (OSError, ValueError, LookupError, RuntimeError) as error:
        words = " ".join(str(error).split())[:200]
        raise ModelError(
            f"sae-lens cannot load {source} ({words}); check the names, and that the files can be reached"
        ) from error
    hook = str(getattr(loaded.cfg.metadata, "hook_name", None))
    found = _HOOKS.match(hook)
    at = -1 if found is None else int(found[1]) - (found[2] == "pre")
    if at < 0:
        raise ModelError(
            f"{source} describes {hook}, which is not the output of a decoder layer; take one of the "
            "residual stream (hook_resid_post)"
        )
    return PublicSae(source, loaded, at)
