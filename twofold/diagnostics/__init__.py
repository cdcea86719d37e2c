"""The diagnostics: one question a file, a slow saved collection and a pure analysis each."""
