"""What is trained: how do a base's files become a tokenizer and a network that TRL can train?

Each is loaded when first needed, the network last: what is wrong with a tokenizer is told before
any weights are read.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import cached_property
from typing import Any, final

import torch
import transformers
from peft import LoraConfig, PeftModel

from twofold.errors import ModelError
from twofold.models import loading
from twofold.models.cache import Cache, cache_folder
from twofold.models.chat_template import render, template_of, with_fixed_day
from twofold.models.checkpoint import locate
from twofold.models.quiet import quiet
from twofold.models.thinking import ThinkingPolicy, detect
from twofold.types import Message

_HELLO: list[Message] = [{"role": "user", "content": "Hello"}]


@final
class TrainableModel:
    """A base on its way to being trained.

    Args:
        spec: What it is; see `twofold.models.resolve`.
        lora: Rank of its LoRA adapters; None tunes every weight.
        bias_only: Tune the bias terms alone.

    Raises:
        ModelError: If the files cannot be found, or are an adapter and `lora` asks for another.
    """

    def __init__(self, spec: str, *, lora: int | None, bias_only: bool = False) -> None:
        self._base = spec
        self._lora = lora
        self._bias_only = bias_only
        self._checkpoint = locate(spec)
        if self._checkpoint.adapter and lora:
            raise ModelError(
                f"{spec} is an adapter already, and an adapter on an adapter cannot be saved; leave "
                "out lora, or merge it into its base first"
            )

    def hashes(self) -> dict[str, object]:
        """What the files hold: see `TrainedModel.hashes` of `twofold.models`."""
        return self._checkpoint.hashes(Cache(cache_folder()))

    @cached_property
    def tokenizer(self) -> Any:
        """The base's tokenizer.

        Raises:
            ModelError: If it has no chat template, no end token, or thinking tags that TRL's
                decoding would drop from what a reward reads.
        """
        tokenizer: Any = loading.load_tokenizer(self._checkpoint)
        if tokenizer.eos_token is None:
            raise ModelError(
                f"the tokenizer of {self._base} has no eos_token, so a reply would never end; name "
                "the token that ends a turn in tokenizer_config.json"
            )
        policy = detect(template_of(tokenizer), render(tokenizer, _HELLO))
        dropped = {policy.open_tag, policy.close_tag} & set(tokenizer.all_special_tokens)
        if dropped:
            raise ModelError(
                f"the tokenizer of {self._base} marks {', '.join(sorted(dropped))} as special, and "
                "TRL drops special tokens before a reward reads a reply; set `special` to false for "
                "it in tokenizer.json and tokenizer_config.json"
            )
        return tokenizer

    @cached_property
    def policy(self) -> ThinkingPolicy:
        """How the base marks its thought, found as an audit finds it."""
        return detect(template_of(self.tokenizer), render(self.tokenizer, _HELLO))

    @property
    def template(self) -> str:
        """The chat template as an audit renders it, with its one fixed day."""
        return with_fixed_day(template_of(self.tokenizer))

    @cached_property
    def network(self) -> Any:
        """The base's weights: float32 where all are tuned, else the device's own format."""
        place = torch.device("cpu")  # the trainer moves, shards or offloads it
        dtype = torch.float32
        if self._lora is not None:
            dtype = loading.dtype_for(loading.device(), self._checkpoint)
        bare = replace(self._checkpoint, adapter=None)
        network = loading.load_network(bare, place=place, dtype=dtype)
        if self._checkpoint.adapter:
            with quiet():
                adapted: Any = PeftModel.from_pretrained(network, str(self._checkpoint.adapter))
                network = adapted.merge_and_unload().requires_grad_(True)  # PEFT had frozen it
        if self._bias_only:
            self._free_biases(network)
        network.generation_config = transformers.GenerationConfig(  # type: ignore[no-untyped-call]
            eos_token_id=self._ends(), bos_token_id=self.tokenizer.bos_token_id
        )
        return network

    def _free_biases(self, network: Any) -> None:
        """Hold every weight but the bias terms.

        Raises:
            ModelError: If there are none.
        """
        names = [name for name, _ in network.named_parameters() if name.endswith("bias")]
        if not names:
            raise ModelError(
                f"{self._base} has no bias terms (models of Llama's kind have none), so bias_only has "
                "nothing to tune; use lora with a small rank instead"
            )
        for name, weight in network.named_parameters():
            weight.requires_grad_(name in names)

    def _ends(self) -> list[int]:
        """Every token id that ends a reply, as in an audit: the checkpoint's and the tokenizer's."""
        named = self._checkpoint.generation_defaults().get("eos_token_id")
        ids = named if isinstance(named, list) else [named]
        return sorted({i for i in [*ids, self.tokenizer.eos_token_id] if i is not None})

    @property
    def adapter(self) -> LoraConfig | None:
        """LoRA on every linear layer; None if all weights are tuned."""
        rank = self._lora
        if rank is None:
            return None
        return LoraConfig(
            r=rank, lora_alpha=2 * rank, target_modules="all-linear", task_type="CAUSAL_LM"
        )

    def reference(self) -> Any:
        """The base as it was; None for LoRA, where leaving the adapter out gives it."""
        return None if self._lora is not None else copy.deepcopy(self.network)

    def ids(self, text: str) -> list[int]:
        """The tokens of a text, and none besides."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False).input_ids
        return ids
