"""Simulated replies with a known truth, many repetitions at a time."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

Array = NDArray[np.float64]

# The rates of the problems: all equal, or spread by a Beta distribution (most near 0, most near 1, even).
RATES: dict[str, float | tuple[float, float]] = {
    **{str(rate): rate for rate in (0.02, 0.1, 0.3, 0.5, 0.8, 0.95)},
    "beta(.5, 4.5)": (0.5, 4.5),
    "beta(.2, 1.8)": (0.2, 1.8),
    "beta(4, 1)": (4.0, 1.0),
    "beta(1, 1)": (1.0, 1.0),
}


def truth(rates: str) -> float:
    """The mean rate over all problems."""
    kind = RATES[rates]
    return kind if isinstance(kind, float) else kind[0] / sum(kind)


def drawn(rates: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """The rates of problems."""
    kind = RATES[rates]
    return np.full(shape, kind) if isinstance(kind, float) else rng.beta(*kind, shape)


def replies(rates: Array, n_samples: int, rng: np.random.Generator) -> Array:
    """0/1 scores of `n_samples` replies to each problem, one more axis than `rates`."""
    return (rng.random((*rates.shape, n_samples)) < rates[..., None]).astype(np.float64)


def moved(rates: Array, mean: float, effect: float) -> Array:
    """The rates after an effect of this mean, larger where there is more room."""
    room = (1 - rates) / (1 - mean) if effect >= 0 else rates / mean
    return np.clip(rates + effect * room, 0, 1)


def runs(
    shape: tuple[int, int, int], centre: float, sd_problems: float, sd_seeds: float, seed: int
) -> Array:
    """Rates of problems in several training runs, `(repetitions, seeds, problems)`, by logits."""
    rng, (n, n_seeds, n_problems) = np.random.default_rng(seed), shape
    problems = sd_problems * rng.normal(size=(n, 1, n_problems))
    return np.asarray(expit(centre + problems + sd_seeds * rng.normal(size=(n, n_seeds, 1))))


def mean_of_runs(centre: float, sd_problems: float, sd_seeds: float) -> float:
    """The mean rate over all problems and training runs, by quadrature over the sum of logits."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(101)
    sd = (sd_problems**2 + sd_seeds**2) ** 0.5
    return float((expit(centre + sd * nodes) * weights).sum() / weights.sum())
