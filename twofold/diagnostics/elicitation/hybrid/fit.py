"""How are the vectors learnt? From the tokens the tuned model wrote where the base would not have.

The loss is the cross-entropy of that token after the shift, averaged within each category and then over
the categories, so that a rare one counts as much. The state is saved after every epoch: a killed fit goes
on and ends with the same numbers.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, final

import torch
from torch.nn import functional as F

from twofold.diagnostics.elicitation.hybrid.positions import Positions, steered_logits
from twofold.diagnostics.elicitation.hybrid.upper_layers import UpperLayers
from twofold.diagnostics.elicitation.hybrid.vectors import Vectors
from twofold.errors import ModelError
from twofold.models.tensor_files import read_tensors, save_tensors
from twofold.randomness import rng_for
from twofold.stats import average, mean
from twofold.types import Estimate

_CLIP = 1.0  # norm of the MLP's gradient


@final
@dataclass(frozen=True, kw_only=True)
class Fit:
    """How vectors are fitted.

    Args:
        n_hidden: Units of the MLP; 0 = none, each vector is added as it is.
        vector_rate: Learning rate of the vectors.
        mlp_rate: Learning rate of the MLP.
        weight_decay: Of both.
        epochs: At most.
        patience: Epochs without a lower validation loss before it stops.
        batch: Replies a step.
        seed: Of first weights and order.

    Source:
        The code of arXiv 2510.07364 (ICML version): these settings. Departs: the best epoch is chosen for all
        categories together, and one seed is fitted, not the best of three.
    """

    n_hidden: int = 512
    vector_rate: float = 1e-2
    mlp_rate: float = 1e-3
    weight_decay: float = 0.01
    epochs: int = 10
    patience: int = 5
    batch: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.patience < 1 or self.batch < 1 or self.n_hidden < 0:
            raise ModelError(
                f"{self}: epochs, patience and batch are at least 1, n_hidden at least 0"
            )


@final
@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What vectors do at disagreements they were not fitted on, before anything is generated.

    Args:
        top1: Share of positions whose likeliest token, steered, is the tuned model's; unsteered it is 0.
        nats: Cross-entropy of that token, steered.
        nats_before: The same, unsteered.
        n_positions: In all; n of the estimates counts replies.
    """

    top1: Estimate
    nats: Estimate
    nats_before: Estimate
    n_positions: int


@final
@dataclass
class _State:
    """Where a fit is: epochs done, losses, and the tensors beside the vectors' own."""

    epoch: int = 0
    best: float = math.inf
    since_best: int = 0
    losses: list[float] | None = None


def fitted(
    network: Any,
    layer: int,
    n: int,
    train: Sequence[Positions],
    validation: Sequence[Positions],
    settings: Fit,
    *,
    state: Path | None = None,
) -> Vectors:
    """The vectors of the epoch with the lowest validation loss.

    Args:
        network: The base's network; it is not changed.
        layer: At whose output is steered; the positions are of this layer.
        n: How many categories.
        train: What is learnt from.
        validation: What decides when to stop; of other problems.
        settings: Learning rates and lengths.
        state: A safetensors file to go on from, and to save to after each epoch; None = neither.

    Raises:
        ModelError: If the state is of another fit.
    """
    vectors = Vectors(
        n, train[0].hidden_TD.shape[1], layer=layer, n_hidden=settings.n_hidden, seed=settings.seed
    ).to(network.device)
    work = _Work(network, UpperLayers(network, layer), vectors, settings)
    fingerprint = _fingerprint(layer, n, train, validation, settings)
    if state is not None and state.exists():
        work.restore(state, fingerprint)
    with _frozen(network):
        while work.goes_on():
            work.epoch(train, validation)
            if state is not None:
                work.save(state, fingerprint)
    vectors.load_state_dict(work.best)
    return vectors.requires_grad_(False).eval()


@contextmanager
def _frozen(network: Any) -> Iterator[None]:
    """While the network's weights need no gradient."""
    learning = [each for each in network.parameters() if each.requires_grad]
    for each in learning:
        each.requires_grad_(False)
    try:
        yield
    finally:
        for each in learning:
            each.requires_grad_(True)


@final
class _Work:
    """One fit: vectors, optimiser and state."""

    def __init__(self, network: Any, upper: UpperLayers, vectors: Vectors, settings: Fit) -> None:
        self._network, self._upper, self._vectors = network, upper, vectors
        self._settings, self._state = settings, _State()
        self.best = _copied(vectors)
        mlp = [each for name, each in vectors.named_parameters() if name != "vectors_KD"]
        groups: list[dict[str, Any]] = [
            {"params": [vectors.vectors_KD], "lr": settings.vector_rate}
        ]
        if mlp:
            groups.append({"params": mlp, "lr": settings.mlp_rate})
        self._mlp = mlp
        self._optimiser = torch.optim.AdamW(groups, weight_decay=settings.weight_decay)

    def goes_on(self) -> bool:
        """Whether there is another epoch."""
        state, settings = self._state, self._settings
        return state.epoch < settings.epochs and state.since_best < settings.patience

    def epoch(self, train: Sequence[Positions], validation: Sequence[Positions]) -> None:
        """Learn from every reply once, in an order of the epoch's own, and validate."""
        settings, state = self._settings, self._state
        order = rng_for("fit", settings.seed, state.epoch).permutation(len(train)).tolist()
        for start in range(0, len(order), settings.batch):
            batch = [train[i] for i in order[start : start + settings.batch]]
            self._optimiser.zero_grad()
            loss = by_category(*self._losses(batch))
            loss.backward()  # type: ignore[no-untyped-call]
            if self._mlp:
                torch.nn.utils.clip_grad_norm_(self._mlp, _CLIP)
            self._optimiser.step()
        with torch.no_grad():
            found = float(by_category(*self._losses(validation)))
        state.epoch += 1
        state.since_best += 1
        state.losses = [*(state.losses or []), found]
        if found < state.best:
            state.best, state.since_best, self.best = found, 0, _copied(self._vectors)

    def _losses(self, of: Sequence[Positions]) -> tuple[torch.Tensor, torch.Tensor]:
        """The cross-entropy of every position, and its category."""
        parts = [
            F.cross_entropy(
                steered_logits(self._network, self._upper, each, self._vectors),
                each.token_P,
                reduction="none",
            )
            for each in of
        ]
        return torch.cat(parts), torch.cat([each.label_P for each in of])

    def save(self, file: Path, fingerprint: str) -> None:
        """Write everything that the next epochs depend on."""
        tensors = {f"now.{name}": each for name, each in self._vectors.state_dict().items()}
        tensors |= {f"best.{name}": each for name, each in self.best.items()}
        for i, of in self._optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{i}.{name}": torch.as_tensor(each) for name, each in of.items()}
        save_tensors(file, tensors, {"of": fingerprint, "state": json.dumps(asdict(self._state))})

    def restore(self, file: Path, fingerprint: str) -> None:
        """Go on from what `save` wrote."""
        tensors, told = read_tensors(file)
        if told.get("of") != fingerprint:
            raise ModelError(
                f"{file} is of a fit with other settings or positions; delete it, or name another file"
            )
        self._state = _State(**json.loads(told["state"]))
        self._vectors.load_state_dict(_under("now.", tensors))
        self.best = _under("best.", tensors)
        saved = self._optimiser.state_dict()
        for name, each in _under("adam.", tensors).items():
            i, _, of = name.partition(".")
            saved["state"].setdefault(int(i), {})[of] = each
        self._optimiser.load_state_dict(saved)


def by_category(loss_P: torch.Tensor, label_P: torch.Tensor) -> torch.Tensor:
    """The mean over the categories that occur, of the mean within each.

    Example:
        >>> by_category(torch.tensor([1.0, 3.0, 10.0]), torch.tensor([0, 0, 4]))
        tensor(6.)
    """
    means = [loss_P[label_P == label].mean() for label in sorted(set(label_P.tolist()))]
    return torch.stack(means).mean()


def recovered(network: Any, layer: int, of: Sequence[Positions], vectors: Vectors) -> Recovered:
    """What vectors recover at the positions of some replies.

    Args:
        network: The base's network.
        layer: That of the positions.
        of: Positions that were not fitted on.
        vectors: Those of the fit, or of a control.
    """
    upper = UpperLayers(network, layer)
    right: list[float] = []
    nats: list[float] = []
    before: list[float] = []
    replies: list[int] = []
    with torch.no_grad():
        for i, each in enumerate(of):
            steered_PV = steered_logits(network, upper, each, vectors)
            plain_PV = steered_logits(network, upper, each, None)
            right += (steered_PV.argmax(-1) == each.token_P).double().tolist()
            for loss, logits_PV in ((nats, steered_PV), (before, plain_PV)):
                loss += F.cross_entropy(logits_PV, each.token_P, reduction="none").tolist()
            replies += [i] * len(each.token_P)
    return Recovered(
        top1=mean(right, replies),
        nats=average(nats, replies),
        nats_before=average(before, replies),
        n_positions=len(right),
    )


def _copied(vectors: Vectors) -> dict[str, torch.Tensor]:
    return {name: each.detach().clone() for name, each in vectors.state_dict().items()}


def _under(begin: str, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(begin): each for name, each in tensors.items() if name.startswith(begin)
    }


def _fingerprint(
    layer: int, n: int, train: Sequence[Positions], validation: Sequence[Positions], settings: Fit
) -> str:
    digest = sha256(json.dumps([layer, n, asdict(settings)]).encode())
    for each in (*train, *validation):
        digest.update(each.id.encode("utf-8", "surrogatepass"))
        for tensor in (each.at_P, each.token_P, each.label_P):
            digest.update(tensor.cpu().numpy().tobytes())
        digest.update(each.hidden_TD.float().cpu().numpy().tobytes())
    return digest.hexdigest()
