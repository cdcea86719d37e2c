"""How is a model loaded? `resolve(spec)` turns a MODEL argument into a `Model`.

Importing this package imports neither torch nor a network client.
"""

from pathlib import Path

from twofold.errors import ModelError, nearest
from twofold.extension import instance_named, is_reference
from twofold.models.checkpoint import HUB_ID, folder_named
from twofold.models.composed import SUFFIXES, from_folder, from_yaml, is_composed
from twofold.models.gguf import is_for_llama, is_gguf
from twofold.models.pocket import SPEC as POCKET
from twofold.models.smollm2 import SPEC as SMOLLM2
from twofold.models.thinking import ThinkingPolicy
from twofold.storage.reading import Kind, expanded, kind_of
from twofold.types import Model

_FORMS = (
    "a model is `pocket`, `smollm2`, a folder written by save_pretrained, a PEFT adapter's folder, a `.gguf` "
    "file, `llama:FILE.gguf`, a hub id (`organisation/name`), an OpenAI-compatible server "
    "(`http://host:port/v1#model`), a YAML file that names a composed one (or a folder with it as "
    "model.yaml), or your own (`package.module:Name`)"
)


def resolve(spec: str | Path, *, thinking_marks: tuple[str, str] | None = None) -> Model:
    """The model that `spec` names; its weights are loaded when it first has to answer.

    Args:
        spec: `pocket`, `smollm2`, a Hugging Face folder, a PEFT adapter's folder, a `.gguf` file,
            `llama:FILE.gguf` (the file run by llama.cpp, for sampling only), a hub id, or a server's URL
            with the model's name after `#`, a YAML file that puts models together (see
            `twofold.models.composed`) or a folder that holds one as `model.yaml`, or
            `package.module:Name`, a `Model` or a class that needs no arguments. An existing folder wins
            over a file and a hub id.
        thinking_marks: What opens and closes a thought, if neither the chat template shows it nor
            twofold knows it; the known marks count besides.

    Raises:
        ModelError: If `spec` is none of these, or its files cannot be used.
        ExtensionError: If the reference is not a model.

    Example:
        >>> resolve("smolm2")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        twofold.errors.ModelError: no model 'smolm2'; did you mean 'smollm2'? a model is ...
    """
    spec = str(spec).strip()
    thinking = None if thinking_marks is None else ThinkingPolicy(*thinking_marks)
    if spec.startswith(("http://", "https://")):
        from twofold.models.openai.model import ServerModel

        return ServerModel.from_spec(spec, thinking=thinking or ThinkingPolicy())
    is_folder = bool(spec) and kind_of(expanded(spec, ModelError), ModelError) is Kind.folder
    if is_reference(spec) and not is_folder:
        return instance_named(spec, Model)
    if is_folder and is_composed(expanded(spec, ModelError)):
        return from_folder(expanded(spec, ModelError), marks=thinking_marks)
    if spec.endswith(SUFFIXES) and not is_folder:
        return from_yaml(expanded(spec, ModelError), marks=thinking_marks)
    if is_for_llama(spec) and not is_folder:
        try:
            from twofold.models.llama import LlamaModel
        except ImportError as error:
            raise ModelError(
                f"{spec} needs more packages ({error}): pip install 'twofold[hf,llama]'"
            ) from error
        return LlamaModel(spec, thinking=thinking)
    is_local = spec in (POCKET, SMOLLM2) or is_folder or is_gguf(spec)
    if not is_local and not HUB_ID.fullmatch(spec):
        hint = nearest(spec.lower(), [POCKET, SMOLLM2], "there is no such folder or name.")
        raise ModelError(f"no model {spec!r}; {hint} {_FORMS}")
    try:
        from twofold.models.hf import HfModel
    except ImportError as error:
        raise ModelError(
            f"a local model needs more packages ({error}): pip install 'twofold[hf]'"
        ) from error
    return HfModel(spec, thinking=thinking)
