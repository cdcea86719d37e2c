"""How little room does a planted gain need? `python -m recipes.elicitation.ladder OUT [SEED ...]`.

The same worked solutions train a vector for each layer, LoRA of rank 1 and 16, and all weights. What was
there before needs little room; an operation that the base has never seen should need more.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from twofold.errors import StatsError
from twofold.methods import Sft
from twofold.models import resolve
from twofold.randomness import rng_for
from twofold.stats import mean, recovery
from twofold.storage.jsonl import dumps, replaced

from .digits import asked
from .measure import right, said
from .pairs import PAIRS, base, questions, worked

N_TRAIN, BATCH, EPOCHS = 320, 32, 8

ARMS: dict[str, dict[str, Any]] = {
    "layer_bias": {"layer_bias": True, "learning_rate": 2e-2},
    "lora_1": {"lora": 1, "learning_rate": 1e-2},
    "lora_16": {"lora": 16, "learning_rate": 4e-3},
    "full": {"learning_rate": 1e-3},
}
LADDERS = ("silenced_style", "new_operation")


def climbed(pair: str, seed: int, out: Path) -> dict[str, Any]:
    """The accuracy of each arm on the test problems, and its elicitation share; read if it is there.

    The share is (arm - base) / (full - base), paired by problem; None where the gain of `full` is below 3
    points or its interval includes 0.
    """
    file = out / f"ladder-{pair}-{seed}" / "measured.json"
    if not file.exists():
        origin, tests = base(PAIRS[pair][0], out), [each.problem for each in questions(pair, seed)]
        scores = {"base": right(resolve(str(origin)), tests)}
        for arm, settings in ARMS.items():
            made = trained(pair, seed, origin, file.parent / arm, settings)
            scores[arm] = right(resolve(str(made)), tests)
        told = {"pair": pair, "seed": seed} | {
            arm: {"accuracy": rate(of), "share": share(scores, arm)} for arm, of in scores.items()
        }
        with replaced(file) as lines:
            lines.write(dumps(told))
    return dict(json.loads(file.read_text()))


def trained(pair: str, seed: int, origin: Path, out: Path, settings: dict[str, Any]) -> Path:
    """The folder of an arm: all learn from the same replies, in the same order."""
    puzzles = asked("train", N_TRAIN, seed, must=PAIRS[pair][2])
    rng = rng_for("digits", "ladder", seed)
    lines = out.parent / "demonstrations.jsonl"
    lines.parent.mkdir(parents=True, exist_ok=True)
    rows = [{"problem": p.problem.id, "raw": worked(rng, p, False)} for p in puzzles]
    lines.write_text("".join(dumps(row) + "\n" for row in rows))
    method = Sft(
        demonstrations=lines,
        instructions="empty",
        batch=BATCH,
        epochs=EPOCHS,
        save_steps=1000,
        seed=seed,
        **settings,
    )
    return method.train(str(origin), [p.problem for p in puzzles], out=out).folder


def rate(scores: list[float | None]) -> dict[str, Any] | None:
    """The accuracy of the scored replies."""
    there = [score for score in scores if score is not None]
    return said(mean(there, n_unscored=len(scores) - len(there))) if there else None


def share(scores: dict[str, list[float | None]], arm: str) -> dict[str, Any] | None:
    """The elicitation share of an arm; None if it is not defined."""
    columns = [scores[name] for name in ("base", "full", arm)]
    both = [row for row in zip(*columns, strict=True) if None not in row]
    try:
        return said(recovery(*zip(*both, strict=True), n_unscored=len(columns[0]) - len(both)))
    except StatsError:
        return None


def table(climbs: list[dict[str, Any]]) -> str:
    """Accuracy and elicitation share by pair, seed and arm, in Markdown."""
    lines = ["| pair | seed | arm | accuracy | elicitation share |", "|---|---|---|---|---|"]
    for each in climbs:
        for arm in ("base", *ARMS):
            accuracy, part = each[arm]["accuracy"], each[arm]["share"]
            shown = [
                "not defined"
                if x is None
                else f"{x['value']:.2f} [{x['low']:.2f}, {x['high']:.2f}]"
                for x in (accuracy, part)
            ]
            lines.append(f"| `{each['pair']}` | {each['seed']} | {arm} | {' | '.join(shown)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/elicitation")
    found = []
    for seed in [int(each) for each in sys.argv[2:]] or [0, 1, 2]:
        for pair in LADDERS:
            found.append(climbed(pair, seed, folder))
            print(table(found), flush=True)
