"""Which configuration does TRL get? Ours under its names, checked before a model is loaded.

TRL's own classes check few types: a text for a number, NaN or a misspelt key would end a run late, or
not at all.
"""

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import torch
import trl
from pydantic import ConfigDict, TypeAdapter, ValidationError

from twofold.errors import nearest
from twofold.methods.method import TrainingError
from twofold.methods.tuning import Stepped
from twofold.models import loading
from twofold.models.quiet import quiet
from twofold.validation import complaint

_TYPES = ConfigDict(allow_inf_nan=False, arbitrary_types_allowed=True)
_OFF = -1  # the one negative number that means something to TRL, as a whole number: not set


def configuration(method: Stepped, out: Path) -> Any:
    """TRL's configuration for a run of `method` in the folder `out`.

    Raises:
        TrainingError: If a field under `trl:` does not exist, has another type, or TRL refuses it.
    """
    kind, settings = method.configuration()
    values = {**settings, **typed(kind, method.trl)}
    unknown = [key for key in values if key not in get_type_hints(kind)]
    if unknown:
        raise TrainingError(f"{kind.__name__} has no field {unknown[0]!r}; update twofold")
    with quiet():
        try:
            return kind(**settings_here(out, values))
        except (ValueError, TypeError, ImportError) as error:
            reason = " ".join(str(error).split())
            raise TrainingError(
                f"{kind.__name__} of TRL {trl.__version__} refuses these settings ({reason}); change them"
            ) from error


def settings_here(out: Path, settings: Mapping[str, object]) -> dict[str, Any]:
    """`settings` with those that depend on the machine and the folder."""
    on_gpu = loading.device().type == "cuda"
    return {
        "output_dir": str(out),
        "use_cpu": not on_gpu,
        "bf16": on_gpu and torch.cuda.is_bf16_supported(),
        "activation_checkpointing": on_gpu,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,  # would hide a NaN
        "disable_tqdm": not sys.stderr.isatty(),
        "dataloader_pin_memory": on_gpu,
        "ddp_find_unused_parameters": False,
        **settings,
        "save_total_limit": None,  # `Keeper` removes old checkpoints
    }


def typed(kind: type, found: Mapping[str, object]) -> dict[str, Any]:
    """The fields under `trl:` with the types that TRL's class `kind` says."""
    hints = get_type_hints(kind)
    values = {}
    for key, value in found.items():
        if key not in {field.name for field in fields(kind)}:
            raise TrainingError(
                f"trl: {kind.__name__} of TRL {trl.__version__} has no field {key!r}; "
                + nearest(key, hints, "its documentation lists them")
            )
        try:
            values[key] = TypeAdapter(hints[key], config=_TYPES).validate_python(value)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            raise TrainingError(complaint({**fault, "loc": ("trl", key)}, ())) from error
        if why := _wrong(value, values[key]):
            raise TrainingError(f"'trl.{key}' {why}, but it is {value!r:.60}")
    return values


def _wrong(found: object, value: object) -> str | None:
    """What is wrong with a number that has its type: it was no number, it is none, or below zero."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        parts = found if isinstance(found, Sequence) else value
        return next(
            (why for pair in zip(parts, value, strict=True) if (why := _wrong(*pair))), None
        )
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(found, bool):
        return "should be a number"
    if not math.isfinite(value):
        return "should be a finite number"
    means_off = isinstance(value, int) and value == _OFF
    return "should not be negative" if value < 0 and not means_off else None
