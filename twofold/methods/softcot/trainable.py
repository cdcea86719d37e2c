"""What is loaded for a run of SoftCoT? Two frozen models, and the projection between them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, final

import datasets
import torch
from peft import PeftConfig

from twofold.errors import ModelError
from twofold.methods.softcot.method import SoftCotMethod
from twofold.methods.softcot.model import digest, local
from twofold.methods.softcot.projection import Projection
from twofold.methods.softcot.prompts import known_ids, with_slots
from twofold.methods.softcot.states import states
from twofold.methods.softcot.trainer import Frozen, SoftCotTrainer
from twofold.methods.trl.trainable import Trainable
from twofold.models import resolve
from twofold.models.hf import HfModel
from twofold.storage.jsonl import Row
from twofold.types import Message


@final
class SoftTrainable(Trainable):
    """The projection between an assistant and a base, as a trainer needs it.

    Raises:
        ModelError: If one of them has no local weights.
    """

    def __init__(
        self, base: str, assistant: str, *, n_slots: int, n_thoughts: int, seed: int
    ) -> None:
        self._base, self._assistant = (
            local(resolve(base), "base"),
            local(resolve(assistant), "assistant"),
        )
        self._n_slots, self._n_thoughts, self._seed = n_slots, n_thoughts, seed
        self._states: torch.Tensor | None = None

    def hashes(self) -> dict[str, object]:
        """Those of both models' files."""
        parts = {"base": self._base, "assistant": self._assistant}
        return {
            f"{part}_{key}": value
            for part, model in parts.items()
            for key, value in model.file_hashes().items()
        }

    @property
    def source(self) -> str:
        """Nothing: the folder names its models in `model.yaml`."""
        return ""

    @property
    def tokenizer(self) -> Any:
        """The base's tokenizer; a `ModelError` if it lacks an end token, which a reply has to learn."""
        tokenizer = self._base.tokenizer
        if tokenizer.eos_token is None:
            raise ModelError(
                f"the tokenizer of {self._base.spec} has no eos_token; set it in tokenizer_config.json"
            )
        return tokenizer

    @property
    def network(self) -> Projection:
        """The projection that is trained; it begins as `untrained`."""
        return self._projection()

    @property
    def adapter(self) -> PeftConfig | None:
        """None: the projection is trained itself."""
        return None

    def trainer(
        self, method: SoftCotMethod, rows: Sequence[Row]
    ) -> tuple[Callable[..., SoftCotTrainer], datasets.Dataset]:
        """The kind of trainer, and the rows as token ids; the assistant reads each prompt once."""
        prompts: dict[str, int] = {}
        chats: list[Sequence[Message]] = []
        data: list[Row] = []
        n_known, end = self._base.n_embedded, self.tokenizer.eos_token_id
        slots = range(n_known, n_known + self._n_slots)
        for row in rows:
            text = self._base.render(row["prompt"])
            if text not in prompts:
                prompts[text] = len(chats)
                chats.append(row["prompt"])
            ids = with_slots(self._base, row["prompt"], slots)
            completion = [*known_ids(self._base, row["completion"]), end]
            _require_room(self._base, len(ids) + len(completion))
            data.append({"prompt": ids, "completion": completion, "at": prompts[text]})
        self._states = states(
            self._assistant, chats, n_slots=self._n_slots, n_thoughts=self._n_thoughts
        )
        parts = {"base": self._base, "assistant": self._assistant}
        frozen = Frozen(
            self._base.network,
            self._states,
            {part: model.spec for part, model in parts.items()},
            {part: digest(model) for part, model in parts.items()},
        )
        kind = partial(
            SoftCotTrainer, frozen=frozen, contrast=method.contrast, untrained=self._projection()
        )
        return kind, datasets.Dataset.from_list(data)

    def _projection(self) -> Projection:
        """A fresh projection, whose first vectors are as large as the base's embeddings."""
        assert self._states is not None, "the rows come first"
        embedding = self._base.network.get_input_embeddings().weight.detach()
        size = float(self._states.square().mean().sqrt())
        return Projection(
            self._states.shape[-1],
            embedding.shape[1],
            n_slots=self._n_slots,
            n_thoughts=self._n_thoughts,
            scale=float(embedding.float().square().mean().sqrt()) / max(size, 1e-6),
            seed=self._seed,
        )


def _require_room(base: HfModel, n_tokens: int) -> None:
    """Refuse what the base could not read as a whole."""
    if base.window is not None and n_tokens > base.window:
        raise ModelError(
            f"a prompt has {n_tokens} tokens with its slots and its reply, and the context of {base.spec} "
            f"has {base.window}; take shorter problems or demonstrations, or fewer slots"
        )
