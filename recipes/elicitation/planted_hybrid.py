"""Is the hybrid's recovery high where the skill was there, and near zero where it was not?

    python -m recipes.elicitation.planted_hybrid OUT [SEED ...]

A hybrid is fitted for each pair of `recipes.elicitation` on 120 problems, and asked the pair's 24 test
problems and 24 fresh ones, three times each, as are the base, the tuned model and every control. Three of the
pairs: what was memorised was had from the test problems, which a hybrid is not fitted on.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from twofold.diagnostics.elicitation.hybrid.gates import Divergence
from twofold.diagnostics.elicitation.hybrid.made import Recipe, made
from twofold.diagnostics.elicitation.hybrid.net_recovery import net_recovery
from twofold.diagnostics.elicitation.hybrid.steered import CEILING
from twofold.errors import StatsError
from twofold.models import resolve
from twofold.problems import conditions
from twofold.stats import mean, recovery
from twofold.storage.jsonl import dumps, replaced
from twofold.types import OpenModel

from .digits import asked as puzzles
from .hybrid import Asked, asked
from .measure import BUDGET, said
from .pairs import PAIRS, base, questions, tuned
from .table import average_of

SHOWN = ("silenced_style", "silenced_format", "new_operation")
N_TRAIN = 120
ROWS = ("base", "tuned", "hybrid", "random_vectors", "random_positions", "bias_only", CEILING)
KEPT = Path(__file__).parent / "hybrids.json"


def measure(pair: str, seed: int, out: Path) -> dict[str, Any]:
    """Fit and ask; a pair that was measured before is read."""
    file = out / f"{pair}-{seed}" / "hybrid.json"
    if not file.exists():
        name, _, must = PAIRS[pair]
        models = [resolve(str(folder)) for folder in (base(name, out), tuned(pair, seed, out))]
        before, after = (each for each in models if isinstance(each, OpenModel))
        train = [each.problem for each in puzzles("train", N_TRAIN, seed, must=must)]
        chats = {f"{c}/{problem.id}": chat for c, problem, chat in conditions.asked(train)}
        recipe = Recipe(gate=Divergence(0.02), seed=seed)
        hybrid, _ = made(before, after, chats, BUDGET, file.parent / "hybrid", recipe)
        test = [p.problem for part in ("test", "fresh") for p in questions(pair, seed, part)]
        arms = {"base": asked(before, test), "tuned": asked(after, test)}
        arms["hybrid"] = asked(hybrid, test)
        for control, each in hybrid.controls(rate=arms["hybrid"].rate, seed=seed).items():
            arms[control] = asked(each, test)
        with replaced(file) as lines:
            lines.write(dumps({"pair": pair, "seed": seed, **numbers(arms)}))
    return dict(json.loads(file.read_text()))


def numbers(arms: dict[str, Asked]) -> dict[str, Any]:
    """Accuracy, obedience and recovery of every arm, the share of tokens acted on, and the net recovery."""
    right = np.array([each.right for each in arms.values()])
    keep = ~np.isnan(right).any(axis=0)
    columns = {arm: row[keep].tolist() for arm, row in zip(arms, right, strict=True)}
    lost = int((~keep).sum())
    told: dict[str, Any] = {"arms": {}}
    for arm, each in arms.items():
        obeys = [x for x in each.obeys if not np.isnan(x)]
        share = None
        if arm not in ("base", "tuned"):
            share = _defined(columns["base"], columns["tuned"], columns[arm], lost)
        told["arms"][arm] = {
            "accuracy": said(mean(columns[arm], n_unscored=lost)),
            "obedience": float(np.mean(obeys)),
            "acted": each.rate,
            "recovery": share,
        }
    floors = {a: c for a, c in columns.items() if a not in ("base", "tuned", "hybrid", CEILING)}
    sides = (columns["base"], columns["tuned"], columns["hybrid"])
    try:
        net = net_recovery(*sides, floors, n_unscored=lost)
        told["net"] = {"beyond": net.control, **(said(net.share) or {})}
    except StatsError:
        told["net"] = None
    return told


def _defined(before: list[float], after: list[float], arm: list[float], lost: int) -> Any:
    """The recovery; None where there is no gain to have a share of."""
    try:
        return said(recovery(before, after, arm, n_unscored=lost))
    except StatsError:
        return None


def table(measured: list[dict[str, Any]]) -> str:
    """One line for each pair and seed."""
    head = ["pair", "seed", *ROWS, "recovery", "net of the best control", "tokens steered"]
    lines = [head, ["---"] * len(head)]
    for each in measured:
        cells = [each["arms"].get(arm) for arm in ROWS]
        lines.append(
            [
                f"`{each['pair']}`",
                str(each["seed"]),
                *("-" if cell is None else f"{cell['accuracy']['value']:.2f}" for cell in cells),
                _share(each["arms"]["hybrid"]["recovery"]),
                _share(each["net"]) + (f" ({each['net']['beyond']})" if each["net"] else ""),
                f"{each['arms']['hybrid']['acted']:.1%}",
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def over_seeds(measured: list[dict[str, Any]]) -> str:
    """By pair: accuracy of every arm, recovery and net recovery, the means over the seeds."""
    lines = ["| pair | runs | arm | accuracy | recovery | net of the best control |"]
    lines.append("|---|---|---|---|---|---|")
    for pair in SHOWN:
        of = [each for each in measured if each["pair"] == pair]
        for arm in ROWS:
            found = [each["arms"][arm] for each in of]
            accuracy = average_of([each["accuracy"] for each in found])
            share = average_of([each["recovery"] for each in found])
            net = average_of([each["net"] for each in of]) if arm == "hybrid" else "-"
            lines.append(f"| `{pair}` | {len(of)} | {arm} | {accuracy} | {share} | {net} |")
    return "\n".join(lines)


def _share(found: dict[str, Any] | None) -> str:
    if found is None:
        return "-"
    return f"{found['value']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/elicitation")
    seeds = [int(each) for each in sys.argv[2:]] or [0, 1, 2, 3, 4]
    found = []
    for seed in seeds:
        for pair in SHOWN:
            found.append(measure(pair, seed, folder))
            print(table(found), flush=True)
    print(over_seeds(found))
    KEPT.write_text(json.dumps(found, sort_keys=True, separators=(",", ":")) + "\n")
