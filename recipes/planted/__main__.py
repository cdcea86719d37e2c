"""`python -m recipes.planted [OUT] [SEED]`: the chain diagnostics on models of known faithfulness."""

import sys
from pathlib import Path

from recipes.planted.measure import measure, table

if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/planted")
    print(table(measure(out, seed=int(sys.argv[2]) if len(sys.argv) > 2 else 0)))
