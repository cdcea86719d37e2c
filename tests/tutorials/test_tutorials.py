"""Each tutorial does what it says, in an empty folder. `python tests/tutorials/test_tutorials.py PAGE` shows
what its blocks print, to write the page by."""

import json
import sys
import tempfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tutorial_page import EXACT, SHORTENED, Block, Reader, blocks, missing

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"
PAGES = sorted(FOLDER.glob("[0-9]*.md"))


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_tutorial_does_what_it_says(page, tmp_path):
    with Reader(tmp_path) as reader:
        for stated, printed in reader.follow(page.read_text(encoding="utf-8")):
            line = missing(stated, printed)
            assert line is None, f"{page.name}:{stated.line}: not printed: {line}\n{printed}"


@pytest.mark.slow
def test_the_notebook_runs(tmp_path):
    """Cell by cell in one interpreter; without Jupyter, so it holds nothing but Python."""
    notebook = json.loads((FOLDER.parents[1] / "notebooks" / "quickstart.ipynb").read_text())
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    assert [c["outputs"] for c in notebook["cells"] if c["cell_type"] == "code"] == [[]] * 3
    page = "".join(f"```python\n{cell}\n```\n" for cell in cells)
    with Reader(tmp_path) as reader:
        printed = [
            told for _, told in reader.follow(page + '```text title="Printed, shortened"\n```\n')
        ]
    assert printed[0].splitlines()[2].startswith("joint 0.")
    assert (tmp_path / "runs/quickstart/report.html").exists()


def test_there_are_five():
    assert len(PAGES) == 5


def test_a_number_that_moved_too_far_is_found():
    stated = Block("text", SHORTENED, "met 0.883 (n=60)", 1)
    assert missing(stated, "met 0.883 (n=60)") is None
    assert missing(stated, "met 0.500 (n=60)") == "met 0.883 (n=60)"
    assert missing(stated, "met 0.883 (n=60) more") == "met 0.883 (n=60)"
    assert missing(Block("text", SHORTENED, "met 0.883 …", 1), "met 0.883 (n=60)") is None
    assert missing(Block("text", EXACT, "b\na", 1), "a\nb") == "a"


def test_a_block_of_an_unknown_form_is_an_error():
    with pytest.raises(AssertionError, match="fence"):
        blocks("```\nno language\n```\n")


def test_a_command_that_fails_fails_the_page(tmp_path):
    with Reader(tmp_path) as reader, pytest.raises(AssertionError, match="line 1"):
        list(reader.follow("```bash\ntwofold check nothing_here.jsonl\n```\n"))
    with Reader(tmp_path) as reader, pytest.raises(AssertionError, match="ZeroDivisionError"):
        list(reader.follow("```python\n1 / 0\n```\n"))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, Reader(Path(folder)) as shown:
        for stated, printed in shown.follow(Path(sys.argv[1]).read_text(encoding="utf-8")):
            print(f"== line {stated.line}\n{printed}")
