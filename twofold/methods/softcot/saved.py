"""What does a run write? A folder that is a MODEL, with its controls beside it.

`twofold audit DIR` asks the trained model. `DIR/zero.yaml`, `random.yaml`, `untrained.yaml` and `hints.yaml`
are the controls, each a MODEL too, so the gain over any of them is one command.
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

from twofold.errors import ModelError
from twofold.methods.softcot.projection import FILE, Projection
from twofold.models.composed import FOLDER_FILE, NAMES
from twofold.storage.jsonl import replaced
from twofold.storage.reading import expanded

_UNTRAINED = "untrained.safetensors"


def write(
    folder: Path,
    *,
    models: Mapping[str, str],
    digests: Mapping[str, str],
    trained: Projection,
    untrained: Projection,
) -> None:
    """Write both projections and the files that name the models.

    Args:
        folder: Where; made if missing.
        models: The MODELs `base`, that answers, and `assistant`, whose states are projected.
        digests: Of the files of either; with others, the folder is refused.
        trained: The projection as it is now.
        untrained: As it was before training: a control.
    """
    folder.mkdir(parents=True, exist_ok=True)
    trained.save(folder / FILE)
    untrained.save(folder / _UNTRAINED)
    soft = {"kind": "softcot", "projection": FILE, "trained_with": dict(digests)}
    _yaml(folder / "zero.yaml", soft | {"filling": "zero"}, models)
    _yaml(folder / "random.yaml", soft | {"filling": "random"}, models)
    _yaml(folder / "untrained.yaml", soft | {"projection": _UNTRAINED}, models)
    _yaml(folder / "hints.yaml", {"kind": "text_hints"}, models)
    _yaml(folder / FOLDER_FILE, soft, models)  # last: with it the folder is a model


def _yaml(file: Path, settings: Mapping[str, object], models: Mapping[str, str]) -> None:
    named = {part: _anywhere(spec) for part, spec in models.items()}
    with replaced(file) as text:
        yaml.safe_dump({**settings, **named}, text, sort_keys=False)


def _anywhere(spec: str) -> str:
    """The name of a model that holds wherever its file lies: a path is made absolute."""
    path = expanded(spec, ModelError)
    return spec if spec in NAMES or not path.exists() else str(path.absolute())
