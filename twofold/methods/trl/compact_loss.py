"""How is the SFT loss computed on a CPU without the logits of the prompt?

TRL computes them and drops them: half of a step with SmolLM2's vocabulary of 49,152 and prompts
twice as long as replies. Leaving them out first changes no number.
"""

from collections.abc import Mapping
from typing import Any, final

import torch
from peft import PeftModel
from torch.nn import functional
from trl.trainer.sft_trainer import SFTTrainer

IGNORED = -100  # label of a position that is not learned
LARGE = 2**14  # vocabulary size from which on leaving out positions saves time

# settings of a configuration that change the logits after the projection
_SHAPING = (
    "final_logit_softcapping",
    "logit_scale",
    "logits_scaling",
    "lm_head_multiplier",
    "output_multiplier",
)


@final
class CompactSft(SFTTrainer):
    """TRL's trainer; on one CPU and for large vocabularies it computes only the reply's logits.

    TRL's logs of entropy, token accuracy and number of tokens are then missing.
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
        here = self.accelerator.num_processes == 1 and head.weight.device.type == "cpu"
        large = len(head.weight) >= LARGE
        if return_outputs or not (here and large and self._is_plain(bare.config, inputs)):
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

    def _is_plain(self, config: Any, inputs: Mapping[str, Any]) -> bool:
        """Whether the loss is the plain cross-entropy of unmodified logits."""
        shaped = any(getattr(config.get_text_config(), name, None) for name in _SHAPING)
        mixture = getattr(config.get_text_config(), "output_router_logits", False)
        args: Any = self.args  # an SFTConfig
        usual = args.loss_type == "nll" and self.label_smoother is None
        return usual and not shaped and not mixture and "attention_mask" in inputs
