"""What does the base say if one latent is pushed? Its direction is added at a layer while it generates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, ClassVar, final

import torch

from twofold.diagnostics.elicitation.elicitor import Elicited, Elicitor, n_generated, prompt_ids
from twofold.diagnostics.elicitation.layers import hidden_states, hooked
from twofold.diagnostics.elicitation.sae.dictionary import Dictionary
from twofold.errors import ModelError
from twofold.randomness import rng_for
from twofold.stats import average
from twofold.types import Estimate, Message, OpenModel, Sampling

CHUNK = 16  # prompts that are decoded together, the same ones after any interruption


@final
@dataclass(frozen=True)
class FeatureSteering(Elicitor):
    """A model to whose hidden states a latent's direction is added: at one layer, at every real token.

    Replies are never cached: the cache knows weights and sampling, not what is added.

    Args:
        base: The model that is asked; its weights are needed.
        dictionary: The latents; their layer is the one that is steered.
        latent: Which direction.
        coefficient: How much of it, in units of the hidden states; negative takes it away. `dose` says
            how large that is.
        is_control: Whether a random direction of the same norm is added instead.

    Source:
        Galichin et al. 2025, arXiv 2503.18878, steer all tokens by one feature; neither it nor arXiv
        2506.09967 has the control of a random direction. Departs: the direction is added, nothing is
        clamped, and padding is left alone.
    """

    name: ClassVar[str] = "feature_steering"
    dictionary: Dictionary
    latent: int
    coefficient: float
    is_control: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.base, OpenModel):
            raise ModelError(f"steering changes hidden states: {self.base.closed}")
        self.dictionary.require(self.latent)

    def fingerprint(self) -> dict[str, object]:
        """As every elicitor's, with the dictionary's digest in place of its weights."""
        settings: dict[str, Any] = {
            "dictionary": self.dictionary.digest,
            "layer": self.dictionary.layer,
            "latent": self.latent,
            "coefficient": self.coefficient,
            "is_control": self.is_control,
        }
        return {"kind": self.name, "settings": settings, "base": self.base.fingerprint()}

    def control(self) -> FeatureSteering:
        """The same with a random direction of the same norm."""
        return replace(self, is_control=True)

    def shift(self) -> torch.Tensor:
        """What is added to a hidden state, shape (width,)."""
        direction = self.dictionary.direction(self.latent).detach().cpu().float()
        if self.is_control:
            rng = rng_for("steering", self.dictionary.digest, self.latent)
            noise = torch.from_numpy(rng.normal(size=len(direction))).float()
            direction = noise * (direction.norm() / noise.norm())
        return self.coefficient * direction

    def dose(self, prompts: Sequence[Sequence[Message]]) -> Estimate:
        """The norm of what is added, over the mean norm of a prompt's hidden states: the relative dose.

        Prompts are the clusters, so at least two are needed.
        """
        model = self._model
        rows = [prompt_ids(model, chat) for chat in prompts]
        size = float(self.shift().norm())
        found = []
        for at in range(0, len(rows), CHUNK):
            for hidden_TD in hidden_states(
                model.network, self.dictionary.layer, rows[at : at + CHUNK]
            ):
                found.append(size / float(hidden_TD.float().norm(dim=-1).mean()))
        return average(found)

    def elicited(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
    ) -> Iterator[Elicited]:
        """The steered replies; a chunk of which one is missing is decoded as a whole."""
        for start in range(0, len(prompts), CHUNK):
            chunk = range(start, min(start + CHUNK, len(prompts)))
            chats = [prompts[p] for p in chunk]
            for g in range(n):
                if all((p, g) in done for p in chunk):
                    continue
                with steered(self._model.network, self.dictionary.layer, self.shift()):
                    replies = dict(
                        self._model.continued(
                            chats, [[] for _ in chats], sampling, seed=_seed(seed, g)
                        )
                    )
                for i, p in enumerate(chunk):
                    if (p, g) not in done:
                        yield Elicited(p, g, replies[i], n_generated(replies[i]))

    @property
    def _model(self) -> OpenModel:
        assert isinstance(self.base, OpenModel)
        return self.base


def _seed(seed: int, sample: int) -> int:
    """A seed of its own for each sample, since a continuation's randomness knows none."""
    return int.from_bytes(sha256(f"steering {seed} {sample}".encode()).digest()[:4], "big")


@contextmanager
def steered(network: Any, layer: int, shift_D: torch.Tensor) -> Iterator[None]:
    """Within this context a vector is added at the layer's output to every token but padding.

    Args:
        network: A transformers network.
        layer: The layer, counted from 0.
        shift_D: What is added, shape (width,).

    Raises:
        ModelError: If the vector is of another width than the hidden states.
    """
    masks: list[torch.Tensor | None] = [None]

    def remember(_: torch.nn.Module, __: Any, given: dict[str, Any]) -> None:
        mask = given.get("attention_mask")
        if mask is not None and not (isinstance(mask, torch.Tensor) and mask.ndim == 2):
            raise ModelError(
                "the attention mask says nothing about padding (it is not a matrix of rows and tokens); "
                "steer a network with plain causal attention"
            )
        masks[0] = mask

    def added(hidden_RTD: torch.Tensor) -> torch.Tensor:
        if hidden_RTD.shape[-1] != len(shift_D):
            raise ModelError(
                f"a direction of width {len(shift_D)} for hidden states of width "
                f"{hidden_RTD.shape[-1]}; take a dictionary that was trained on this model"
            )
        shift = shift_D.to(hidden_RTD.device, hidden_RTD.dtype)
        if masks[0] is None:
            return hidden_RTD + shift
        # with a cache the layer sees the last tokens of the mask alone
        real_RT1 = masks[0][:, -hidden_RTD.shape[1] :, None].to(hidden_RTD.dtype)
        return hidden_RTD + real_RT1 * shift

    trunk = getattr(network, "base_model", network)
    handle = trunk.register_forward_pre_hook(remember, with_kwargs=True)
    try:
        with hooked(network, layer, added):
            yield
    finally:
        handle.remove()
