"""The tiny model of the method tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "models"))


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model with one end token and room for a chat."""
    from tiny_llama import copy_of, write_tiny

    made = write_tiny(tmp_path_factory.mktemp("curves"))
    return copy_of(
        made, tmp_path_factory.mktemp("ends") / "model", generation_config={"eos_token_id": 2}
    )
