"""Models made of tiny random networks; `tiny_pairs` and the tiny tokenizer are on the path."""

import sys
from pathlib import Path

import pytest

for _folder in (Path(__file__).parent, Path(__file__).parents[2] / "models"):
    sys.path.insert(0, str(_folder))


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TWOFOLD_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A base and a tuned model, as folders."""
    from tiny_llama import tiny_tokenizer
    from tiny_pairs import nudged, saved, tiny

    tokenizer = tiny_tokenizer()
    base = tiny(vocabulary=len(tokenizer))
    folder = tmp_path_factory.mktemp("pair")
    return saved(base, folder / "base", tokenizer), saved(
        nudged(base, 0.03), folder / "tuned", tokenizer
    )


@pytest.fixture(scope="module")
def models(pair):
    from twofold.models.hf import HfModel

    return tuple(HfModel(str(folder), use_cache=False) for folder in pair)
