"""How is padding avoided in a GRPO update? By micro-batches of replies of similar length.

With replies of 30 to 128 tokens 40 % of TRL's input is padding. Sorting does not change the gradient
of a step, which is a sum over its replies, for models with relative positions.
"""

from collections.abc import Sequence
from typing import Any, final

import torch
from trl.trainer.grpo_trainer import GRPOTrainer

# Losses divided by the tokens of a micro-batch, where its composition would matter.
_PER_MICRO_BATCH = ("bnpo",)


@final
class LikeLengths(GRPOTrainer):
    """TRL's trainer with replies sorted by length and no padding between prompt and reply.

    With 512 replies in 8 micro-batches of `accumulation`, 7 % of the input is padding.
    """

    def _prepare_inputs(self, generation_batch: Any) -> Any:
        """The next micro-batch; newly made ones are sorted first."""
        before = self._buffered_inputs
        inputs = super()._prepare_inputs(generation_batch)
        made = self._buffered_inputs
        if made is None or made is before or not self._is_one_sum():
            return inputs
        self._buffered_inputs = by_length(made)
        return self._buffered_inputs[self._step % self.args.steps_per_generation]

    def _is_one_sum(self) -> bool:
        """Whether a step is one sum over its replies, whatever their micro-batch."""
        args: Any = self.args
        return (
            args.steps_per_generation == args.gradient_accumulation_steps
            and args.loss_type not in _PER_MICRO_BATCH
            and args.top_entropy_quantile == 1.0
        )

    def _get_per_token_logps_and_entropies(
        self,
        model: Any,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        logits_to_keep: int,
        *args: Any,
        **kwargs: Any,
    ) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
        """TRL's result, computed on rows without left padding, cut to the longest."""
        n_prompt = attention_mask[:, :-logits_to_keep].sum(1)
        n_reply = attention_mask[:, -logits_to_keep:].sum(1)
        first = input_ids.size(1) - logits_to_keep - n_prompt  # the padding before a prompt
        width = int((n_prompt + n_reply).max())
        columns = torch.arange(width, device=input_ids.device) + first[:, None]
        inside = columns < input_ids.size(1)
        columns = columns.clamp(max=input_ids.size(1) - 1)
        kept = max(1, width - int(n_prompt.min()))
        logps, entropies, aux_loss = super()._get_per_token_logps_and_entropies(
            model,
            input_ids.gather(1, columns),
            attention_mask.gather(1, columns) * inside,
            kept,
            *args,
            **kwargs,
        )
        offsets = n_prompt - n_prompt.min()
        back = torch.arange(logits_to_keep, device=input_ids.device) + offsets[:, None]
        in_reply = (back < kept) & (attention_mask[:, -logits_to_keep:] > 0)
        back = back.clamp(max=kept - 1)

        def put_back(found: torch.Tensor) -> torch.Tensor:
            return found.gather(1, back) * in_reply

        return put_back(logps), None if entropies is None else put_back(entropies), aux_loss


def by_length(pieces: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of all micro-batches, longest first; values without rows stay as they are."""
    lengths = torch.cat([p["prompt_mask"].sum(1) + p["completion_mask"].sum(1) for p in pieces])
    order = torch.sort(lengths, descending=True, stable=True).indices
    size = len(pieces[0]["prompt_mask"])
    sorted_pieces = [dict(piece) for piece in pieces]
    for key, value in pieces[0].items():
        rows: Any
        if isinstance(value, torch.Tensor) and value.ndim:
            rows = torch.cat([piece[key] for piece in pieces])[order]
        elif isinstance(value, list):
            listed = [row for piece in pieces for row in piece[key]]
            rows = [listed[i] for i in order.tolist()]
        else:
            continue
        for number, piece in enumerate(sorted_pieces):
            piece[key] = rows[number * size : (number + 1) * size]
    return sorted_pieces
