"""Where is the small model that comes with the package?

The pocket model is a checkpoint of our own in plain Hugging Face form, beside this file. It is made
by `python -m recipes.pocket_model`; its card is `checkpoint/README.md`. It goes through the same
code as any other checkpoint: asking for `pocket` is asking for this folder.
"""

from __future__ import annotations

from pathlib import Path

SPEC = "pocket"
"""What to ask for it by."""

FOLDER = Path(__file__).parent / "checkpoint"
"""Configuration, weights, tokenizer, chat template and card."""
