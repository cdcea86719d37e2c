"""What the tests of methods share: what they import on the path, and a cache of their own."""

import sys
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "models")]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with one end token and room for a chat."""
    from tiny_llama import copy_of, write_tiny

    made = write_tiny(tmp_path_factory.mktemp("tiny"))
    return copy_of(made, made.parent / "one_end", generation_config={"eos_token_id": 2})
