"""What do the settings in a YAML file say, and where are they wrong?

All of it is told before anything heavy is imported: a wrong key costs a second, not a model's load.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from twofold.methods.method import Method, TrainingError
from twofold.validation import validated


def configured(method: type[Method], file: Path | None = None) -> Method:
    r"""A method with the settings of a file.

    Args:
        method: Its class; the keys of the file are its fields, and `reward` (and `eval_metric`) is
            one of `REWARDS`
            or a mapping; see `rewards.reward`.
        file: YAML; None = the defaults.

    Raises:
        TrainingError: If the file is no YAML mapping, or a key or a value does not fit; the message
            names the key and what would.

    Example:
        >>> import tempfile
        >>> from twofold.methods import Grpo
        >>> file = Path(tempfile.mkdtemp()) / "grpo.yaml"
        >>> _ = file.write_text("reward: correct\nlearning_rate: 1e-4")
        >>> configured(Grpo, file).learning_rate
        0.0001
    """
    where = f"{method.name} without --config" if file is None else file
    return with_settings(method, {} if file is None else mapping(file), where=where)


def with_settings(method: type[Method], values: Mapping[str, object], *, where: object) -> Method:
    """A method with the settings of a mapping; see `configured`.

    Args:
        method: Its class.
        values: Its fields by name.
        where: What the message of an error begins with: the file, or the place in it.

    Raises:
        TrainingError: If a key or a value does not fit.
    """
    return validated(
        method,
        values,
        where=where,
        error=TrainingError,
        unknown="fields of TRL's own configuration go under `trl:`",
    )


def mapping(file: Path) -> Mapping[str, object]:
    """What a YAML file holds, by key.

    Raises:
        TrainingError: If it cannot be read, is no YAML or no mapping.
    """
    try:
        values = yaml.safe_load(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise TrainingError(f"{file} cannot be read ({error.strerror}); check the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        told = " ".join(str(error).split())
        raise TrainingError(f"{file} is no YAML ({told}); write one `key: value` a line") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise TrainingError(f"{file} is no mapping; write one `key: value` a line")
    return {str(key): value for key, value in values.items()}
