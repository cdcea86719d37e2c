"""`python -m benchmarks coverage [FAMILY …]`: simulate what is missing, then print the tables."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.coverage.families import FAMILIES, REPETITIONS, Cell

FILE = Path("runs/coverage.jsonl")


def main(chosen: Sequence[str]) -> None:
    """Simulate the cells of the chosen families that `FILE` lacks; print a table of each."""
    FILE.parent.mkdir(exist_ok=True)
    done = _saved()
    for family in chosen or list(FAMILIES):
        simulate, cells = FAMILIES[family]
        for cell in cells:
            if _key(family, cell) not in done:
                held, of, mean = simulate(cell, REPETITIONS)
                row = {"family": family, "cell": cell, "held": held, "of": of, "mean": mean}
                with FILE.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
                done[_key(family, cell)] = row
        print(f"\n### {family}\n\n{table([done[_key(family, cell)] for cell in cells])}")


def _saved() -> dict[str, Mapping[str, Any]]:
    """The finished cells; a line that was cut off is simulated again."""
    found: dict[str, Mapping[str, Any]] = {}
    text = FILE.read_text(encoding="utf-8") if FILE.exists() else ""
    if text and not text.endswith("\n"):
        FILE.write_text(f"{text}\n", encoding="utf-8")  # so that the next line is not glued to it
    for line in text.splitlines():
        try:
            row = json.loads(line)
        except json.JSONDecodeError:
            continue
        found[_key(row["family"], row["cell"])] = row
    return found


def _key(family: str, cell: Cell) -> str:
    return json.dumps([family, cell], sort_keys=True)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Shares that held, in per cent: a row for each setting, a column for problems and samples."""
    columns = [name for name in ("problems", "samples") if name in rows[0]["cell"]]
    settings = [name for name in rows[0]["cell"] if name not in columns]
    heads = sorted({tuple(row["cell"][c] for c in columns) for row in rows})
    found: dict[tuple[Any, ...], dict[tuple[Any, ...], str]] = {}
    for row in rows:
        cell, n = row["cell"], row["of"]
        share = f"{100 * row['held'] / n:.1f}" if n else "–"
        mine = found.setdefault(tuple(cell[s] for s in settings), {})
        mine[tuple(cell[c] for c in columns)] = share
    lines = [
        "| " + " | ".join([*settings, *(" × ".join(map(str, head)) for head in heads)]) + " |",
        "|" + "---|" * (len(settings) + len(heads)),
    ]
    for setting, shares in found.items():
        cells = [*map(str, setting), *(shares.get(head, "–") for head in heads)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main(sys.argv[1:])
