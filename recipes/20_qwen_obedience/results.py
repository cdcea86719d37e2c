"""`python -m recipes.20_qwen_obedience.results OUT`: what is measured so far, as a table, and the adapters.

Every finished audit is a row, also while the study is running: right without and with the rules, rules met
told and untold, obedience, both at once; and each arm's change against the warm-up, paired by problem. With
`--keep` the table, the run without weights and the adapters of seed 0 are written into the recipe's folder;
`restore` goes on from there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, final

import numpy as np
from typing_extensions import TypedDict

from recipes.archive import pack
from twofold import problems as problem_files
from twofold.diagnostics.joint.obedience import obedience
from twofold.diagnostics.joint.table import JointTable
from twofold.report.study_file import ACCURACY, CONSTRAINED_ACCURACY, HACC, JOINT, OBEDIENCE, Key
from twofold.storage.jsonl import replaced
from twofold.study.plan import BASE
from twofold.study.scores import SIGNED, Scores, difference, estimate
from twofold.types import Estimate

from .claims import MODELS
from .rules import SPLITS

HERE = Path(__file__).parent

HUB = "Qwen/Qwen2.5-Coder-0.5B-Instruct"
"""The released model's name on the hub, which the kept adapters name as their base."""

RUN = "run.tar.xz"
"""What is kept of the run, see `recipes.archive`."""

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"

MEASURED: Mapping[str, Key] = {
    "right, untold": ACCURACY,
    "right, told": CONSTRAINED_ACCURACY,
    "all met": HACC,
    "obedience": OBEDIENCE,
    "both": JOINT,
}

CHANGED = ("right, untold", "obedience")


@final
class Line(TypedDict):
    """A row of the table: an arm on a split, `change` against the warm-up."""

    split: str
    arm: str
    seeds: list[int]
    measures: dict[str, dict[str, float | int]]
    untold: float | None
    change: dict[str, dict[str, float | int]]


def lines(out: Path) -> list[Line]:
    """The rows of every audit that is finished, by split, the released model and the warm-up first."""
    found: list[Line] = []
    for split in SPLITS:
        file = out / "data" / f"{split}.jsonl"
        if not file.exists():
            continue
        problems = problem_files.load(str(file), profile="fixed")
        scores = {arm: Scores.read(problems, folders) for arm, folders in _finished(out, split)}
        base = scores.get(BASE)
        for arm, mine in scores.items():
            seeds = sorted(mine.tables)
            line = Line(split=split, arm=arm, seeds=seeds, measures={}, untold=None, change={})
            for name, key in MEASURED.items():
                limits = SIGNED if key == OBEDIENCE else None
                values, asked = mine.matrix(key, seeds), mine.asked(key, seeds)
                if told := estimate(values, asked, is_trained=arm not in MODELS, limits=limits):
                    line["measures"][name] = _numbers(told)
                if base is None or arm == BASE or name not in CHANGED:
                    continue
                before = base.matrix(key, sorted(base.tables))
                both = asked & base.asked(key, sorted(base.tables))
                if change := difference(before, values, both, limits=limits):
                    line["change"][name] = _numbers(change.difference)
            line["untold"] = _untold(list(mine.tables.values()))
            found.append(line)
    return found


def _finished(out: Path, split: str) -> Iterator[tuple[str, dict[int, Path]]]:
    """Each arm and its finished audits of a split, by seed."""
    studies = ("study", "published/study")
    cells = [cell for study in studies for cell in out.glob(f"{study}/arms/*/seed-*")]
    others = {p.parent.name for p in cells} - {*MODELS}
    for arm in (*MODELS, *sorted(others)):
        mine = [p / split for p in cells if p.parent.name == arm and (p / split).is_dir()]
        audits = {int(p.parent.name.removeprefix("seed-")): p for p in mine}
        done = {seed: p for seed, p in audits.items() if (p / "joint.jsonl").exists()}
        if done:
            yield arm, done


def _untold(tables: list[JointTable]) -> float | None:
    """How often the rules are met where they are not stated, the mean over rules and seeds."""
    rates = []
    for table in tables:
        told, untold = (table.block("model", c) for c in ("constrained", "unconstrained"))
        if told is not None and untold is not None:
            rates += obedience(told, untold).untold.tolist()
    scored = [rate for rate in rates if not np.isnan(rate)]
    return float(np.mean(scored)) if scored else None


def _numbers(found: Estimate) -> dict[str, float | int]:
    kept = {name: round(float(getattr(found, name)), 4) for name in ("value", "low", "high")}
    return kept | {"n": found.n, "unscored": found.n_unscored}


def markdown(found: list[Line]) -> str:
    """The rows as a Markdown table."""
    head = ["split", "arm", "seeds", *MEASURED, "met untold", *(f"{c}, change" for c in CHANGED)]
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for line in found:
        cells = [line["split"], line["arm"], str(len(line["seeds"]))]
        cells += [_cell(line["measures"].get(name), name == "obedience") for name in MEASURED]
        cells.append("" if line["untold"] is None else f"{line['untold']:.3f}")
        cells += [_cell(line["change"].get(name), True) for name in CHANGED]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows) + "\n"


def _cell(found: Mapping[str, float | int] | None, signed: bool) -> str:
    if found is None:
        return ""
    form = "{:+.3f} [{:+.3f}, {:+.3f}]" if signed else "{:.3f} [{:.3f}, {:.3f}]"
    lost = f", {found['unscored']} unscored" if found["unscored"] else ""
    return form.format(found["value"], found["low"], found["high"]) + f" (n={found['n']}{lost})"


def keep(out: Path, found: list[Line], folder: Path = HERE) -> list[str]:
    """Write the table, the run, and the adapters of seed 0 that are trained; returns the adapters' names."""
    pack(out, folder / RUN)
    (folder / "results.md").write_text(markdown(found), encoding="utf-8")
    with replaced(folder / "results.json") as file:
        json.dump(found, file, indent=1)
    joined: Any = import_module("recipes.10_smollm2_study.adapters").joined
    lower = out / "warm_up"
    if not (lower / WEIGHTS).exists():
        return []
    kept_warm_up(lower, folder / "adapters" / "warm_up")
    kept = ["warm_up"]
    for upper in sorted((out / "study" / "arms").glob(f"*/seed-0/model/{WEIGHTS}")):
        name = upper.parents[2].name
        joined(lower, upper.parent, folder / "adapters" / name, base=HUB)
        kept.append(name)
    for name in kept:
        card = folder / "adapters" / name / "README.md"
        card.write_text(_card(name, found), encoding="utf-8")
    return kept


def kept_warm_up(adapter: Path, target: Path) -> None:
    """Copy the warm-up as it is, so that it makes the same base again; an adapter of an arm is rounded."""
    target.mkdir(parents=True, exist_ok=True)
    (target / WEIGHTS).write_bytes((adapter / WEIGHTS).read_bytes())
    config = json.loads((adapter / CONFIG).read_text(encoding="utf-8"))
    with replaced(target / CONFIG) as file:
        json.dump(config | {"base_model_name_or_path": HUB}, file, indent=1)


def _card(name: str, found: list[Line]) -> str:
    arm = BASE if name == "warm_up" else name
    how = "the warm-up" if name == "warm_up" else f"the warm-up and arm `{name}` of seed 0 in one"
    mine = [line for line in found if line["arm"] == arm]
    return "\n".join(
        [
            "---",
            f"base_model: {HUB}",
            "library_name: peft",
            "license: apache-2.0",
            "language: en",
            "---",
            "",
            f"# Qwen2.5-Coder-0.5B-Instruct, {name}",
            "",
            f"LoRA: {how}. Made by `python -m recipes.20_qwen_obedience`; settings, rules and data",
            "are in the folder above. Trained on weights that were dequantised from a Q4_K_M GGUF file. Its",
            "path can take the place of the hub id in `adapter_config.json`.",
            "",
            markdown(mine) if mine else "Not audited yet.",
            "It was trained on some hundred short word problems to study rewards, and is not an assistant.",
            "",
        ]
    )


def main() -> int:
    """Print the table, and keep it on request."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the folder of the run, e.g. runs/qwen/cpu")
    parser.add_argument("--keep", action="store_true", help="write it into the recipe's folder")
    said = parser.parse_args()
    found = lines(said.out)
    print(markdown(found), end="")
    if said.keep:
        print("adapters:", ", ".join(keep(said.out, found)) or "none is trained yet")
    return 0


if __name__ == "__main__":
    sys.exit(main())
