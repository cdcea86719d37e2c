"""`official` against vectors that the published code produced, and every published instruction."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from twofold.constraints import from_spec
from twofold.types import Profile

SHARED = Path(os.environ["TWOFOLD_SHARED"]) / "data"


def rows(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        pytest.skip(f"no {path.name}: set TWOFOLD_SHARED to the folder that holds data/")
    yield from (json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip())


def test_published_verdicts() -> None:
    vectors = [r for r in rows(SHARED / "mathif/parity_vectors.jsonl") if r["kind"] == "constraint"]
    assert len(vectors) == 66
    wrong = [
        vector
        for vector in vectors
        if from_spec(vector["name"], vector["args"], profile="official")
        .check(vector["response"])
        .score
        != float(vector["expected"])
    ]
    assert wrong == []


@pytest.mark.parametrize("profile", get_args(Profile))
def test_every_ifeval_instruction_builds(profile: Profile) -> None:
    seen = Counter(
        from_spec(name, args, profile=profile).name
        for row in rows(SHARED / "ifeval/input_data.jsonl")
        for name, args in zip(row["instruction_id_list"], row["kwargs"], strict=True)
    )
    assert sum(seen.values()) == 834 and len(seen) == 25
    assert seen["punctuation:no_comma"] == 66 and seen["detectable_format:title"] == 37


@pytest.mark.parametrize("profile", get_args(Profile))
def test_every_mathif_instruction_builds_and_can_be_obeyed(profile: Profile) -> None:
    rules = [
        from_spec(name, args, profile=profile)
        for source in ("gsm8k", "math500", "minerva", "olympiad", "aime")
        for arity in ("single", "double", "triple")
        for row in rows(SHARED / f"mathif/{source}_{arity}.jsonl")
        for name, args in zip(row["constraint_name"], row["constraint_args"], strict=True)
    ]
    assert len(rules) == 840 and len({rule.name for rule in rules}) == 15
    for rule in rules:
        obeys, breaks = rule.witnesses()
        assert (rule.check(obeys).score, rule.check(breaks).score) == (1.0, 0.0), rule
