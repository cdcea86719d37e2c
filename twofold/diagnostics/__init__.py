"""The diagnostics: one question a file, a slow saved collection and a pure analysis each."""

DIAGNOSTICS = ("joint",)
"""The names that `twofold audit --diagnostics` knows."""
