"""How is the loss of a demonstration found on a CPU without scoring its prompt?

TRL scores every position against the whole vocabulary where it has no Triton kernel, and then drops
those of the prompt. With SmolLM2's 49,152 words and prompts twice as long as replies that is half of
a training step. Here the prompt's positions are left out first, which changes no number.
"""

from __future__ import annotations

from typing import Any, final

import torch
from peft import PeftModel
from torch.nn import functional
from trl.trainer.sft_trainer import SFTTrainer

IGNORED = -100
"""The label of a position that is not learned."""

LARGE = 2**14
"""Words of a vocabulary from which on the projection is worth the trouble."""


@final
class CompactSft(SFTTrainer):
    """TRL's trainer, which on one CPU and for large vocabularies scores the reply's positions alone.

    Entropy and token accuracy, which TRL logs beside the loss, are then not there.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """The mean next-token loss over the reply; see `transformers.Trainer.compute_loss`."""
        bare: Any = self.accelerator.unwrap_model(model)
        if isinstance(bare, PeftModel):
            bare = bare.get_base_model()
        head = bare.get_output_embeddings()
        alone = self.accelerator.num_processes == 1 and head.weight.device.type == "cpu"
        if return_outputs or not alone or len(head.weight) < LARGE:
            trl: Any = super()
            return trl.compute_loss(model, inputs, return_outputs, num_items_in_batch)
        labels = inputs["labels"][:, 1:]
        learned = labels != IGNORED
        with self.accelerator.autocast():
            hidden = bare.base_model(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                use_cache=False,
            ).last_hidden_state
            logits = head(hidden[:, :-1][learned])
        total = functional.cross_entropy(logits.float(), labels[learned], reduction="sum")
        n_learned = learned.sum() if num_items_in_batch is None else num_items_in_batch
        return total / torch.as_tensor(n_learned).clamp(min=1)
