"""What is trained? One linear map from the assistant's hidden states to the base's embeddings."""

from hashlib import sha256
from pathlib import Path
from typing import Self, final

import torch

from twofold.errors import ModelError
from twofold.models.composed import Part
from twofold.models.tensor_files import read_tensors, save_tensors

FILE = "projection.safetensors"


@final
class Projection(torch.nn.Module, Part):
    """A linear map, with the number of slots and thoughts that it was trained for.

    Args:
        width: Of the assistant's hidden states.
        embedding: Width of the base's embeddings.
        n_slots: Vectors of a thought.
        n_thoughts: Thoughts for each prompt.
        scale: Root mean square of the base's embeddings divided by that of the assistant's states: at
            first the vectors are as large as embeddings, which the base is used to.
        seed: Of the first weights.
    """

    def __init__(
        self,
        width: int,
        embedding: int,
        *,
        n_slots: int,
        n_thoughts: int = 1,
        scale: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.n_slots, self.n_thoughts = n_slots, n_thoughts
        self.linear = torch.nn.Linear(width, embedding)
        generator = torch.Generator().manual_seed(seed)
        torch.nn.init.normal_(self.linear.weight, std=scale / width**0.5, generator=generator)
        torch.nn.init.zeros_(self.linear.bias)

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """Vectors for the base, of states of any leading shape."""
        return self.linear(states)  # type: ignore[no-any-return]

    @property
    def width(self) -> int:
        """Of the assistant's hidden states."""
        return self.linear.in_features

    @property
    def embedding(self) -> int:
        """Of the base's embeddings."""
        return self.linear.out_features

    def fingerprint(self) -> object:
        """Slots, thoughts, and the hash of the numbers."""
        digest = sha256()
        for name, tensor in sorted(self.state_dict().items()):
            digest.update(f"{name} {tuple(tensor.shape)} ".encode())
            digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
        return {**self._counts(), "sha256": digest.hexdigest()}

    def _counts(self) -> dict[str, str]:
        return {"n_slots": str(self.n_slots), "n_thoughts": str(self.n_thoughts)}

    def described(self, folder: Path) -> object:
        """The file, which is written."""
        self.save(folder / FILE)
        return FILE

    @classmethod
    def read(cls, value: object, folder: Path) -> Self:
        """The projection of a file."""
        if not isinstance(value, str):
            raise ModelError(f"{value!r:.60} names no projection; write the name of its file")
        return cls.load(folder / value)

    def save(self, file: Path) -> None:
        """Write a safetensors file; an existing one is replaced as a whole."""
        save_tensors(file, dict(self.state_dict()), self._counts())

    @classmethod
    def load(cls, file: Path) -> Self:
        """The projection of a file that `save` wrote.

        Raises:
            ModelError: If it is none.
        """
        tensors, told = read_tensors(file)
        weight = tensors.get("linear.weight", torch.empty(0))
        shapes = {"linear.weight": weight.shape, "linear.bias": weight.shape[:1]}
        counts = [told.get(name, "") for name in ("n_slots", "n_thoughts")]
        n_slots, n_thoughts = [int(each) if each.isdecimal() else -1 for each in counts]
        fits = {name: each.shape for name, each in tensors.items()} == shapes and weight.ndim == 2
        fits = fits and all(each.is_floating_point() for each in tensors.values())
        if not fits or n_slots < 0 or n_thoughts < 1:
            raise ModelError(
                f"{file} holds no projection of SoftCoT; name the file that `twofold train softcot` wrote"
            )
        if not all(each.isfinite().all() for each in tensors.values()):
            raise ModelError(f"{file} has numbers that are not finite; take an earlier checkpoint")
        found = cls(weight.shape[1], weight.shape[0], n_slots=n_slots, n_thoughts=n_thoughts)
        found.load_state_dict(tensors)
        return found.requires_grad_(False).eval()
