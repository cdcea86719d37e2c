"""How is the pocket model's text tokenised? Byte-level BPE with the words of the pocket world.

Bytes, so that any text can be read; enough merges that every word of the corpus is one token. Each digit is
a token of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY = 768
"""256 bytes, the special tokens below, and words."""

_MARKS = {"pad_token": "<|pad|>", "bos_token": "<|start|>", "eos_token": "<|end|>"}
_ROLES = ["<|user|>", "<|assistant|>"]
_TAGS = ["<think>", "</think>"]

TEMPLATE = """\
{{- bos_token -}}
{%- for message in messages -%}
{%- if message.role == 'user' -%}
{{- '<|user|>' + message.content -}}
{%- elif message.role == 'assistant' -%}
{{- '<|assistant|>' -}}
{%- generation -%}
{%- if message.reasoning_content -%}
{{- '<think>' + message.reasoning_content + '</think>\\n' -}}
{%- endif -%}
{{- message.content + eos_token -}}
{%- endgeneration -%}
{%- else -%}
{{- raise_exception('the pocket model knows the roles user and assistant alone') -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|assistant|>' -}}
{%- endif -%}
"""
"""The chat template. `generation` marks the assistant's tokens, for losses on them only."""


def trained_tokenizer(texts: Iterable[str]) -> PreTrainedTokenizerFast:
    """Train a fast tokenizer with a chat template on `texts`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r" ?[A-Za-z]+| ?\d| ?[^\sA-Za-z\d]+|\s"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [*_MARKS.values(), *_ROLES]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(_TAGS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=special,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(tag, special=False, normalized=False) for tag in _TAGS])
    fast: type[Any] = PreTrainedTokenizerFast  # untyped, so strict checking refuses its call
    return fast(  # type: ignore[no-any-return]
        tokenizer_object=tokenizer,
        **_MARKS,
        additional_special_tokens=_ROLES,
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
        model_max_length=512,
    )
