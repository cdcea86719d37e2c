"""Keep what was measured in `measured.json`: `python -m recipes.elicitation.keep [OUT]`."""

import json
import sys
from pathlib import Path
from typing import Any

from .ladder import table as ladder_table
from .table import arms, gains, over_seeds, verdicts

KEPT = Path(__file__).parent / "measured.json"
ARMS = Path(__file__).parent / "arms.md"
HEAD = "# Every arm of every planted pair, 24 problems each\n\n"


def collected(out: Path) -> dict[str, list[dict[str, Any]]]:
    """Everything that is finished under `out`, and the pairs of a first attempt as they were kept."""
    found: dict[str, list[dict[str, Any]]] = {"pairs": [], "ladder": [], "first": []}
    found["first"] = json.loads(KEPT.read_text())["first"] if KEPT.exists() else []
    for file in sorted(out.glob("*/measured.json")):
        kind = "ladder" if file.parent.name.startswith("ladder") else "pairs"
        found[kind].append(json.loads(file.read_text()))
    return found


if __name__ == "__main__":
    kept = collected(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/elicitation"))
    KEPT.write_text(json.dumps(kept, sort_keys=True, separators=(",", ":")) + "\n")
    ARMS.write_text(HEAD + arms(kept["pairs"]) + "\n")
    pairs = kept["pairs"]
    print(
        verdicts(pairs), gains(pairs), over_seeds(pairs), ladder_table(kept["ladder"]), sep="\n\n"
    )
