"""How are a network and a tokenizer loaded, quietly and without running remote code?"""

import gc
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
    """This process' GPU (by `LOCAL_RANK`, as set by `accelerate launch`), else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    rank = int(os.environ.get("LOCAL_RANK", "0"))
    return torch.device("cuda", rank % torch.cuda.device_count())


def dtype_for(place: torch.device, checkpoint: Checkpoint) -> torch.dtype:
    """bfloat16 on a GPU that supports it, float16 on an older one, float32 on a CPU.

    A CPU with bfloat16 instructions keeps weights that were saved in bfloat16: nothing is lost, and
    SmolLM2 reads a prompt 3.5 times as fast. The fingerprint names the dtype.
    """
    if place.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    saved_so = checkpoint.number_format == "bfloat16"
    return torch.bfloat16 if saved_so and multiplies_bfloat16() else torch.float32


def multiplies_bfloat16() -> bool:
    """Whether this CPU has bfloat16 instructions; without them float32 is faster."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def load_tokenizer(checkpoint: Checkpoint) -> PreTrainedTokenizerBase:
    """The tokenizer; a `ModelError` if it cannot be read or has no chat template."""
    folder = checkpoint.tokenizer_folder
    try:
        with quiet():
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, **_SAFELY)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"the tokenizer in {folder} cannot be loaded: {error}") from error
    if not tokenizer.chat_template:
        raise ModelError(
            f"the tokenizer in {folder} has no chat template; add chat_template.jinja (the base's)"
        )
    return tokenizer


def load_network(checkpoint: Checkpoint, *, place: torch.device, dtype: torch.dtype) -> Any:
    """The network in evaluation mode, with cleared generation defaults.

    Otherwise `generate` would take unset options (repetition penalty, top-k) from the checkpoint.
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
            f"{checkpoint.spec} cannot be loaded ({error}); copy it again, or update transformers"
        ) from error
    network.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    if place.type == "cpu":
        leave_a_core_free()
    return network.eval().to(place)


def leave_a_core_free() -> None:
    """Let torch use all cores but one, unless `OMP_NUM_THREADS` is set.

    Its threads synchronise after every operation, so one busy core stalls all of them: a decoding
    step of SmolLM2 on two cores took 0.10 s with two threads and 0.13 s with one on a quiet machine,
    but 2.8 s and 0.13 s beside two busy programs.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) - 1))


def free_memory() -> None:
    """Release the memory of deleted models."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
