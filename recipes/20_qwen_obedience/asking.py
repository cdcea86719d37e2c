"""Audits of models that are there: a study in which nothing is trained."""

from collections.abc import Mapping
from pathlib import Path

import yaml

from twofold import study
from twofold.storage.jsonl import replaced

from . import Scale
from .warm_up import TEMPERATURE


def ask(
    out: Path, base: str, splits: Mapping[str, Path], models: Mapping[str, str], scale: Scale
) -> None:
    """Audit each model on each file of problems; what is there is kept.

    Args:
        out: The folder of the plan and of the study.
        base: The model that the others are compared with.
        splits: Files of problems by their names.
        models: MODELs by the names of their arms.
        scale: Its token budget is that of the replies.
    """
    values = {
        "base": base,
        "splits": {name: str(file) for name, file in splits.items()},
        "seeds": [0],
        "temperature": TEMPERATURE,
        "max_tokens": scale.max_tokens,
        "arms": {arm: {"checkpoints": [model]} for arm, model in models.items()},
    }
    out.mkdir(parents=True, exist_ok=True)
    with replaced(out / "plan.yaml") as text:
        yaml.safe_dump(values, text, sort_keys=False)
    study.study(study.read(out / "plan.yaml"), out=out / "study", say=print)
