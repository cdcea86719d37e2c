"""How does a frozen model answer with the vectors that another one's states were projected to?"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import ClassVar, Literal, final

import torch

from twofold.errors import ModelError
from twofold.methods.softcot.projection import Projection
from twofold.methods.softcot.prompts import with_slots
from twofold.methods.softcot.states import Thoughts
from twofold.models.answers import failed
from twofold.models.cache import content_key
from twofold.models.hf import HfModel, Work
from twofold.models.work_share import missing_pairs
from twofold.types import Message, Model, Response, Sampling, Share

# What stands in the slots; all but `trained` are controls.
Filling = Literal["trained", "zero", "random"]


@final
@dataclass(frozen=True)
class SoftCot(Model):
    """A frozen base whose prompts end with vectors, projected from a frozen assistant's hidden states.

    Args:
        base: Who answers; it needs local weights.
        assistant: Whose hidden states are projected; it needs local weights, not the base's tokenizer.
        projection: The trained map. A projection for no slots leaves the base as it is.
        filling: What stands in the slots: the `trained` projection's vectors; `zero` vectors; `random`
            ones, each as long as the trained one in its place.
        seed: Of random vectors, which also depend on the prompt.
        trained_with: Digests of the files of `base` and `assistant` at the training, see `digest`; empty
            = not known.

    Sample `g` of a prompt uses thought `g` modulo the number of thoughts.

    Raises:
        ModelError: If a model has no local weights or is another one than at the training, or the
            projection has other widths than they.

    Source:
        Xu et al. 2025, https://arxiv.org/abs/2502.12134, section 3; several thoughts:
        https://arxiv.org/abs/2505.11484. Departs: the slots are vectors without a token of their own, and
        the assistant's states are read in batches, once for each prompt.
    """

    name: ClassVar[str] = "softcot"

    base: Model
    assistant: Model
    projection: Projection
    filling: Filling = "trained"
    seed: int = 0
    trained_with: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for part, model in {"base": self.base, "assistant": self.assistant}.items():
            now = digest(local(model, part))
            if self.trained_with.get(part, now) != now:
                raise ModelError(
                    f"the {part} {model.spec} has other files than when the projection was trained; put "
                    "those back, or train again with another --out"
                )

    @property
    def spec(self) -> str:
        """Base and assistant; `resolve` loads the folder or the YAML file that names them."""
        return f"softcot({self.base.spec}, {self.assistant.spec})"

    def fingerprint(self) -> dict[str, object]:
        """The fingerprints of both models, the hash of the projection, and what fills the slots."""
        return {
            "kind": self.name,
            "base": self.base.fingerprint(),
            "assistant": self.assistant.fingerprint(),
            "projection": self.projection.fingerprint(),
            "filling": self.filling,
            **({"seed": self.seed} if self.filling == "random" else {}),
        }

    def stream(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
        share: Share = Share(),
    ) -> Iterator[tuple[int, int, Response]]:
        """Answer in batches; see `Model.stream`. Without slots the replies are the base's own.

        A prompt that the assistant has no room for has failed, as one that the base has no room for.
        """
        if not missing_pairs(len(prompts), n, done=done, share=share):
            return
        base = self._base
        n_slots = self.projection.n_slots
        n_thoughts = self.projection.n_thoughts if n_slots else 1
        slots_RSE, thoughts = self._empty(len(prompts)), self._thoughts(prompts)
        too_long = thoughts.too_long if thoughts else {}
        texts, ids = [], []
        for p, chat in enumerate(prompts):
            for k in range(n_thoughts):
                first = base.n_embedded + (p * n_thoughts + k) * n_slots
                texts.append(base.render(chat) + (f"\nthought {k}" if k else ""))
                ids.append(with_slots(base, chat, range(first, first + n_slots)))
        vectors = slots_RSE.flatten(0, 1) if n_slots else None  # a view: filled batch by batch
        work = Work(texts, ids, sampling, seed, vectors)
        n_each = -(-n // n_thoughts)
        for batch in base.batches(work, n=n_each)[share.rank :: share.world]:
            wanted = {
                (row, g): key
                for row, g in batch
                if (key := (row // n_thoughts, g * n_thoughts + row % n_thoughts))[1] < n
            }
            if not {*wanted.values()} <= done:
                answered = {at: key for at, key in wanted.items() if key[0] not in too_long}
                for rows, made in self._vectors(prompts, thoughts, {row for row, _ in answered}):
                    slots_RSE[rows] = made.to(slots_RSE)
                found = base.generated([*answered], work) if answered else {}
                for at, key in wanted.items():
                    if key not in done:
                        yield *key, found[at] if at in found else failed(too_long[key[0]])

    @property
    def _base(self) -> HfModel:
        return local(self.base, "base")

    @property
    def _assistant(self) -> HfModel:
        return local(self.assistant, "assistant")

    def _empty(self, n_prompts: int) -> torch.Tensor:
        """Zeros for the slots of all prompts and thoughts, shape (rows, slots, width)."""
        n_rows, n_slots = n_prompts * self.projection.n_thoughts, self.projection.n_slots
        device = self._base.network.device
        return torch.zeros(n_rows, n_slots, self.projection.embedding, device=device)

    def _thoughts(self, prompts: Sequence[Sequence[Message]]) -> Thoughts | None:
        """What the assistant thinks, which is not read yet; None where it fills no slot."""
        if not self.projection.n_slots:
            return None
        self._require_widths()
        if self.filling == "zero":
            return None
        n_slots, n_thoughts = self.projection.n_slots, self.projection.n_thoughts
        return Thoughts(self._assistant, prompts, n_slots=n_slots, n_thoughts=n_thoughts)

    def _vectors(
        self,
        prompts: Sequence[Sequence[Message]],
        thoughts: Thoughts | None,
        wanted: AbstractSet[int],
    ) -> Iterator[tuple[list[int], torch.Tensor]]:
        """Rows with a vector for each slot: the wanted ones, if no call has given them, and others."""
        if thoughts is None:
            return
        n_thoughts = self.projection.n_thoughts
        for rows, read in thoughts.read(wanted):
            with torch.inference_mode():
                made: torch.Tensor = self.projection.cpu()(read)
            if self.filling == "random":
                shape = n_thoughts, *made.shape[1:]
                drawn = torch.stack(
                    [
                        self._drawn(prompts[row // n_thoughts], shape)[row % n_thoughts]
                        for row in rows
                    ]
                )
                made = drawn * made.norm(dim=-1, keepdim=True) / drawn.norm(dim=-1, keepdim=True)
            yield rows, made

    def _drawn(self, chat: Sequence[Message], shape: Sequence[int]) -> torch.Tensor:
        """Normal numbers that depend on the seed and the prompt alone."""
        text = self._base.render(chat)
        digest = sha256(f"{self.seed}\n{text}".encode()).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest[:6]))
        return torch.randn(*shape, generator=generator)

    def _require_widths(self) -> None:
        found, wanted = self._widths, (self.projection.width, self.projection.embedding)
        if found != wanted:
            raise ModelError(
                f"the projection maps {wanted[0]} numbers to {wanted[1]}, but {self.assistant.spec} has "
                f"states of {found[0]} and {self.base.spec} embeddings of {found[1]}; name the two "
                "models that it was trained for"
            )

    @cached_property
    def _widths(self) -> tuple[int, int]:
        return (
            self._assistant.network.config.get_text_config().hidden_size,
            self._base.network.get_input_embeddings().weight.shape[1],
        )


def digest(model: HfModel) -> str:
    """A hash of all files of a model."""
    return content_key(model.file_hashes())


def local(model: Model, part: str) -> HfModel:
    """A model with local weights, as the base or the assistant has to be.

    Raises:
        ModelError: If it has none.
    """
    if isinstance(model, HfModel):
        return model
    raise ModelError(
        f"softcot needs the local weights of its {part} (a folder, a GGUF file or a hub id): {model.closed}"
    )
