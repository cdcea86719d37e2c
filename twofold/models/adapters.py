"""How is a PEFT adapter put on its base, so that every tensor of its file is used?

Training may have added tokens: the adapter then holds the embeddings of all tokens, and the base's are
resized to them. Rows that no file holds would be random, so they are refused.
"""

import re
from pathlib import Path
from typing import Any

from peft import BeftConfig, PeftConfig, PeftModel, get_peft_model_state_dict
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


# The last matrix of a decoder layer, whose output is added to the layer's: what is added to one is added to
# the other, where nothing comes between them.
_LAST = re.compile(r"(?P<layer>.*\.\d+)\.mlp\.(?:down_proj|fc2|c_proj|dense_4h_to_h)")
_BETWEEN = ("post_feedforward_layernorm", "post_feedforward_layer_norm")


def layer_bias(network: Any, spec: str) -> PeftConfig:
    """An adapter of one trainable vector for each decoder layer, added to the layer's output.

    It is PEFT's BEFT on the last matrix of each layer, so that it is saved and loaded like every adapter.

    Args:
        network: The base's network.
        spec: Its name, for messages.

    Raises:
        ModelError: If not every decoder layer ends with such a matrix.

    Source:
        Sinii et al. 2025, https://arxiv.org/abs/2505.18706: a vector for each layer, trained by
        reinforcement. PEFT's own BEFT adapts the values of the attention: https://arxiv.org/abs/2509.15974.
    """
    modules = dict(network.named_modules())
    found = {match["layer"]: name for name in modules if (match := _LAST.fullmatch(name))}
    n_layers = network.config.get_text_config().num_hidden_layers
    between = any(f"{layer}.{name}" in modules for layer in found for name in _BETWEEN)
    width = network.config.get_text_config().hidden_size
    fits = all(getattr(modules[name], "out_features", None) == width for name in found.values())
    if len(found) != n_layers or between or not fits:
        raise ModelError(
            f"layer_bias needs decoder layers that add the output of a last matrix, as those of Llama and "
            f"Qwen do, and {spec} has {len(found)} such layers of {n_layers}; use lora with a small rank"
        )
    return BeftConfig(target_modules=sorted(found.values()), task_type="CAUSAL_LM")


def require_mergeable(checkpoint: Checkpoint) -> None:
    """Refuse to train the weights under a `layer_bias` on: they have no place for its vectors."""
    folder = checkpoint.adapter
    if folder and PeftConfig.from_pretrained(str(folder)).peft_type == "BEFT":
        raise ModelError(
            f"{checkpoint.spec} is a layer_bias adapter, whose vectors do not fit into its base's weights, "
            "so it cannot be trained further; train from its base, or with lora"
        )


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
