"""A tiny random chat model, made anew for each file of tests that asks for it."""

import json
import shutil
from pathlib import Path
from typing import Any

TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TAGS = ["<think>", "</think>"]


def write_tiny(folder: Path) -> Path:
    """Write a two-layer Llama whose generation defaults would change every reply."""
    import torch
    import transformers

    tokenizer = tiny_tokenizer()
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.3,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=False,
    )
    with torch.random.fork_rng():
        torch.manual_seed(7)
        network = transformers.LlamaForCausalLM(config)
    network.generation_config = transformers.GenerationConfig(
        eos_token_id=[tokenizer.eos_token_id, *range(20, 32)],  # several, so that replies end early
        do_sample=True,
        temperature=0.3,
        top_k=2,
        repetition_penalty=9.0,
    )
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def copy_of(folder: Path, to: Path, **changes: dict[str, object]) -> Path:
    """A copy of a model's folder with fields of `<name>.json` files changed or (None) removed."""
    shutil.copytree(folder, to)
    for name, fields in changes.items():
        file = to / f"{name}.json"
        values = json.loads(file.read_text()) | fields
        file.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))
    return to


def tiny_tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=SPECIAL,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(["what is two and two, it is four"] * 4, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token="<|im_end|>", bos_token="<|im_start|>"
    )
    tokenizer.add_tokens(TAGS)
    tokenizer.chat_template = TEMPLATE
    return tokenizer
