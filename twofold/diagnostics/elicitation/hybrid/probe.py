"""Where would the gate fire, as far as the base can tell? A logistic probe on its activations alone.

A gate that asks the tuned model cannot be deployed without it. The probe can: if it does as well, the base
knows where it needs help.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Self, cast, final

import torch

from twofold.diagnostics.elicitation.hybrid.gates import Gate
from twofold.diagnostics.elicitation.hybrid.step import Step
from twofold.errors import ModelError
from twofold.models.tensor_files import read_tensors, save_tensors

FILE = "probe.safetensors"
_STEPS = 200  # of L-BFGS, at most


@final
@dataclass(frozen=True, eq=False)
class Probe(Gate):
    """Where a linear score of the base's activation exceeds a threshold.

    Args:
        layer: Whose output is read, counted from 0.
        weights_D: The score's weights.
        threshold: Of the score.
    """

    kind: ClassVar[str] = "probe"
    needs_tuned: ClassVar[bool] = False
    layer: int
    weights_D: torch.Tensor
    threshold: float

    @property
    def base_layers(self) -> frozenset[int]:
        """The layer that is read."""
        return frozenset({self.layer})

    def scores(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        """The score of each activation, shape (rows,)."""
        return hidden_BD.float() @ self.weights_D.to(hidden_BD.device)

    def fires(self, step: Step) -> torch.Tensor:
        """Whether the score exceeds the threshold."""
        return self.scores(step.base.hidden[self.layer]) > self.threshold

    @classmethod
    def fitted(cls, layer: int, hidden_ND: torch.Tensor, fired_N: torch.Tensor) -> Self:
        """The probe that predicts a gate, and fires as often as it on these activations.

        Args:
            layer: Whose outputs they are.
            hidden_ND: Activations of the base.
            fired_N: Whether the gate fired there.

        Raises:
            ModelError: If it fired nowhere or everywhere.
        """
        fired_N = fired_N.bool()
        rate = float(fired_N.double().mean())
        if not 0 < rate < 1:
            raise ModelError(
                "the gate fired nowhere or everywhere, so there is nothing to predict; take another gate, "
                "or more replies"
            )
        x = hidden_ND.double()
        spread = x.std(0).clamp(min=1e-8)
        z = (x - x.mean(0)) / spread
        w = torch.zeros(z.shape[1], dtype=torch.double, requires_grad=True)
        b = torch.zeros((), dtype=torch.double, requires_grad=True)
        search = torch.optim.LBFGS([w, b], max_iter=_STEPS, line_search_fn="strong_wolfe")

        def loss() -> torch.Tensor:
            search.zero_grad()
            fit = torch.nn.functional.binary_cross_entropy_with_logits(z @ w + b, fired_N.double())
            found = fit + w.square().sum() / (2 * len(z))  # a normal prior of variance 1
            found.backward()  # type: ignore[no-untyped-call]
            return found

        search.step(loss)  # type: ignore[no-untyped-call]
        weights = (w.detach() / spread).float()
        found = cls(layer, weights, 0.0)
        scores = found.scores(hidden_ND).sort(descending=True).values
        n = int(fired_N.sum())
        between = float((scores[n - 1] + scores[min(n, len(scores) - 1)]) / 2)
        return cls(layer, weights, between)

    @classmethod
    def read(cls, value: object, folder: Path) -> Self:
        """The probe of the file that a mapping names under `file`."""
        if not isinstance(value, Mapping) or set(value) != {"file"}:
            raise ModelError("a probe has one setting; write `file:` with its safetensors file")
        return cls.load(folder / str(value["file"]))

    def save(self, file: Path) -> None:
        """Write a safetensors file; an existing one is replaced as a whole."""
        told = {"layer": str(self.layer), "threshold": repr(self.threshold)}
        save_tensors(file, {"weights_D": self.weights_D}, told)

    @classmethod
    def load(cls, file: Path) -> Self:
        """The probe of a file that `save` wrote.

        Raises:
            ModelError: If it is none.
        """
        tensors, told = read_tensors(file)
        try:
            return cast(
                Self, cls(int(told["layer"]), tensors["weights_D"], float(told["threshold"]))
            )
        except (KeyError, ValueError) as error:
            raise ModelError(
                f"{file} holds no probe; name the file that one was saved in"
            ) from error

    def fingerprint(self) -> object:
        """Layer, threshold and the hash of the weights."""
        digest = sha256(self.weights_D.float().cpu().contiguous().numpy().tobytes()).hexdigest()
        return {
            "kind": self.kind,
            "layer": self.layer,
            "threshold": self.threshold,
            "weights_sha256": digest,
        }

    def described(self, folder: Path) -> object:
        """Kind and file, which is written."""
        self.save(folder / FILE)
        return {"kind": self.kind, "file": FILE}
