"""How is a model loaded? `resolve(spec)` turns a MODEL argument into a `Model`.

Importing this package imports neither torch nor a network client.
"""

from pathlib import Path

from twofold.errors import ModelError, nearest
from twofold.models.checkpoint import HUB_ID
from twofold.models.pocket import SPEC as POCKET
from twofold.models.smollm2 import SPEC as SMOLLM2
from twofold.storage.reading import Kind, expanded, kind_of
from twofold.types import Model

_FORMS = (
    "a model is `pocket`, `smollm2`, a folder written by save_pretrained, a PEFT adapter's folder, a hub id "
    "(`organisation/name`), or an OpenAI-compatible server (`http://host:port/v1#model`)"
)


def resolve(spec: str | Path) -> Model:
    """The model that `spec` names; its weights are loaded when it first has to answer.

    Args:
        spec: `pocket`, `smollm2`, a Hugging Face folder, a PEFT adapter's folder, a hub id, or a
            server's URL with the model's name after `#`. An existing folder wins over a hub id.

    Raises:
        ModelError: If `spec` is none of these, or its files cannot be used.

    Example:
        >>> resolve("smolm2")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        twofold.errors.ModelError: no model 'smolm2'; did you mean 'smollm2'? a model is ...
    """
    spec = str(spec).strip()
    if spec.startswith(("http://", "https://")):
        from twofold.models.openai.model import ServerModel

        return ServerModel.from_spec(spec)
    is_folder = bool(spec) and kind_of(expanded(spec, ModelError), ModelError) is Kind.folder
    if spec not in (POCKET, SMOLLM2) and not HUB_ID.fullmatch(spec) and not is_folder:
        hint = nearest(spec.lower(), [POCKET, SMOLLM2], "there is no such folder or name.")
        raise ModelError(f"no model {spec!r}; {hint} {_FORMS}")
    try:
        from twofold.models.hf import HfModel
    except ImportError as error:
        raise ModelError(
            f"a local model needs more packages ({error}): pip install 'twofold[hf]'"
        ) from error
    return HfModel(spec)
