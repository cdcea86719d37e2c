"""How are progress bars and warnings of the libraries suppressed while a model is loaded?"""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers.utils import logging as _hf_logging

hf_logging: Any = _hf_logging  # only partly annotated
_READS_GGUF = "transformers.modeling_gguf_pytorch_utils"


@contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and warnings from the libraries; errors are still raised."""
    level, bars = hf_logging.get_verbosity(), hf_logging.is_progress_bar_enabled()
    hf_logging.set_verbosity_error()
    hf_logging.disable_progress_bar()
    reader: Any = sys.modules.get(_READS_GGUF)
    if reader:  # its own bar is shown whatever is set
        reader.tqdm = hf_logging.tqdm
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # PEFT uses what transformers renames
            warnings.simplefilter("ignore", UserWarning)  # what they warn of is checked and refused
            yield
    finally:
        hf_logging.set_verbosity(level)
        if bars:
            hf_logging.enable_progress_bar()
