"""Doctests of modules whose optional package is not installed are left out, as their tests are skipped."""

from importlib.util import find_spec

LLAMA = ["twofold/models/llama.py", "twofold/models/llama_network.py"]

collect_ignore = [] if find_spec("llama_cpp") else LLAMA
