"""How do files become a network and a tokenizer, quietly and without running foreign code?"""

from __future__ import annotations

import os
from typing import Any

import torch
from peft import PeftModel
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedTokenizerBase,
)

from twofold.errors import ModelError
from twofold.models.checkpoint import Checkpoint
from twofold.models.quiet import quiet

_SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}


def device() -> torch.device:
    """This process' GPU if there is one (`LOCAL_RANK`, as `accelerate launch` sets it), else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    rank = int(os.environ.get("LOCAL_RANK", "0"))
    return torch.device("cuda", rank % torch.cuda.device_count())


def dtype_for(place: torch.device, checkpoint: Checkpoint) -> torch.dtype:
    """bfloat16 on a GPU that has it, float16 on an older one, float32 on a CPU.

    A CPU that multiplies bfloat16 itself takes a checkpoint that was saved so as it is: nothing is
    lost that the file still had, and SmolLM2 reads a prompt 3.5 times as fast. The fingerprint says
    which it was.
    """
    if place.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    saved_so = checkpoint.number_format == "bfloat16"
    return torch.bfloat16 if saved_so and multiplies_bfloat16() else torch.float32


def multiplies_bfloat16() -> bool:
    """Whether this CPU has instructions for products of bfloat16; without, it is slower than float32."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def load_tokenizer(checkpoint: Checkpoint) -> PreTrainedTokenizerBase:
    """The tokenizer with its chat template.

    Raises:
        ModelError: If it cannot be read, or has no chat template.
    """
    folder = checkpoint.tokenizer_folder
    try:
        with quiet():
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, **_SAFELY)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"the tokenizer in {folder} cannot be loaded: {error}") from error
    if not tokenizer.chat_template:
        raise ModelError(
            f"the tokenizer in {folder} has no chat template, so there is no way to ask it a "
            "question; add chat_template.jinja to the folder (a fine-tuned model's is its base's)"
        )
    return tokenizer


def load_network(checkpoint: Checkpoint, *, place: torch.device, dtype: torch.dtype) -> Any:
    """The network in evaluation mode, its own sampling defaults cleared.

    `generate` fills whatever is not asked for from the checkpoint's `generation_config.json`
    (a repetition penalty, a top-k); clearing it keeps an audit's sampling what the audit says.

    Raises:
        ModelError: If the weights cannot be loaded.
    """
    try:
        with quiet():
            network: Any = AutoModelForCausalLM.from_pretrained(
                checkpoint.folder, dtype=dtype, use_safetensors=True, **_SAFELY
            )
            if checkpoint.adapter:
                adapted = PeftModel.from_pretrained(network, str(checkpoint.adapter))
                network = adapted.get_base_model()
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{checkpoint.spec} cannot be loaded ({error}); copy it again, or update transformers "
            "if the architecture is newer than it"
        ) from error
    network.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    if place.type == "cpu":
        leave_a_core_free()
    return network.eval().to(place)


def leave_a_core_free() -> None:
    """Let torch use all processors but one, unless `OMP_NUM_THREADS` says otherwise.

    Its threads wait for each other after every operation, so one processor that another program
    takes stops them all: a decoding step of SmolLM2 on two cores took 0.10 s with two threads and
    0.13 s with one on a quiet machine, but 2.8 s and 0.13 s beside two busy programs.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) - 1))
