"""What is added to the base at a steered position? A vector of its category, as strongly as an MLP says."""

from hashlib import sha256
from pathlib import Path
from typing import Self, final

import torch
from torch.nn import functional as F

from twofold.errors import ModelError
from twofold.models.composed import Part
from twofold.models.tensor_files import read_tensors, save_tensors

FILE = "vectors.safetensors"


@final
class Vectors(torch.nn.Module, Part):
    """One vector a category, and its strength `softplus(head_c(GELU(W h + b)))`.

    Args:
        n: How many categories.
        width: Of the layer's output.
        layer: At whose output the vector is added, counted from 0.
        n_hidden: Units of the MLP; 0 = no MLP, and a strength of 1 (a plain bias).
        seed: Of the MLP's first weights; the vectors begin at 0.

    Source:
        The code of arXiv 2510.07364 (ICML version): vectors 0, heads' bias 0.5, Xavier weights.
    """

    def __init__(
        self, n: int, width: int, *, layer: int, n_hidden: int = 512, seed: int = 0
    ) -> None:
        super().__init__()
        if n < 1 or n_hidden < 0:
            raise ModelError(f"{n} categories and {n_hidden} units; give at least one category")
        self.layer = layer
        self.vectors_KD = torch.nn.Parameter(torch.zeros(n, width))
        self.hidden = self.heads = None
        if n_hidden:
            generator = torch.Generator().manual_seed(seed)
            self.hidden = torch.nn.Linear(width, n_hidden)
            self.heads = torch.nn.Linear(n_hidden, n)
            for each in (self.hidden, self.heads):
                torch.nn.init.xavier_uniform_(each.weight, generator=generator)
            torch.nn.init.zeros_(self.hidden.bias)
            torch.nn.init.constant_(self.heads.bias, 0.5)

    @property
    def n(self) -> int:
        """How many categories."""
        return len(self.vectors_KD)

    @property
    def width(self) -> int:
        """Of the layer's output."""
        return self.vectors_KD.shape[1]

    def strength(self, hidden_BD: torch.Tensor, label_B: torch.Tensor) -> torch.Tensor:
        """How strongly the vector of each row's category is added, shape (rows,)."""
        if self.hidden is None or self.heads is None:
            return torch.ones(len(hidden_BD), device=hidden_BD.device)
        all_BK = self.heads(F.gelu(self.hidden(hidden_BD.float())))
        return F.softplus(all_BK.gather(1, label_B[:, None])[:, 0])

    def shift(self, hidden_BD: torch.Tensor, label_B: torch.Tensor) -> torch.Tensor:
        """What is added to each row, in float32, shape (rows, width)."""
        return self.strength(hidden_BD, label_B)[:, None] * self.vectors_KD[label_B]

    def randomised(self, seed: int) -> Self:
        """The same strengths and norms in random directions: the control of the directions."""
        found = self._like()
        found.load_state_dict(self.state_dict())
        drawn = torch.randn(self.vectors_KD.shape, generator=torch.Generator().manual_seed(seed))
        norms = self.vectors_KD.detach().norm(dim=1, keepdim=True)
        with torch.no_grad():
            drawn = drawn.to(norms.device)
            found.vectors_KD.copy_(norms * drawn / drawn.norm(dim=1, keepdim=True))
        return found

    def _like(self) -> Self:
        n_hidden = 0 if self.hidden is None else self.hidden.out_features
        found = type(self)(self.n, self.vectors_KD.shape[1], layer=self.layer, n_hidden=n_hidden)
        return found.to(self.vectors_KD.device)

    def fingerprint(self) -> object:
        """Layer, and the hash of all names and numbers."""
        return {"layer": self.layer, "sha256": self._sha256()}

    def described(self, folder: Path) -> object:
        """The file, which is written."""
        self.save(folder / FILE)
        return FILE

    @classmethod
    def read(cls, value: object, folder: Path) -> Self:
        """The vectors of a file."""
        if not isinstance(value, str):
            raise ModelError(f"{value!r:.60} names no vectors; write the name of their file")
        return cls.load(folder / value)

    def _sha256(self) -> str:
        digest = sha256(str(self.layer).encode())
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(f"{name} {tuple(tensor.shape)} ".encode())
            digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    def save(self, file: Path) -> None:
        """Write a safetensors file; an existing one is replaced as a whole."""
        save_tensors(file, dict(self.state_dict()), {"layer": str(self.layer)})

    @classmethod
    def load(cls, file: Path) -> Self:
        """The vectors of a file that `save` wrote.

        Raises:
            ModelError: If it is none.
        """
        tensors, told = read_tensors(file)
        vectors, layer = tensors.get("vectors_KD"), told.get("layer", "")
        if vectors is None or vectors.ndim != 2 or not layer.isdecimal():
            raise ModelError(f"{file} holds no steering vectors; name the file that a fit wrote")
        n_hidden = len(tensors["hidden.bias"]) if "hidden.bias" in tensors else 0
        found = cls(*vectors.shape, layer=int(layer), n_hidden=n_hidden)
        try:
            found.load_state_dict(tensors)
        except RuntimeError as error:
            raise ModelError(
                f"{file} does not hold what steering needs ({str(error)[:200]}); fit again"
            ) from error
        return found.requires_grad_(False).eval()
