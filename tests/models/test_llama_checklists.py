"""The commands of checklists against a real server: SmolLM2 behind llama.cpp judges and writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


def run(place: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "twofold", *map(str, arguments)],
        env=os.environ | {"TWOFOLD_CACHE": str(place / "cache"), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_served_model_answers_is_judged_by_a_served_model_and_paired(
    llama_server: str, tmp_path: Path
) -> None:
    listed, replies = tmp_path / "listed.jsonl", tmp_path / "replies"
    wrote = run(tmp_path, "checklist", "write", "synthetic:3", "--out", listed)
    assert wrote.returncode == 0, wrote.stderr
    asked = run(
        tmp_path,
        *("audit", llama_server, "--problems", listed, "--samples", 2, "--temperature", 1),
        *("--max-tokens", 48, "--judge", llama_server, "--out", replies),
    )
    assert asked.returncode in (0, 3), asked.stderr  # a model this small abstains often
    rows = [json.loads(line) for line in (replies / "checklist.jsonl").read_text().splitlines()]
    assert len(rows) == 3 * 2 + 2 * 3  # two replies and two floors a problem
    said = [score for row in rows for score in row["scores"].values()]
    assert said and all(score is None or 0 <= score <= 1 for score in said)
    assert all(row["score"] is not None or row["reason"] for row in rows)
    page = (replies / "report.html").read_text()
    assert "checklists" in page
    paired = run(
        tmp_path,
        *("pairs", replies, "--problems", listed, "--judge", "exact", "--keep", 1.0),
        *("--out", tmp_path / "pairs.jsonl"),
    )
    assert paired.returncode in (0, 4), paired.stderr


def test_a_served_model_writes_checklists_or_says_why_not(
    llama_server: str, tmp_path: Path
) -> None:
    out = tmp_path / "written.jsonl"
    done = run(
        tmp_path,
        *("checklist", "write", "synthetic:3", "--writer", llama_server, "--max-tokens", 256),
        *("--out", out),
    )
    n = len(out.read_text().splitlines()) if out.exists() else 0
    assert f"{n} of 3 problems have a checklist" in done.stdout, done.stderr
    assert done.returncode == (0 if n == 3 else 3)
    assert n == 3 or "have none and are not in the file" in done.stderr
