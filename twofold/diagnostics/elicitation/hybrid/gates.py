"""At which positions is the base overruled? A gate says so for each row, before its next token is drawn.

The paper's gates ask the tuned model and are thereby told where to act; `Probe` asks the base alone, and
`AtRandom` is the control of them all.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import ClassVar, Self, cast, final

import torch

from twofold.diagnostics.elicitation.hybrid.categories import Labelling
from twofold.diagnostics.elicitation.hybrid.step import Step
from twofold.errors import ModelError, nearest
from twofold.models.composed import Part, built


@dataclass(frozen=True)
class Gate(Part):
    """What decides, for each row, whether to act; subclasses are final frozen dataclasses."""

    kind: ClassVar[str]
    needs_tuned: ClassVar[bool] = True

    @property
    def base_layers(self) -> frozenset[int]:
        """Layers of the base whose outputs it reads."""
        return frozenset()

    @property
    def tuned_layers(self) -> frozenset[int]:
        """Layers of the tuned model whose outputs it reads."""
        return frozenset()

    @abstractmethod
    def fires(self, step: Step) -> torch.Tensor:
        """Whether to act on each row's next token, booleans of shape (rows,)."""

    @classmethod
    def read(cls, value: object, folder: Path) -> Self:
        """The gate that a name, or a mapping with `kind` and settings, describes."""
        from twofold.diagnostics.elicitation.hybrid.probe import Probe

        settings = dict(value) if isinstance(value, Mapping) else {"kind": value}
        kind = settings.pop("kind", None)
        if kind == Probe.kind:
            return cast(Self, Probe.read(settings, folder))
        known = {each.kind: each for each in (ArgmaxDiffers, Divergence, InCategory, AtRandom)}
        if not isinstance(kind, str) or kind not in known:
            raise ModelError(
                f"there is no gate {kind!r:.60}; {nearest(str(kind), [*known, Probe.kind])}"
            )
        return cast(Self, built(known[kind], settings, folder / f"gate {kind}"))

    def fingerprint(self) -> object:
        """Kind and settings."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        parts = {k: v.fingerprint() for k, v in values.items() if isinstance(v, Part)}
        return {"kind": self.kind} | values | parts

    def described(self, folder: Path) -> object:
        """Kind and settings, as `read` takes them."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        parts = {k: v.described(folder) for k, v in values.items() if isinstance(v, Part)}
        lists = {k: list(v) for k, v in values.items() if isinstance(v, tuple)}
        return {"kind": self.kind} | values | parts | lists


@final
@dataclass(frozen=True)
class ArgmaxDiffers(Gate):
    """Where the likeliest tokens of base and tuned model differ.

    Source:
        The gate of arXiv 2510.07364.
    """

    kind: ClassVar[str] = "argmax"

    def fires(self, step: Step) -> torch.Tensor:
        """Whether the likeliest tokens differ."""
        base_BV, tuned_BV = step.both_BV
        return base_BV.argmax(-1) != tuned_BV.argmax(-1)


@final
@dataclass(frozen=True)
class Divergence(Gate):
    """Where the Jensen-Shannon divergence of the next-token distributions exceeds `tau`.

    It sees what a sampled reply depends on, which the argmax does not; both at temperature 1.

    Args:
        tau: In nats, from 0 (always, unless equal) to ln 2 = 0.693 (never).
    """

    kind: ClassVar[str] = "js"
    tau: float = 0.02

    def __post_init__(self) -> None:
        if not self.tau >= 0:
            raise ModelError(f"tau is {self.tau}; give a divergence in nats, of 0 to 0.69")

    def fires(self, step: Step) -> torch.Tensor:
        """Whether the divergence exceeds `tau`."""
        return jensen_shannon(*step.both_BV) > self.tau


@final
@dataclass(frozen=True)
class InCategory(Gate):
    """Where the tuned model's activation is of certain categories.

    Args:
        labelling: What names the category.
        chosen: The categories, counted from 0, at which it fires.
    """

    kind: ClassVar[str] = "category"
    labelling: Labelling
    chosen: tuple[int, ...]

    def __post_init__(self) -> None:
        if wrong := [each for each in self.chosen if not 0 <= each < self.labelling.n]:
            raise ModelError(
                f"there is no category {wrong[0]}; the labelling has 0 to {self.labelling.n - 1}"
            )

    @property
    def tuned_layers(self) -> frozenset[int]:
        """The layer of the labelling."""
        layer = self.labelling.tuned_layer
        return frozenset() if layer is None else frozenset({layer})

    def fires(self, step: Step) -> torch.Tensor:
        """Whether the category is among the chosen."""
        label_B = self.labelling.of(step)
        return torch.isin(label_B, torch.tensor(self.chosen, device=label_B.device))


@final
@dataclass(frozen=True)
class AtRandom(Gate):
    """At positions that are drawn, each by the row's seed and place alone: the control of a gate.

    Args:
        rate: The share of tokens, in [0, 1].
        seed: Of the draw.
    """

    kind: ClassVar[str] = "random"
    needs_tuned: ClassVar[bool] = False
    rate: float
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.rate <= 1:
            raise ModelError(f"the rate is {self.rate}; give a share of tokens, of 0 to 1")

    def fires(self, step: Step) -> torch.Tensor:
        """Whether the row is drawn here."""
        return step.uniform_B("gate", self.seed) < self.rate


@final
@dataclass(frozen=True)
class Budget(Part):
    """How often a gate may act on a reply.

    Args:
        share: Of its tokens so far, the next one included, rounded up; in [0, 1].
        most: In all; None = no limit.

    Example:
        >>> half = Budget(share=0.5)
        >>> half.allows(0, 0), half.allows(1, 1), half.allows(1, 2)
        (True, False, True)
    """

    share: float = 1.0
    most: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or (self.most is not None and self.most < 0):
            raise ModelError(f"{self}: share is of 0 to 1, most at least 0")

    def allows(self, n_acted: int, n_new: int) -> bool:
        """Whether one more of the tokens may be acted on, after `n_acted` of `n_new`."""
        # an excess under one token is what rounding up grants
        within = self.share == 1 or n_acted < self.share * (n_new + 1)
        return within and (self.most is None or n_acted < self.most)

    @classmethod
    def read(cls, value: object, folder: Path) -> Self:
        """The budget that a mapping of `share` and `most` describes."""
        if not isinstance(value, Mapping):
            raise ModelError(f"{value!r:.60} is no budget; write `share:` or `most:` under it")
        return built(cls, {str(k): v for k, v in value.items()}, folder / "budget")

    def fingerprint(self) -> object:
        """Its settings."""
        return asdict(self)

    def described(self, folder: Path) -> object:
        """Its settings."""
        return asdict(self)


def jensen_shannon(base_BV: torch.Tensor, tuned_BV: torch.Tensor) -> torch.Tensor:
    """The Jensen-Shannon divergence of the softmax of two logits, in nats, shape (...).

    Example:
        >>> sure = torch.tensor([[50.0, 0.0]])
        >>> [round(float(jensen_shannon(sure, other)), 3) for other in (sure, sure.flip(1))]
        [0.0, 0.693]
    """
    p, q = base_BV.softmax(-1), tuned_BV.softmax(-1)
    m = (p + q) / 2
    kl = [torch.xlogy(each, each) - torch.xlogy(each, m) for each in (p, q)]
    return (kl[0] + kl[1]).sum(-1).clamp(min=0) / 2
