"""How is the projection trained? By the loss of the frozen base on given replies, which reaches the slots."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, final

import torch
from torch.nn import functional
from transformers import Trainer

from twofold.methods.softcot.projection import FILE, Projection
from twofold.methods.softcot.saved import write
from twofold.models.decode import left_padded
from twofold.models.soft_tokens import soft_tokens

IGNORED = -100  # label of a position that is not learned
_SHARPNESS = 20.0  # of the cosine between two thoughts, as in SoftCoT++
_DROPPED = 0.5  # of a thought's numbers, in the view that it must be recognised by


class Frozen(NamedTuple):
    """What the projection is trained with: the base's network, states, names and digests of both."""

    network: Any
    states_PKSD: torch.Tensor
    models: Mapping[str, str]
    digests: Mapping[str, str]


@final
class SoftCotTrainer(Trainer):
    """Trains a `Projection`; the base's weights are in no optimiser and need no gradient.

    A row has `prompt` (ids with the slots as `vocabulary + slot`), `completion` (ids) and `at`, its
    place among the states. Where there are several thoughts, the loss is the mean over them.
    """

    def __init__(
        self, *, frozen: Frozen, contrast: float, untrained: Projection, **more: Any
    ) -> None:
        del more["peft_config"]  # for TRL's trainers; there is nothing to adapt
        super().__init__(data_collator=_rows, **more)
        self.model_accepts_loss_kwargs = False  # the mean is taken over a micro-batch
        self._frozen = frozen
        self._contrast = contrast
        self._untrained = untrained
        frozen.network.requires_grad_(False)
        frozen.network.to(self.args.device)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The mean next-token loss over the replies, with the contrast of the thoughts."""
        rows: Sequence[Mapping[str, Any]] = inputs["rows"]
        at = torch.tensor([row["at"] for row in rows])
        states_RKSD = self._frozen.states_PKSD[at].to(self.args.device)
        thoughts_RKSD = model(states_RKSD)
        loss = torch.stack(
            [self._likelihood(rows, thoughts_RKSD[:, k]) for k in range(thoughts_RKSD.shape[1])]
        ).mean()
        if self._contrast and thoughts_RKSD.shape[1] > 1:
            loss = loss + self._contrast * contrast(thoughts_RKSD.mean(2))
        return (loss, {}) if return_outputs else loss

    def _likelihood(
        self, rows: Sequence[Mapping[str, Any]], thoughts_RSD: torch.Tensor
    ) -> torch.Tensor:
        """The mean loss of the replies' tokens, each row with its thought."""
        network = self._frozen.network
        n_known = network.get_input_embeddings().weight.shape[0]
        n_slots = thoughts_RSD.shape[1]
        # every row of the batch has slots of its own
        prompts = [
            [i if i < n_known else i + r * n_slots for i in row["prompt"]]
            for r, row in enumerate(rows)
        ]
        said = [list(row["completion"]) for row in rows]
        ids_RT, mask_RT = left_padded(
            [(*a, *b) for a, b in zip(prompts, said, strict=True)], thoughts_RSD.device
        )
        longest = max(map(len, said))
        learned = [[IGNORED] * (longest - len(row)) + row for row in said]
        labels_RC = torch.tensor(learned, device=ids_RT.device)
        more: dict[str, Any] = {}
        if "position_ids" in inspect.signature(network.forward).parameters:
            more["position_ids"] = (mask_RT.cumsum(-1) - 1).clamp(min=0)
        with soft_tokens(network, thoughts_RSD.flatten(0, 1)):
            logits = network(
                input_ids=ids_RT,
                attention_mask=mask_RT,
                use_cache=False,
                logits_to_keep=longest + 1,
                **more,
            ).logits
        return functional.cross_entropy(
            logits[:, :-1].float().flatten(0, 1), labels_RC.flatten(), ignore_index=IGNORED
        )

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Write the projection, and the files that make the folder a model."""
        write(
            Path(output_dir or str(self.args.output_dir)),
            models=self._frozen.models,
            digests=self._frozen.digests,
            trained=self._projection,
            untrained=self._untrained,
        )

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        """Take the projection of a checkpoint."""
        saved = Projection.load(Path(resume_from_checkpoint) / FILE)
        self._projection.load_state_dict(saved.state_dict())

    @property
    def _projection(self) -> Projection:
        found = self.accelerator.unwrap_model(self.model)
        assert isinstance(found, Projection)
        return found


def _rows(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A batch as it is: rows of different length are padded where they are read."""
    return {"rows": list(rows)}


def contrast(thoughts_RKD: torch.Tensor) -> torch.Tensor:
    """How badly each thought is told from the others of its prompt (InfoNCE, nats), by a view of itself.

    Args:
        thoughts_RKD: One vector a thought, shape (prompts, thoughts, width).

    Example:
        >>> same = torch.ones(1, 4, 8)
        >>> round(float(contrast(same)), 1) >= 1.3  # log 4: chance
        True
    """
    views = functional.dropout(thoughts_RKD, _DROPPED)
    cosine = functional.cosine_similarity(thoughts_RKD[:, :, None], views[:, None], dim=-1)
    n_rows, n_thoughts = thoughts_RKD.shape[:2]
    own = torch.arange(n_thoughts, device=cosine.device).repeat(n_rows)
    return functional.cross_entropy(_SHARPNESS * cosine.flatten(0, 1), own)
