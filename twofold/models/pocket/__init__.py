"""Where is the small model that comes with the package?

It is an ordinary Hugging Face checkpoint beside this file, made by `python -m recipes.pocket_model`;
its card is `checkpoint/README.md`.
"""

from pathlib import Path

SPEC = "pocket"
FOLDER = Path(__file__).parent / "checkpoint"
