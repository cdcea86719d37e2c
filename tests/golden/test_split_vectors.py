"""Does `official_split` repeat MathIF's published split on the recorded vectors?"""

import json
import os
from pathlib import Path

import pytest

from twofold.models.thinking import official_split

SHARED = Path(os.environ["TWOFOLD_SHARED"])
VECTORS = SHARED / "data" / "mathif" / "parity_vectors.jsonl"


def test_every_split_vector_is_repeated() -> None:
    if not VECTORS.exists():
        pytest.skip(f"no {VECTORS.name}: set TWOFOLD_SHARED to the folder with the benchmark data")
    rows = [json.loads(line) for line in VECTORS.read_text().splitlines()]
    vectors = [row for row in rows if row["kind"] == "split"]
    assert len(vectors) == 10
    assert [official_split(v["raw"]) for v in vectors] == [v["expected"] for v in vectors]
