"""How do a base's files become a tokenizer and a network that TRL can train?

Both are loaded lazily, the network last, so that a bad tokenizer is reported before weights are read.
"""

import copy
from dataclasses import replace
from functools import cached_property
from typing import Any, final

import torch
import transformers
from peft import LoraConfig, PeftConfig

from twofold.errors import ModelError
from twofold.methods.trl.trainable import Trainable
from twofold.models import adapters, loading
from twofold.models.cache import Cache, cache_folder
from twofold.models.chat_template import end_of_turn, thinking_of
from twofold.models.checkpoint import locate
from twofold.models.quiet import quiet
from twofold.models.thinking.marks import is_harmony


@final
class TrainableModel(Trainable):
    """A base model to be trained, with LoRA of rank `lora`, a `layer_bias`, or only its biases if asked.

    Raises:
        ModelError: If the files are not found, or they are an adapter and another one is asked for.
    """

    def __init__(
        self, spec: str, *, lora: int | None, bias_only: bool = False, layer_bias: bool = False
    ) -> None:
        self._base = spec
        self._lora = lora
        self._bias_only = bias_only
        self._layer_bias = layer_bias
        self._checkpoint = locate(spec)
        if self._checkpoint.adapter and self._is_adapted:
            raise ModelError(
                f"{spec} is an adapter already; leave out lora and layer_bias, or merge the adapter into "
                "its base first"
            )

    @property
    def _is_adapted(self) -> bool:
        """Whether an adapter is trained, on a base that stays as it is."""
        return self._lora is not None or self._layer_bias

    def hashes(self) -> dict[str, object]:
        """SHA-256 of the files; see `Checkpoint.hashes`."""
        return self._checkpoint.hashes(Cache(cache_folder()))

    def base_weights(self) -> list[str]:
        """Those of an adapter's base; see `Trainable.base_weights`."""
        return self._checkpoint.base_weights(Cache(cache_folder())) if self._is_adapted else []

    @property
    def source(self) -> str:
        """What an adapter names as its base, if not the base's folder; see `Checkpoint.source`."""
        return self._checkpoint.source

    @cached_property
    def tokenizer(self) -> Any:
        """The base's tokenizer.

        Raises:
            ModelError: If it lacks a chat template or end token, or its thinking marks are special and
                cannot be told without.
        """
        tokenizer: Any = loading.load_tokenizer(self._checkpoint)
        if tokenizer.eos_token is None:
            raise ModelError(
                f"the tokenizer of {self._base} has no eos_token; set it in tokenizer_config.json"
            )
        policy = thinking_of(tokenizer)
        special = tokenizer.all_special_tokens
        dropped = {t for t in special if t in policy.open_tag or t in policy.close_tag}
        if dropped and not is_harmony(policy):  # whose names of channels are left
            raise ModelError(
                f"the tokenizer of {self._base} marks {', '.join(sorted(dropped))} as special, and "
                "TRL removes special tokens before a reward reads a reply; set `special` to false "
                "for it in tokenizer.json and tokenizer_config.json"
            )
        return tokenizer

    @cached_property
    def network(self) -> Any:
        """The base's weights: float32 if all are tuned, else the device's dtype."""
        place = torch.device("cpu")  # the trainer moves it
        dtype = torch.float32
        if self._is_adapted:
            dtype = loading.dtype_for(loading.device(), self._checkpoint)
        bare = replace(self._checkpoint, adapter=None)
        network = loading.load_network(bare, place=place, dtype=dtype)
        if self._checkpoint.adapter:
            adapters.require_mergeable(self._checkpoint)
            adapted = adapters.adapted(network, self._checkpoint)
            with quiet():
                network = adapted.merge_and_unload().requires_grad_(True)  # PEFT had frozen it
            loading.require_finite(network, self._checkpoint)
            loading.put_rows_together(network)  # the adapter may have brought another head
        if self._bias_only:
            self._freeze_all_but_biases(network)
        ends = self._checkpoint.end_ids(self.tokenizer)
        turn_end = end_of_turn(self.tokenizer, ends)
        network.generation_config = transformers.GenerationConfig(  # type: ignore[no-untyped-call]
            eos_token_id=[*ends, *([] if turn_end is None else [turn_end])],
            bos_token_id=self.tokenizer.bos_token_id,
        )
        return network

    def ids(self, text: str) -> list[int]:
        """The token ids of a text, each with an embedding; see `Trainable.ids`.

        Raises:
            ModelError: If the tokenizer has a token that the network has no embedding for.
        """
        found = super().ids(text)
        n_known = int(self.network.get_input_embeddings().weight.shape[0])
        if unknown := [each for each in found if each >= n_known]:
            raise ModelError(
                f"the tokenizer of {self._base} has the token {unknown[0]} "
                f"({self.tokenizer.convert_ids_to_tokens(unknown[0])!r}), and its network has embeddings for "
                f"{n_known}; take the tokenizer that belongs to these weights, or resize the embeddings "
                "(transformers: resize_token_embeddings) and save the model again"
            )
        return found

    def _freeze_all_but_biases(self, network: Any) -> None:
        """Freeze all weights but the bias terms; a `ModelError` if there are none."""
        names = [name for name, _ in network.named_parameters() if name.endswith("bias")]
        if not names:
            raise ModelError(
                f"{self._base} has no bias terms for bias_only; use lora with a small rank instead"
            )
        for name, weight in network.named_parameters():
            weight.requires_grad_(name in names)

    @property
    def adapter(self) -> PeftConfig | None:
        """LoRA on all linear layers, or a vector for each decoder layer; None if neither is used."""
        if self._layer_bias:
            return adapters.layer_bias(self.network, self._base)
        if self._lora is None:
            return None
        return LoraConfig(
            r=self._lora,
            lora_alpha=2 * self._lora,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        )

    def reference(self) -> Any:
        """A copy of the untrained base; None for an adapter, which can be switched off."""
        return None if self._is_adapted else copy.deepcopy(self.network)
