"""How are a network and a tokenizer loaded, quietly and without running remote code?"""

import gc
import os
from typing import Any

import torch
from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError, safe_open
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedTokenizerBase,
)

from twofold.errors import ModelError
from twofold.models import adapters
from twofold.models.batches import SHAPE
from twofold.models.chat_template import require_shown
from twofold.models.checkpoint import Checkpoint
from twofold.models.quiet import quiet

_SAFELY: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}

# What transformers and PEFT raise on files of a wrong content: they check little of it.
UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    ImportError,
    ArithmeticError,
    AssertionError,
    SafetensorError,
    StrictDataclassError,
)


def device() -> torch.device:
    """This process' GPU (by `LOCAL_RANK`, as set by `accelerate launch`), else the CPU."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    rank = int(os.environ.get("LOCAL_RANK", "0"))
    return torch.device("cuda", rank % torch.cuda.device_count())


def dtype_for(
    place: torch.device, checkpoint: Checkpoint, *, as_saved: bool = False
) -> torch.dtype:
    """bfloat16 on a GPU that supports it, float16 on an older one, float32 on a CPU.

    A CPU with bfloat16 instructions keeps weights that were saved in bfloat16: nothing is lost, and
    SmolLM2 reads a prompt 3.5 times as fast. The fingerprint names the dtype.

    Args:
        place: Where the network will be.
        checkpoint: Its files.
        as_saved: Keep bfloat16 on every CPU: half of the memory, and where there are no such instructions
            up to three times as slow.
    """
    if place.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    saved_so = checkpoint.number_format == "bfloat16"
    return torch.bfloat16 if saved_so and (as_saved or multiplies_bfloat16()) else torch.float32


def multiplies_bfloat16() -> bool:
    """Whether this CPU has bfloat16 instructions; without them float32 is faster."""
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))


def load_tokenizer(checkpoint: Checkpoint) -> PreTrainedTokenizerBase:
    """The tokenizer; a `ModelError` if it cannot be read, or no chat template of it shows a question."""
    folder = checkpoint.tokenizer_folder
    if not checkpoint.has_tokenizer:
        raise ModelError(
            f"{folder} has no tokenizer; copy tokenizer.json, tokenizer_config.json and chat_template.jinja "
            f"of the base into it, or AutoTokenizer.from_pretrained(BASE).save_pretrained({str(folder)!r})"
        )
    try:
        with quiet():
            tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder, **_SAFELY)
    except UNREADABLE as error:
        raise _unreadable(f"the tokenizer in {folder}", error) from error
    if not tokenizer.chat_template:
        raise ModelError(
            f"the tokenizer in {folder} has no chat template; add chat_template.jinja (the base's)"
        )
    require_shown(tokenizer)
    return tokenizer


def load_config(checkpoint: Checkpoint) -> Any:
    """The configuration of the text network; a `ModelError` if transformers cannot read it."""
    try:
        with quiet():
            found = AutoConfig.from_pretrained(checkpoint.folder, **_SAFELY)
        return found.get_text_config()
    except UNREADABLE as error:
        raise _unreadable(f"the configuration in {checkpoint.folder}", error) from error


def shape_of(checkpoint: Checkpoint) -> dict[str, int | None]:
    """The fields of the configuration from which `capacity_of` estimates memory."""
    config = load_config(checkpoint)
    return {name: getattr(config, name, None) for name in SHAPE}


def load_network(checkpoint: Checkpoint, *, place: torch.device, dtype: torch.dtype) -> Any:
    """The network in evaluation mode, with cleared generation defaults, and every weight from a file.

    Its head gets whole rows, see `put_rows_together`. With other defaults `generate` would take unset
    options (repetition penalty, top-k) from the checkpoint.

    Raises:
        ModelError: If files and network do not have the same tensors, or a weight is no finite number.
    """
    network = load_base(checkpoint, dtype=dtype)
    if checkpoint.adapter:
        network = adapters.adapted(network, checkpoint).get_base_model()
    if place.type == "cpu":
        leave_a_core_free()
    network = network.eval().to(place)
    require_finite(network, checkpoint)
    put_rows_together(network)
    return network


def load_base(checkpoint: Checkpoint, *, dtype: torch.dtype) -> Any:
    """The base's network; a `ModelError` as in `load_network`."""
    require_plausible(checkpoint)
    try:
        with quiet():
            found: Any = AutoModelForCausalLM.from_pretrained(
                checkpoint.folder.absolute(),  # what is trained on it names it so
                dtype=dtype,
                use_safetensors=True,
                output_loading_info=True,
                **_SAFELY,
            )
    except UNREADABLE as error:
        raise _unreadable(str(checkpoint.folder), error) from error
    network, told = found
    faults = [
        (told["missing_keys"], "not in the files, so it would be random"),
        (told["unexpected_keys"], "in the files and not in the network"),
        ([key for key, *_ in told["mismatched_keys"]], "of another shape in the files"),
        (told["error_msgs"], "not loaded"),
    ]
    for names, what in faults:
        if names:
            first = sorted(map(str, names))[0]
            raise ModelError(
                f"{checkpoint.folder} does not hold the network that its config.json describes: {first} "
                f"is {what} ({len(names)} such tensors); copy the model again, with the config.json it "
                "was saved with"
            )
    network.generation_config = GenerationConfig()  # type: ignore[no-untyped-call]
    return network


def require_plausible(checkpoint: Checkpoint) -> None:
    """Refuse files that contradict each other, before a network is built that may not fit anywhere."""
    held: dict[str, str] = {}
    try:
        for file in checkpoint.weights():
            with safe_open(file, "pt") as tensors:
                names = tensors.keys()
            for name in names:
                if name in held:
                    raise ModelError(
                        f"{file} and {held[name]} both hold {name}; copy the model again"
                    )
                held[name] = file.name
    except (OSError, SafetensorError) as error:
        raise _unreadable(str(checkpoint.folder), error) from error
    n_layers = getattr(load_config(checkpoint), "num_hidden_layers", 0)
    if not isinstance(n_layers, int) or n_layers > len(held):
        raise ModelError(
            f"{checkpoint.folder}/config.json says {n_layers!r:.40} layers, and the files hold "
            f"{len(held)} tensors; copy the model again, with the config.json it was saved with"
        )


def require_finite(network: Any, checkpoint: Checkpoint) -> None:
    """Refuse weights that are NaN or infinite: every reply would be noise, and scored as wrong."""
    for name, weight in network.named_parameters():
        if weight.is_floating_point() and not bool(torch.isfinite(weight).all()):
            raise ModelError(
                f"the weights of {checkpoint.spec} are broken: {name} holds numbers that are not "
                "finite; copy the model again, or take an earlier checkpoint of its training"
            )


def _unreadable(what: str, error: Exception) -> ModelError:
    words = " ".join(str(error).split())[:300] or type(error).__name__
    return ModelError(f"{what} cannot be loaded ({words}); copy it again, or update transformers")


def leave_a_core_free() -> None:
    """Let torch use all cores but one, unless `OMP_NUM_THREADS` is set.

    Its threads synchronise after every operation, so one busy core stalls all of them: a decoding
    step of SmolLM2 on two cores took 0.10 s with two threads and 0.13 s with one on a quiet machine,
    but 2.8 s and 0.13 s beside two busy programs.
    """
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(max(1, len(os.sched_getaffinity(0)) - 1))


def put_rows_together(network: Any) -> None:
    """Have the output head's input made contiguous on a CPU, whoever calls the network.

    A slice of hidden states, such as the last position of every row, is otherwise multiplied row by row
    wherever the head needs no gradient, each time with the whole matrix; `benchmarks/head.py` has the
    ratio. The same numbers come out, up to the rounding of another order of summation.
    """
    head = network.get_output_embeddings()
    if head is not None and _put_together not in head._forward_pre_hooks.values():
        head.register_forward_pre_hook(_put_together)


def _put_together(_: torch.nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        each.contiguous() if isinstance(each, torch.Tensor) and each.device.type == "cpu" else each
        for each in given
    )


def free_memory() -> None:
    """Release the memory of deleted models."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
