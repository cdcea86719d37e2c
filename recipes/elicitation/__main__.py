"""`python -m recipes.elicitation [OUT] [SEED ...]`: the panel on pairs of planted truth; see `pairs`."""

import sys
from pathlib import Path

from .measure import measure
from .pairs import PAIRS
from .table import table

if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/elicitation")
    seeds = [int(each) for each in sys.argv[2:]] or [0, 1, 2, 3, 4]
    measured = []
    for seed in seeds:
        for pair in PAIRS:
            measured.append(measure(pair, seed, out))
            print(table(measured), flush=True)
