"""How is a small sparse autoencoder trained on cached activations? In minutes, on a CPU.

The gradient is written out, since it is four products of matrices: without a graph an epoch takes half
the time. A training that is killed goes on from its last epoch to the same weights, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import final

import torch

from twofold.diagnostics.elicitation.sae.autoencoder import ABOUT, Sae, normalised
from twofold.errors import ModelError, RunError
from twofold.models.tensor_files import read_tensors, save_tensors
from twofold.randomness import rng_for
from twofold.storage.reading import Kind, kind_of
from twofold.storage.writing import dumps

STATE = "training.safetensors"
LEAST_GAIN = 1e-4  # of the unexplained share: less is no improvement of an epoch
_CHUNK = 16384  # states that are normalised or judged at once
_BETAS, _EPS = (0.9, 0.999), 1e-8

Weights = dict[str, torch.Tensor]
_NAMES = ("encoder_ND", "encoder_bias_N", "decoder_ND", "decoder_bias_D")


@final
@dataclass(frozen=True, kw_only=True)
class SaeTraining:
    """How an autoencoder is trained.

    Args:
        n: Latents; few, since each is meant to be a category.
        k: How many of them describe a state.
        epochs: The most passes over the states.
        batch: States a step.
        patience: Epochs without an improvement after which it ends.
        held_out: The share of the states that decides which epoch was the best, and is not trained on.
        seed: Of the start, the held-out states and the order of the others.

    Raises:
        ModelError: If a number is out of its range.

    Source:
        The method of arXiv 2510.07364 in its repository: the loss is the share of the batch's variance
        that is not rebuilt; Adam at 2e-4 / sqrt(n / 2^14); directions of norm 1 after each step; the
        decoder starts as the encoder. Departs: the centre is the mean over all training states at once;
        an epoch is judged on held-out states. The loss has local minima in which all directions share a
        part; `best_of` several seeds is for that.
    """

    n: int = 32
    k: int = 3
    epochs: int = 300
    batch: int = 512
    patience: int = 10
    held_out: float = 0.1
    seed: int = 0

    def __post_init__(self) -> None:
        least = {"n": self.n, "epochs": self.epochs, "batch": self.batch, "patience": self.patience}
        if small := [name for name, value in least.items() if value < 1]:
            raise ModelError(f"{small[0]} is {least[small[0]]}; give at least 1")
        if not 1 <= self.k <= self.n:
            raise ModelError(f"k is {self.k} of {self.n} latents; take a number from 1 to {self.n}")
        if not 0 < self.held_out < 1:
            raise ModelError(f"held_out is {self.held_out:g}; give a share between 0 and 1")

    @property
    def rate(self) -> float:
        """The learning rate."""
        return float(2e-4 / (self.n / 2**14) ** 0.5)

    def train(self, hidden_BD: torch.Tensor, *, layer: int, folder: Path | None = None) -> Sae:
        """Train on hidden states of one layer.

        Args:
            hidden_BD: Shape (states, width), as the network has them; at least two batches' worth is wise.
            layer: The layer whose output they are, counted from 0.
            folder: Where the autoencoder, and after each epoch the state of the training, are kept. The
                same call continues there, or reads what is finished.

        Raises:
            ModelError: If the states are too few, of another shape, or not finite.
            RunError: If the folder holds the training of other states or with other settings.
        """
        _require_usable(hidden_BD, self.n)
        identity = {
            "settings": dumps(asdict(self)),
            "layer": str(layer),
            "states": _hash(hidden_BD),
        }
        if folder is not None and kind_of(folder / ABOUT) is Kind.file:
            _require_same(folder, identity)
            return Sae.load(folder)
        centre = _mean(hidden_BD)
        x = torch.cat([normalised(each, centre) for each in _parts(hidden_BD)])
        shuffled = torch.from_numpy(rng_for("sae", self.seed, "held out").permutation(len(x)))
        n_held = max(1, int(self.held_out * len(x)))
        run = _Run(self, x[shuffled[n_held:]], x[shuffled[:n_held]])
        if folder is not None and kind_of(folder / STATE) is Kind.file:
            run.restore(_require_same(folder, identity))
        while not run.is_over:
            run.epoch()
            if folder is not None:
                save_tensors(folder / STATE, run.state(), identity)
        return self._finished(run, centre, hidden_BD, layer, folder)

    def _finished(
        self,
        run: _Run,
        centre: torch.Tensor,
        hidden_BD: torch.Tensor,
        layer: int,
        folder: Path | None,
    ) -> Sae:
        """The best epoch's autoencoder, with what its training was."""
        found = Sae(**run.best, centre_D=centre, k=self.k, at=layer)  # type: ignore[arg-type]
        used = torch.zeros(self.n, dtype=torch.bool)
        for part in _parts(hidden_BD):
            used |= found.active(part).any(0)
        told: dict[str, int | float | str] = {
            **asdict(self),
            "n_states": len(hidden_BD),
            "n_epochs": run.n_epochs,
            "best_epoch": run.best_epoch,
            "unexplained_held_out": run.best_loss,
            "n_held_out": len(run.held),
            "n_dead": int((~used).sum()),
        }
        found = replace(found, trained=tuple(told.items()))
        if folder is not None:
            found.save(folder)
        return found


def best_of(
    training: SaeTraining,
    seeds: Sequence[int],
    hidden_BD: torch.Tensor,
    *,
    layer: int,
    folder: Path | None = None,
) -> tuple[Sae, dict[int, float]]:
    """The autoencoder of the seed that leaves the least unexplained of its held-out states.

    Args:
        training: The settings but for the seed.
        seeds: At least one; trainings that end in a worse minimum differ from the best one by far.
        hidden_BD: The states.
        layer: Their layer.
        folder: Each seed is kept in a folder `seed-S` in it.

    Returns:
        The best one, and what each seed left unexplained: how far seeds differ is part of the result.
    """
    found: dict[int, Sae] = {}
    for seed in seeds:
        there = None if folder is None else folder / f"seed-{seed}"
        found[seed] = replace(training, seed=seed).train(hidden_BD, layer=layer, folder=there)
    left = {seed: float(dict(sae.trained)["unexplained_held_out"]) for seed, sae in found.items()}
    return found[min(left, key=lambda seed: left[seed])], left


@final
class _Run:
    """The weights and what Adam remembers, epoch by epoch."""

    def __init__(self, settings: SaeTraining, x: torch.Tensor, held: torch.Tensor) -> None:
        self.settings, self.x, self.held = settings, x, held
        noise = rng_for("sae", settings.seed, "start").normal(size=(settings.n, x.shape[1]))
        start = torch.from_numpy(noise).float()
        start /= start.norm(dim=-1, keepdim=True)
        n, width = start.shape
        self.weights: Weights = {
            "encoder_ND": start.clone(),
            "encoder_bias_N": torch.zeros(n),
            "decoder_ND": start.clone(),
            "decoder_bias_D": torch.zeros(width),
        }
        self.first = {name: torch.zeros_like(each) for name, each in self.weights.items()}
        self.second = {name: torch.zeros_like(each) for name, each in self.weights.items()}
        self.best = {name: each.clone() for name, each in self.weights.items()}
        self.best_loss, self.best_epoch = float("inf"), 0
        self.n_epochs = self.n_steps = 0

    @property
    def is_over(self) -> bool:
        """Whether all epochs are done, or the last ones brought nothing."""
        waited = self.n_epochs - self.best_epoch
        return self.n_epochs >= self.settings.epochs or waited >= self.settings.patience

    def epoch(self) -> None:
        """One pass over the states in an order of its own, and its judgement."""
        rng = rng_for("sae", self.settings.seed, "epoch", self.n_epochs)
        order = torch.from_numpy(rng.permutation(len(self.x)))
        for chosen in _parts(order, self.settings.batch):
            if len(chosen) > 1:  # one state has no variance
                self._step(self.x[chosen])
        self.n_epochs += 1
        loss = self._unexplained()
        if loss < self.best_loss - LEAST_GAIN:
            self.best_loss, self.best_epoch = loss, self.n_epochs
            self.best = {name: each.clone() for name, each in self.weights.items()}

    def _step(self, x_BD: torch.Tensor) -> None:
        """One step of Adam; the directions are brought to norm 1 again."""
        self.n_steps += 1
        one, two = _BETAS
        undone, rate = 1 - two**self.n_steps, self.settings.rate / (1 - one**self.n_steps)
        for name, slope in gradient(self.weights, x_BD, self.settings.k).items():
            first, second = self.first[name], self.second[name]
            first.mul_(one).add_(slope, alpha=1 - one)
            second.mul_(two).addcmul_(slope, slope, value=1 - two)
            self.weights[name].addcdiv_(first, (second / undone).sqrt_().add_(_EPS), value=-rate)
        rows = self.weights["decoder_ND"]
        rows.div_(rows.norm(dim=-1, keepdim=True).clamp(min=1e-12))

    def _unexplained(self) -> float:
        """The share of the variance of the held-out states that is not rebuilt."""
        missed = sum(
            float(_rebuilt(self.weights, part, self.settings.k)[0].square().sum())
            for part in _parts(self.held)
        )
        total = float((self.held - self.held.mean(0)).square().sum())
        return missed / total if total > 0 else float("inf")

    def state(self) -> dict[str, torch.Tensor]:
        """Everything that the next epoch depends on."""
        parts = {
            "weights": self.weights,
            "first": self.first,
            "second": self.second,
            "best": self.best,
        }
        found = {f"{part}.{name}": each for part, of in parts.items() for name, each in of.items()}
        numbers = [self.best_loss, self.best_epoch, self.n_epochs, self.n_steps]
        return found | {"numbers": torch.tensor(numbers, dtype=torch.float64)}

    def restore(self, state: Mapping[str, torch.Tensor]) -> None:
        """Go on from a saved state."""
        for part in ("weights", "first", "second", "best"):
            setattr(self, part, {name: state[f"{part}.{name}"] for name in _NAMES})
        loss, *numbers = state["numbers"].tolist()
        self.best_loss = loss
        self.best_epoch, self.n_epochs, self.n_steps = map(int, numbers)


def _rebuilt(
    weights: Mapping[str, torch.Tensor], x_BD: torch.Tensor, k: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """What is rebuilt minus what was there; the latents that were kept; which; the encoder's input."""
    given = x_BD - weights["decoder_bias_D"]
    z_BN = torch.addmm(weights["encoder_bias_N"], given, weights["encoder_ND"].T)
    kept = torch.zeros_like(z_BN).scatter_(1, z_BN.topk(k, dim=-1).indices, 1.0)
    said = z_BN * kept
    missed = torch.addmm(weights["decoder_bias_D"], said, weights["decoder_ND"]) - x_BD
    return missed, said, kept, given


def gradient(weights: Mapping[str, torch.Tensor], x_BD: torch.Tensor, k: int) -> Weights:
    """The gradient of the unexplained share of a batch, by weight.

    The latents that are not among the k largest have none, as if the choice were given.
    """
    missed, said, kept, given = _rebuilt(weights, x_BD, k)
    total = (x_BD - x_BD.mean(0)).square().sum()
    slope_BD = missed * (2 / total)
    slope_BN = (slope_BD @ weights["decoder_ND"].T).mul_(kept)
    return {
        "encoder_ND": slope_BN.T @ given,
        "encoder_bias_N": slope_BN.sum(0),
        "decoder_ND": said.T @ slope_BD,
        "decoder_bias_D": slope_BD.sum(0) - slope_BN.sum(0) @ weights["encoder_ND"],
    }


def _require_usable(hidden_BD: torch.Tensor, n: int) -> None:
    if hidden_BD.ndim != 2:
        raise ModelError(
            f"hidden states of the shape {tuple(hidden_BD.shape)}; give (states, width), of one layer"
        )
    if len(hidden_BD) < max(2 * n, 20):
        raise ModelError(
            f"{len(hidden_BD)} hidden states for {n} latents; collect at least {max(2 * n, 20)}, or take "
            "fewer latents"
        )
    if not all(bool(torch.isfinite(part).all()) for part in _parts(hidden_BD)):
        raise ModelError(
            "a hidden state is not finite; read them in a dtype with a larger range, or leave those out"
        )


def _parts(values: torch.Tensor, most: int = _CHUNK) -> Iterator[torch.Tensor]:
    """The rows in order, at most so many at once."""
    return (values[at : at + most] for at in range(0, len(values), most))


def _mean(hidden_BD: torch.Tensor) -> torch.Tensor:
    """The mean over all states, summed in float64."""
    total = torch.zeros(hidden_BD.shape[1], dtype=torch.float64)
    for part in _parts(hidden_BD):
        total += part.double().sum(0)
    return (total / len(hidden_BD)).float()


def _hash(hidden_BD: torch.Tensor) -> str:
    found = sha256(str(tuple(hidden_BD.shape)).encode())
    for part in _parts(hidden_BD):
        found.update(part.float().contiguous().numpy().tobytes())
    return found.hexdigest()


def _require_same(folder: Path, identity: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """The saved state, if it is of this training."""
    tensors, about = read_tensors(folder / STATE)
    if other := [name for name, value in identity.items() if about.get(name) != value]:
        raise RunError(
            f"{folder} holds a training with other {' and '.join(other)}. Nothing was changed; choose "
            "another folder, or delete that one"
        )
    return tensors
