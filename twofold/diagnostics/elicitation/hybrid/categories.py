"""Which kind of step is a position? A category by an activation, the one of all, or a random one.

The vector that steers a position is that of its category.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol, Self, cast, final, runtime_checkable

import torch

from twofold.diagnostics.elicitation.hybrid.step import Step
from twofold.errors import ModelError
from twofold.extension import class_named
from twofold.models.composed import Part
from twofold.storage.reading import InputFile, Kind, files, kind_of


@runtime_checkable
class Categories(Protocol):
    """What sorts activations into `n` categories."""

    @property
    def n(self) -> int:
        """How many categories there are."""

    def of(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """The category of each activation, integers in [0, n), shape (rows,)."""


@final
@dataclass(frozen=True)
class OneCategory:
    """One category for all.

    Example:
        >>> OneCategory().of(torch.ones(2, 3))
        tensor([0, 0])
    """

    n: int = 1

    def of(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """Zeros."""
        return torch.zeros(len(hidden_BD), dtype=torch.long, device=hidden_BD.device)


@dataclass(frozen=True, eq=False)
class Labelling(Part):
    """What names the category of each row's last position."""

    @property
    @abstractmethod
    def n(self) -> int:
        """How many categories there are."""

    @property
    def tuned_layer(self) -> int | None:
        """The layer of the tuned model that is read; None = that model is not needed."""
        return None

    @abstractmethod
    def of(self, step: Step) -> torch.Tensor:
        """The category of each row, shape (rows,)."""

    @classmethod
    def read(cls, value: object, folder: Path) -> Self:
        """`one`, or the keys `layer`, `class` (`package.module:Name`, with a method `load`) and `path`."""
        if value == "one":
            return cast(Self, OneLabel())
        wanted = {"layer": int, "class": str, "path": str}
        if not isinstance(value, Mapping) or any(
            not isinstance(value.get(key), kind) for key, kind in wanted.items()
        ):
            raise ModelError(
                f"{value!r:.80} names no categories; write `one`, or `layer`, `class` and `path`"
            )
        path = folder / str(value["path"])
        loader: Any = class_named(str(value["class"]), object)
        source = SavedCategories(str(value["class"]), path)
        load = getattr(loader, "load", None)
        found = load(path) if callable(load) else None
        if not isinstance(found, Categories):
            raise ModelError(
                f"{value['class']} loads no categories; name a class with `load`, whose objects have `n` "
                "and `of`"
            )
        return cast(Self, ByActivation(found, int(value["layer"]), source))


@final
@dataclass(frozen=True)
class SavedCategories:
    """Where categories were loaded from: `package.module:Name` of a class with `load`, and its path."""

    loader: str
    path: Path

    @cached_property
    def sha256(self) -> str:
        """The hash of loader and file, or of the files of a folder."""
        digest = sha256(self.loader.encode())
        is_folder = kind_of(self.path, ModelError) is Kind.folder
        for each in files(self.path, "*", error=ModelError) if is_folder else [self.path]:
            digest.update(f" {each.name} ".encode())
            InputFile(each, ModelError, "name the file of the categories").sha256(digest)
        return digest.hexdigest()


@final
@dataclass(frozen=True, eq=False)
class OneLabel(Labelling):
    """Every position is of the same category."""

    @property
    def n(self) -> int:
        """One."""
        return 1

    def of(self, step: Step) -> torch.Tensor:
        """Zeros."""
        return OneCategory().of(step.base.logits_BV)

    def fingerprint(self) -> object:
        """Its name."""
        return "one"

    def described(self, folder: Path) -> object:
        """Its name."""
        return "one"


@final
@dataclass(frozen=True, eq=False)
class ByActivation(Labelling):
    """The category of the tuned model's activation at the last token.

    Args:
        categories: What sorts activations.
        layer: Whose output it sorts, counted from 0.
        source: What it was loaded from; None = it was made here, so that the labelling cannot be saved.
    """

    categories: Categories
    layer: int
    source: SavedCategories | None = None

    @property
    def n(self) -> int:
        """As the categories."""
        return self.categories.n

    @property
    def tuned_layer(self) -> int | None:
        """The layer that is read."""
        return self.layer

    def of(self, step: Step) -> torch.Tensor:
        """The category of each row."""
        return self.categories.of(step.of_tuned.hidden[self.layer].float())

    def fingerprint(self) -> object:
        """Layer, number, and the hash of the file."""
        source = repr(self.categories) if self.source is None else self.source.sha256
        return {"layer": self.layer, "n": self.n, "source": source}

    def described(self, folder: Path) -> object:
        """Layer, class and path."""
        if self.source is None:
            raise ModelError(
                "the categories were made in this process, so no file can name them; save them, and load "
                "them from their file"
            )
        path = os.path.relpath(self.source.path.resolve(), folder.resolve())
        return {"layer": self.layer, "class": self.source.loader, "path": path}


@final
@dataclass(frozen=True, eq=False)
class RandomLabel(Labelling):
    """A category drawn for each row and place: the control of a labelling.

    Args:
        n_labels: How many categories there are.
        seed: Of the draw.
    """

    n_labels: int
    seed: int = 0

    @property
    def n(self) -> int:
        """How many categories there are."""
        return self.n_labels

    def of(self, step: Step) -> torch.Tensor:
        """The category of each row."""
        return (step.uniform_B("category", self.seed) * self.n_labels).long()

    def fingerprint(self) -> object:
        """Number and seed."""
        return {"random": self.n_labels, "seed": self.seed}

    def described(self, folder: Path) -> object:
        """A control is a setting of the hybrid, not a labelling to save."""
        raise ModelError("random categories are a control; save the hybrid with `control` set")
