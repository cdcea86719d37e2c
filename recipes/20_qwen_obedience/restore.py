"""`python -m recipes.20_qwen_obedience.restore --base MODEL --out OUT`: go on from what the repository has.

The replies and their scores are unpacked, and the warm-up's adapter is merged into MODEL, which gives the
same base bit by bit. Then the recipe trains and audits what is missing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

from recipes.archive import unpack
from twofold.storage.jsonl import replaced

from .results import CONFIG, HERE, RUN, WEIGHTS


def restored(base: str, out: Path, kept: Path = HERE) -> Path:
    """Write the folder of the run, with the warmed-up base; returns the base.

    Args:
        base: The released model: a `.gguf` file, a folder or a hub id.
        out: The folder of the run, which must not be there yet.
        kept: Where `results --keep` wrote.

    Raises:
        RunError: If `out` holds something.
    """
    unpack(kept / RUN, out)
    adapter = kept / "adapters" / "warm_up"
    shutil.copytree(adapter, out / "warm_up")  # `results --keep` joins it with the arms' adapters
    config = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as work:
        (Path(work) / CONFIG).write_text(json.dumps(config | {"base_model_name_or_path": base}))
        (Path(work) / WEIGHTS).symlink_to((adapter / WEIGHTS).resolve())
        merged: Any = import_module("recipes.10_smollm2_study.base").merged
        return Path(merged(Path(work), out / "base"))


def adapter(place: Path, base: str, arm: str, into: Path) -> str:
    """An arm's first run: as it was trained, or the kept adapter (rounded to bfloat16), copied `into`."""
    trained = place / "study" / "arms" / arm / "seed-0" / "model"
    if (trained / WEIGHTS).exists():
        return str(trained)
    kept, made = HERE / "adapters" / arm, into / arm
    made.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(kept / WEIGHTS, made / WEIGHTS)
    config = json.loads((kept / CONFIG).read_text(encoding="utf-8"))
    with replaced(made / CONFIG) as out:
        json.dump(config | {"base_model_name_or_path": str(Path(base).absolute())}, out, indent=1)
    return str(made)


def main() -> None:
    """Restore the run."""
    parser = argparse.ArgumentParser(prog="python -m recipes.20_qwen_obedience.restore")
    parser.add_argument("--base", required=True, help="a .gguf file, a folder or a hub id")
    parser.add_argument("--out", type=Path, required=True, help="the folder, e.g. runs/qwen/cpu")
    said = parser.parse_args()
    print(f"{restored(said.base, said.out)} is the base; now run the recipe with the same --out")


if __name__ == "__main__":
    main()
