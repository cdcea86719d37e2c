"""What is simulated: each family has the cells of its grid and a way to simulate one of them.

A cell's result is how many of its repetitions held (the interval contains the truth; the test found the
difference; a move was claimed) and a mean: the width of the interval or the effect.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any
from zlib import crc32

import numpy as np

from benchmarks.coverage.worlds import (
    RATES,
    Array,
    drawn,
    mean_of_runs,
    moved,
    replies,
    runs,
    truth,
)
from twofold.stats import crossed_independent, crossed_mean, crossed_paired, mean, outcome, paired
from twofold.stats.paired_difference import difference
from twofold.types import Estimate, Outcome

Cell = Mapping[str, Any]
Result = tuple[int, int, float]  # held, repetitions, mean

REPETITIONS = 1000  # two standard errors are 1.4 points
PROBLEMS = (20, 50, 100, 200, 500)
SAMPLES = (1, 4, 8)
SD_SEED = 0.3  # logits between training runs that differ by nothing but their seed


def _seeded(cell: Cell) -> np.random.Generator:
    return np.random.default_rng(crc32(repr(sorted(cell.items())).encode()))


def _held(estimates: Iterator[Estimate], true: float) -> Result:
    found = [(e.low - 1e-9 <= true <= e.high + 1e-9, e.high - e.low) for e in estimates]
    return sum(held for held, _ in found), len(found), float(np.mean([w for _, w in found]))


def _of(n: int, n_samples: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.repeat(np.arange(n), n_samples)


def means(cell: Cell, repetitions: int) -> Result:
    """Intervals of a mean."""
    n, samples, rng = cell["problems"], cell["samples"], _seeded(cell)
    of = _of(n, samples)
    scores = (
        replies(drawn(cell["rates"], (n,), rng), samples, rng).ravel() for _ in range(repetitions)
    )
    return _held((mean(each, of) for each in scores), truth(cell["rates"]))


def _pair(cell: Cell, effect: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Replies before and after; correlated: to problems of the same rates, half of them alike."""
    n, samples = cell["problems"], cell["samples"]
    before = drawn(cell["rates"], (n,), rng)
    after = before if cell["correlated"] else drawn(cell["rates"], (n,), rng)
    after = moved(after, truth(cell["rates"]), effect)
    first, second = rng.random((2, n, samples))
    if cell["correlated"]:
        second = np.where(rng.random((n, samples)) < 0.5, first, second)
    old, new = first < before[:, None], second < after[:, None]
    return old.astype(float).ravel(), new.astype(float).ravel()


def differences(cell: Cell, repetitions: int) -> Result:
    """Intervals of a paired difference."""
    rng, of = _seeded(cell), _of(cell["problems"], cell["samples"])
    pairs = (_pair(cell, cell["effect"], rng) for _ in range(repetitions))
    return _held((difference(*pair, of) for pair in pairs), cell["effect"])


def _runs(cell: Cell, repetitions: int, sd_seeds: float, seed: int) -> Array:
    """Scores of several training runs, the mean over samples: `(repetitions, seeds, problems)`."""
    shape = (repetitions, cell["seeds"], cell["problems"])
    rates = runs(shape, cell["centre"], cell["sd_problems"], sd_seeds, seed)
    rng = np.random.default_rng(seed + 1)
    return np.asarray(rng.binomial(cell["samples"], rates) / cell["samples"])


def means_of_runs(cell: Cell, repetitions: int) -> Result:
    """Intervals of a mean over problems and training runs."""
    scores = _runs(cell, repetitions, cell["sd_seeds"], 3)
    true = mean_of_runs(cell["centre"], cell["sd_problems"], cell["sd_seeds"])
    return _held((crossed_mean(each) for each in scores), true)


def differences_of_runs(cell: Cell, repetitions: int) -> Result:
    """Intervals of the difference of several runs to a base on the same problems, without effect."""
    shape = (repetitions, 1, cell["problems"])
    rates = runs(shape, cell["centre"], cell["sd_problems"], 0.0, 3)  # the same problems as `after`
    rng = np.random.default_rng(5)
    base = rng.binomial(cell["samples"] * cell["seeds"], rates) / cell["samples"] / cell["seeds"]
    after = _runs(cell, repetitions, cell["sd_seeds"], 3)
    true = mean_of_runs(cell["centre"], cell["sd_problems"], cell["sd_seeds"])
    true -= mean_of_runs(cell["centre"], cell["sd_problems"], 0.0)
    found = (_over_runs(b, a) for b, a in zip(base, after, strict=True))
    return _held(found, true)


def differences_of_recipes(cell: Cell, repetitions: int) -> Result:
    """Intervals of the difference of two recipes, each with training runs of its own, without effect."""
    n_before, n_after = cell["runs"]
    shape = (repetitions, n_before + n_after, cell["problems"])
    rates = runs(shape, cell["centre"], cell["sd_problems"], cell["sd_seeds"], 7)
    scores = (np.random.default_rng(8).random(shape) < rates).astype(float)
    pairs = ((each[:n_before], each[n_before:]) for each in scores)
    return _held((crossed_independent(*pair).difference for pair in pairs), 0.0)


def _over_runs(base: Array, after: Array) -> Estimate:
    return crossed_paired(np.repeat(base, len(after), axis=0), after).difference


def powers(cell: Cell, repetitions: int) -> Result:
    """How often the test finds the `minimum_detectable_effect` that another comparison printed."""
    rng, of = _seeded(cell), _of(cell["problems"], cell["samples"])
    room = 1 - truth(cell["rates"])
    printed: list[float] = []
    for _ in range(50):
        effect = paired(*_pair(cell, 0.0, rng), of).minimum_detectable_effect
        printed += [effect] if effect is not None and effect < room else []
    if not printed:
        return 0, 0, 0.0
    found = 0
    for i in range(repetitions // 2):
        comparison = paired(*_pair(cell, printed[i % len(printed)], rng), of, seed=i)
        found += comparison.p < 0.05
    return found, repetitions // 2, float(np.mean(printed))


def claims(cell: Cell, repetitions: int) -> Result:
    """How often a comparison without a mean effect claims a move of capability or compliance."""
    n, moves = repetitions // 2, 0
    sides = [_compared_runs(cell, n, seed) for seed in (11, 12)]
    for i in range(n):
        capability, compliance = (
            paired(old[i], new[i]) if len(old[i].shape) == 1 else crossed_paired(old[i], new[i])
            for old, new in sides
        )
        claimed = outcome(capability, compliance)
        moves += claimed not in (Outcome.none_rises, Outcome.underpowered)
    return moves, n, 0.0


def _compared_runs(cell: Cell, n: int, seed: int) -> tuple[Array, Array]:
    """Scores of a side before and after, from independent runs, or from a base that was not trained."""
    seeds = cell["seeds"]
    shape = (n, 2 * seeds, cell["problems"])
    sd = SD_SEED if cell["versus"] == "run" else 0.0
    rng = np.random.default_rng(seed)
    logits = cell["sd_problems"] * rng.normal(size=(n, 1, cell["problems"]))
    between = rng.normal(size=(n, 2 * seeds, 1))
    between[:, :seeds] *= sd
    between[:, seeds:] *= SD_SEED
    scores = (rng.random(shape) < 1 / (1 + np.exp(-logits - between))).astype(float)
    before, after = scores[:, :seeds], scores[:, seeds:]
    return (before[:, 0], after[:, 0]) if seeds == 1 else (before, after)


def _cells(**axes: Any) -> list[Cell]:
    return [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]


_SKEWED = ("0.02", "0.1", "0.5", "0.95", "beta(.5, 4.5)", "beta(4, 1)")
_RUNS = {
    "seeds": (2, 3, 5),
    "problems": (50, 200),
    "samples": (1,),
    "centre": (-2.0, 0.0),
    "sd_problems": (1.5,),
    "sd_seeds": (0.0, 0.1, 0.3, 0.6),
}
FAMILIES: dict[str, tuple[Callable[[Cell, int], Result], list[Cell]]] = {
    "mean": (means, _cells(rates=tuple(RATES), problems=PROBLEMS, samples=SAMPLES)),
    "difference": (
        differences,
        _cells(
            rates=_SKEWED,
            correlated=(False, True),
            effect=(0.0,),
            problems=(20, 50, 200),
            samples=SAMPLES,
        )
        + _cells(
            rates=("0.1", "beta(.5, 4.5)"),
            correlated=(False, True),
            effect=(0.1,),
            problems=(20, 50, 200),
            samples=SAMPLES,
        ),
    ),
    "mean of runs": (means_of_runs, _cells(**_RUNS)),
    "difference of runs": (differences_of_runs, _cells(**_RUNS)),
    "difference of recipes": (
        differences_of_recipes,
        _cells(
            runs=((2, 2), (2, 5), (3, 3), (5, 5)),
            problems=(50, 200),
            centre=(-2.0, 0.0),
            sd_problems=(1.5,),
            sd_seeds=(0.0, 0.1, 0.3, 0.6),
        ),
    ),
    "power": (
        powers,
        _cells(
            rates=("0.1", "0.3", "0.5", "beta(.5, 4.5)", "beta(1, 1)"),
            correlated=(False,),
            problems=(20, 50, 200),
            samples=(1, 4),
        ),
    ),
    "claims without effect": (
        claims,
        _cells(
            seeds=(1,),
            versus=("run", "base"),
            sd_problems=(2.0,),
            problems=(50, 100, 200, 500, 1000),
        )
        + _cells(seeds=(3,), versus=("run", "base"), sd_problems=(2.0,), problems=(200,)),
    ),
}
