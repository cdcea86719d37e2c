"""Which settings does a YAML file hold? Errors are reported before any model is loaded."""

from collections.abc import Mapping
from pathlib import Path

from twofold.methods.method import Method, TrainingError
from twofold.storage.reading import InputFile
from twofold.validation import validated


def configured(method: type[Method], file: str | Path | None = None) -> Method:
    r"""A method with the settings of a YAML file.

    Args:
        method: The method's class; the keys of the file are its fields. `reward` and `eval_metric`
            are a name in `REWARDS` or a mapping; see `rewards.reward`.
        file: None uses the defaults.

    Raises:
        TrainingError: If the file is not a YAML mapping, or a key or a value is invalid.

    Example:
        >>> import tempfile
        >>> from twofold.methods import Grpo
        >>> file = Path(tempfile.mkdtemp()) / "grpo.yaml"
        >>> _ = file.write_text("reward: correct\nlearning_rate: 1e-4")
        >>> configured(Grpo, file).learning_rate
        0.0001
    """
    where = f"{method.name} without --config" if file is None else file
    return with_settings(method, {} if file is None else mapping(Path(file)), where=where)


def with_settings(method: type[Method], values: Mapping[str, object], *, where: object) -> Method:
    """A method with the settings of a mapping; see `validated`."""
    for key, what in method.asks.items():
        if key not in values:
            raise TrainingError(
                f"{where}: {method.name} has no default for {key}. Write `{key}: ...` into a YAML file, with "
                f"{what}, and name that with --config"
            )
    hint = "fields of TRL's own configuration go under `trl:`"
    return validated(method, values, where=where, error=TrainingError, unknown=hint)


def mapping(file: Path) -> Mapping[str, object]:
    """The content of a YAML file, which must be a mapping or empty."""
    values = InputFile(file, TrainingError, "write one `key: value` per line").yaml()
    if not isinstance(values, dict | None):
        raise TrainingError(f"{file} is not a mapping; write one `key: value` per line")
    return {str(key): value for key, value in (values or {}).items()}
