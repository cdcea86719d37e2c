"""`python -m recipes.10_smollm2_study.adapters STUDY ARM …`: an arm as a small adapter on the released model.

An arm is an adapter on the warmed-up base, and the base is an adapter on the released checkpoint. Their sum
is one adapter whose factors are the two pairs concatenated: rank 8 + 8, and 10 MB in bfloat16. The base was
rounded to bfloat16 before the arm was trained, so replies may differ: audit the adapter.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from twofold.models.smollm2 import SPEC
from twofold.report.study import Page
from twofold.report.study_file import HACC, JOINT, Key
from twofold.storage.jsonl import replaced
from twofold.study.plan import BASE

HERE = Path(__file__).parent / "adapters"

WEIGHTS, CONFIG = "adapter_model.safetensors", "adapter_config.json"

MOST = 12 * 2**20
"""The maximal size of an adapter, in bytes."""

_KEPT = ("peft_type", "task_type", "target_modules", "bias", "fan_in_fan_out", "inference_mode")


def joined(lower: Path, upper: Path | None, out: Path, *, base: str | None = None) -> None:
    """Write the sum of two LoRA adapters as one adapter in bfloat16, on the released model.

    Args:
        lower: An adapter on the released model.
        upper: An adapter on the released model plus `lower`; None = only `lower`.
        out: The output folder.
        base: The released model that it names; None: `smollm2`.

    Raises:
        ValueError: If they are not plain LoRA of one scale on the same layers, or their sum is too large.
    """
    import torch
    from safetensors.torch import load_file, save_file

    folders = [folder for folder in (lower, upper) if folder is not None]
    configs = [json.loads((folder / CONFIG).read_text()) for folder in folders]
    odd = any(c.get(key) for c in configs for key in ("use_dora", "use_rslora", "rank_pattern"))
    if odd or len({c["lora_alpha"] / c["r"] for c in configs}) != 1:
        raise ValueError(f"{' and '.join(map(str, folders))} are not plain LoRA of one scale")
    parts = [load_file(folder / WEIGHTS) for folder in folders]
    if any(part.keys() != parts[0].keys() for part in parts):
        raise ValueError(f"{' and '.join(map(str, folders))} adapt different layers")
    rows, columns = 0, 1  # A is concatenated by rows, B by columns
    weights = {
        name: torch.cat([part[name] for part in parts], columns if "lora_B" in name else rows)
        .to(torch.bfloat16)
        .contiguous()
        for name in parts[0]
    }
    size = sum(weight.nbytes for weight in weights.values())
    if size > MOST:
        raise ValueError(f"{out} would have {size:,} bytes, more than {MOST:,}; join smaller ranks")
    config: dict[str, Any] = {key: configs[0][key] for key in _KEPT}
    config["target_modules"] = sorted(config["target_modules"])
    config["base_model_name_or_path"] = base or SPEC
    for key in ("r", "lora_alpha"):
        config[key] = sum(c[key] for c in configs)
    out.mkdir(parents=True, exist_ok=True)
    save_file(weights, out / WEIGHTS, metadata={"format": "pt"})
    (out / WEIGHTS).chmod(0o644)
    with replaced(out / CONFIG) as file:
        json.dump(config, file, indent=1)


def card(study: Path, arm: str, seed: int) -> str:
    """The model card: what the adapter is, how it was made, what it scores, and its limits."""
    page = Page.of(study)
    found = page.study
    made = found.arms[arm]
    rows = [
        f"| {split} | {_told(page, arm, page.capability(split), split)} "
        f"| {_told(page, arm, HACC, split)} | {_told(page, arm, JOINT, split)} |"
        for split in found.splits
    ]
    floors = "; ".join(
        f"{floor.metric} of a {floor.role.replace('_', ' ')} {floor.estimate}"
        for floor in found.floors
    )
    how = "the base of the study: the released model after the warm-up"
    if arm != BASE:
        how = (
            f"arm `{arm}` of the study ({made.method}), seed {seed}, warm-up and arm as one adapter"
        )
    return "\n".join(
        [
            "---",
            "base_model: HuggingFaceTB/SmolLM2-135M-Instruct",
            "library_name: peft",
            "license: apache-2.0",
            "language: en",
            "---",
            "",
            f"# SmolLM2-135M-Instruct, {arm}",
            "",
            f"LoRA, bfloat16; {how}. Made by `python -m recipes.10_smollm2_study`; settings and data are",
            "in the folder above. Trained on weights that were dequantised from a Q4_1 GGUF.",
            "",
            "```",
            f"twofold audit recipes/{HERE.parent.name}/adapters/{arm} \\",
            f"    --problems recipes/{HERE.parent.name}/adapters/test.jsonl --temperature 1 --max-tokens 112",
            "```",
            "",
            f"The arm in the study, over its {len(made.seeds)} seeds (temperature 1, 95 %):",
            "",
            "| split | accuracy, unconstrained | all constraints met | both |",
            "|---|---|---|---|",
            *rows,
            "",
            f"Floors on the first split: {floors}.",
            "",
            "A model of 135 million parameters, trained on short word problems and a dozen reply formats",
            "to study rewards. It is not an assistant: it answers every prompt as if it were such a problem.",
            "",
        ]
    )


def _told(page: Page, arm: str, key: Key, split: str) -> str:
    found = page.findings[split].estimate(key[0], role=arm, condition=key[1])
    return "unscored" if found is None else str(found)


def main() -> int:
    """Write the named adapters."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("study", type=Path, help="the study's folder, e.g. runs/smollm2/cpu/study")
    parser.add_argument("arms", nargs="+", help=f"which arms; `{BASE}` is the warm-up alone")
    parser.add_argument("--seed", type=int, default=0)
    said = parser.parse_args()
    for arm in said.arms:
        upper = None if arm == BASE else said.study / "arms" / arm / f"seed-{said.seed}" / "model"
        joined(said.study.parent / "warm_up", upper, HERE / arm)
        (HERE / arm / "README.md").write_text(card(said.study, arm, said.seed), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
