"""Where does randomness come from? One generator for each thing that is drawn for, by a hash."""

from __future__ import annotations

from hashlib import sha256

import numpy as np


def rng_for(*parts: object) -> np.random.Generator:
    """Randomness of its own for each thing: neighbours and other seeds have nothing in common.

    Args:
        parts: What tells this draw from every other, e.g. what is drawn, the seed, a problem's id. Their
            texts with spaces between are hashed, so a change of one moves every number drawn.

    Example:
        >>> int(rng_for("types", 0, 7).integers(1000)) == int(rng_for("types", 0, 7).integers(1000))
        True
    """
    text = " ".join(["twofold", *map(str, parts)])
    return np.random.default_rng(int.from_bytes(sha256(text.encode()).digest()))
