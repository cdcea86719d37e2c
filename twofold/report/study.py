"""How does a study become one page?"""

from __future__ import annotations

from pathlib import Path


def write(path: Path) -> Path:
    """Make `report.html` of a study from its `study.json`."""
    return path / "report.html"


def summary(path: Path) -> str:
    """The study in a table."""
    return ""
