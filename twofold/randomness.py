"""Where does randomness come from? From independent generators, each seeded by a hash."""

from hashlib import sha256

import numpy as np


def rng_for(*parts: object) -> np.random.Generator:
    """A generator that is independent for each combination of `parts` (purpose, seed, problem id).

    Example:
        >>> int(rng_for("types", 0, 7).integers(1000)) == int(rng_for("types", 0, 7).integers(1000))
        True
    """
    text = " ".join(["twofold", *map(str, parts)])
    return np.random.default_rng(int.from_bytes(sha256(text.encode()).digest()))
