"""What does a killed process leave of a file that it was about to replace? A part, under another name."""

import re
from pathlib import Path

# The name of a file before it replaces the one that is meant; see `jsonl.replaced`.
INCOMPLETE = re.compile(r"\..+\.[0-9a-f]{32}")


def remove_incomplete(folder: Path) -> None:
    """Remove such parts from a folder of ours and those below it; only its one user may do so."""
    for path in folder.rglob(".*"):
        if INCOMPLETE.fullmatch(path.name):
            path.unlink()
