"""How is a PEFT adapter put on its base, so that every tensor of its file is used?

Training may have added tokens: the adapter then holds the embeddings of all tokens, and the base's are
resized to them. Rows that no file holds would be random, so they are refused.
"""

import re
from pathlib import Path
from typing import Any

from peft import PeftModel, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open

from twofold.errors import ModelError
from twofold.models.checkpoint import ADAPTER, Checkpoint
from twofold.models.quiet import quiet

# A tensor of an adapter that replaces a whole embedding: its name without the embedding's own.
_WHOLE = re.compile(r"(?:(?:base_layer|modules_to_save|original_module)\.)?weight")


def adapted(network: Any, checkpoint: Checkpoint) -> Any:
    """The network under the adapter of `checkpoint`, as PEFT's model.

    Raises:
        ModelError: If file and adapter do not have the same tensors, or added tokens lack weights.
    """
    folder = checkpoint.adapter
    if folder is None:
        raise ModelError(f"{checkpoint.spec} is no adapter; give the folder of one")
    try:
        saved = _shapes(folder / ADAPTER)
        embeddings = _resize(network, saved, folder)
        with quiet():
            model: Any = PeftModel.from_pretrained(network, str(folder))
            there = get_peft_model_state_dict(model, save_embedding_layers=False)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise _unfit(folder, str(error)) from error
    except (RuntimeError, ImportError, AssertionError, SafetensorError) as error:
        raise _unfit(folder, str(error)) from error
    missing, unmatched = there.keys() - saved.keys(), saved.keys() - there.keys() - embeddings
    for names, what in (
        (missing, "is not in its file"),
        (unmatched, "matches nothing in the base"),
    ):
        if names:
            raise _unfit(folder, f"{min(names)} {what}, {len(names)} such tensors")
    return model


def _shapes(file: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor in a file."""
    with safe_open(file, "pt") as tensors:
        names = tensors.keys()
        return {name: tuple(tensors.get_slice(name).get_shape()) for name in names}


def _resize(network: Any, saved: dict[str, tuple[int, ...]], folder: Path) -> set[str]:
    """Give the embeddings as many rows as the adapter was trained with; their tensors in its file."""
    layers = [network.get_input_embeddings(), network.get_output_embeddings()]
    names = {
        name: layer
        for name, layer in network.named_modules()
        if any(layer is each for each in layers if each is not None)
    }
    whole: dict[
        str, set[str]
    ] = {}  # by layer: its tensors in the file, which may be several copies
    rows: set[int] = set()
    for tensor, shape in saved.items():
        for name in names:
            part = tensor.removeprefix("base_model.model.").partition(f"{name}.")
            if part[0] or not part[1] or not shape:
                continue
            if _WHOLE.fullmatch(part[2]):
                whole.setdefault(name, set()).add(tensor)
                rows.add(shape[0])
            elif part[2] == "lora_embedding_A":
                rows.add(shape[-1])
            elif part[2] == "lora_B.weight":
                rows.add(shape[0])
    n_base = layers[0].weight.shape[0]
    if len(rows) > 1:
        raise _unfit(folder, f"its embeddings have {' and '.join(map(str, sorted(rows)))} rows")
    if rows and rows != {n_base}:
        (n_rows,) = rows
        tied = len({id(layer.weight) for layer in names.values()}) == 1
        if not (whole if tied else whole.keys() == names.keys()):
            raise _unfit(
                folder,
                f"it was trained with {n_rows} tokens on a base with {n_base}, and its file does not hold "
                "the weights of the added ones. Save it with modules_to_save naming the embeddings and "
                "the output layer",
            )
        network.resize_token_embeddings(n_rows, mean_resizing=False)
    return set().union(*whole.values())


def _unfit(folder: Path, why: str) -> ModelError:
    words = " ".join(why.split())[:400]
    return ModelError(
        f"the adapter {folder} does not fit its base ({words}); check base_model_name_or_path in "
        "adapter_config.json, and copy the adapter again"
    )
