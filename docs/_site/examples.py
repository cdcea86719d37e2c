"""Which part of a docstring is an example? `Example:`, which griffe knows by the name `Examples:` alone."""

from typing import Any

import griffe


class Examples(griffe.Extension):
    """Renames the section, so that its code is set as code."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called for everything that has been read."""
        if obj.docstring is not None:
            text = obj.docstring.value
            obj.docstring.value = text.replace("\nExample:\n", "\nExamples:\n")
