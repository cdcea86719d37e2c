"""HealthBench's score: the points of a reply over the points that it could win."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from twofold.errors import StatsError
from twofold.stats import average, mean
from twofold.stats.clusters import cluster_sums, n_unlike
from twofold.stats.proportions import wilson_bounds
from twofold.types import ALL, Estimate, Problem, Slice, Verdict

YES = 0.5  # a criterion is met (a pitfall avoided) from here on

N_RESAMPLES = 1000  # of the published error bar

# The tag of a criterion, and the tag of a problem, that scores are broken down by
AXIS, THEME = "axis:", "theme"


def healthbench(rows: Iterable[tuple[Problem, Verdict]], *, seed: int = 0) -> dict[Slice, Estimate]:
    """HealthBench's score, over all examples, by axis and by theme.

    The mean of `example_score` over examples, clipped to [0, 1]. By axis only the criteria of that axis
    count (an example without points to win there is left out). An example with an unscored criterion is
    in no estimate and is counted.

    Args:
        rows: Problems with the verdict of `MeetsChecklist` on one reply: `parts` by `checklist.keys`,
            1 = met, for a pitfall 1 = avoided; 0 without parts is a blank reply, which meets nothing.
            Only HealthBench's problems count.
        seed: Of the resampling.

    Returns:
        The score by slice: `ALL`, `axis`, `theme`; `Estimate.method` gives the published error bar, too.
        A slice without scored examples is left out.

    Source:
        Arora et al. 2025, https://arxiv.org/abs/2505.08775, section 3, and openai/simple-evals. Departs:
        the published grader is asked again until its answer can be read, here the example is unscored;
        the interval is ours, from the unclipped scores and then clipped. The later length adjustment
        (simple-evals PR 108) is not made.

    Example:
        >>> from twofold.types.checklist import Checklist, Criterion
        >>> asked = Checklist(criteria=(
        ...     Criterion(text="Asks how long it has lasted", weight=6),
        ...     Criterion(text="Names a dose", weight=3, pitfall=True)))
        >>> problem = Problem(question="I cough.", checklist=asked, tags={"source": "healthbench"})
        >>> parts = {"item:1": Verdict(1.0), "item:2": Verdict(0.0)}
        >>> print(healthbench([(problem, Verdict(0.5, parts=parts))])[ALL])  # (6 - 3) / 6
        0.500 [0.002, 0.998] (n=1)
    """
    cells: dict[Slice, list[tuple[str, float | None]]] = defaultdict(list)
    for problem, verdict in rows:
        if problem.tags.get("source") != "healthbench" or problem.checklist is None:
            continue
        whole = example_score(problem, verdict)
        themes = [theme for theme in problem.tags.get(THEME, "").split(", ") if theme]
        for part in (ALL, *(Slice("theme", theme) for theme in themes)):
            cells[part].append((problem.id, whole))
        axes = {t for c in problem.checklist.criteria for t in c.tags if t.startswith(AXIS)}
        for tag in sorted(axes):
            if _possible(problem, tag):
                score = None if whole is None else example_score(problem, verdict, tag=tag)
                cells[Slice("axis", tag.removeprefix(AXIS))].append((problem.id, score))
    estimates = {part: _estimate(cell, seed) for part, cell in sorted(cells.items())}
    return {part: found for part, found in estimates.items() if found is not None}


def _possible(problem: Problem, tag: str) -> float:
    """The points that a reply could win: the weights of the criteria that are not pitfalls."""
    criteria = problem.checklist.criteria if problem.checklist else ()
    return sum(c.weight for c in criteria if not c.pitfall and (not tag or tag in c.tags))


def example_score(problem: Problem, verdict: Verdict, *, tag: str = "") -> float | None:
    """The published score of one reply: points of the met criteria over the positive points.

    A pitfall that was not avoided costs its points, so the score can be below 0. None if a criterion was
    not judged, or there is nothing to win. `tag` limits it to the criteria with that tag.
    """
    total = _possible(problem, tag)
    if problem.checklist is None or not total:
        return None
    if not verdict.parts:
        return 0.0 if verdict.score == 0.0 else None
    won = 0.0
    for key, criterion in zip(problem.checklist.keys, problem.checklist.criteria, strict=True):
        if tag and tag not in criterion.tags:
            continue
        part = verdict.parts.get(key)
        if part is None or part.score is None:
            return None
        good = part.score >= YES
        if criterion.pitfall and not good:
            won -= criterion.weight
        elif good and not criterion.pitfall:
            won += criterion.weight
    return won / total


def published_std(scores: list[float], *, seed: int) -> float:
    """The published error bar: the standard deviation of the clipped mean over 1,000 resamples."""
    if not scores:
        raise StatsError("there is no score to resample; leave this estimate out")
    rng = np.random.default_rng(seed)
    values = np.asarray(scores, dtype=np.float64)
    n = len(values)
    means = [values[rng.integers(n, size=n)].mean() for _ in range(N_RESAMPLES)]
    return float(np.std(np.clip(means, 0.0, 1.0)))


def _estimate(cell: Sequence[tuple[str, float | None]], seed: int) -> Estimate | None:
    """The clipped mean of (problem, score) pairs, with the published error bar in its `method`."""
    scored = [(problem, score) for problem, score in cell if score is not None]
    if not scored:
        return None
    scores, problems = [score for _, score in scored], [problem for problem, _ in scored]
    codes = {name: code for code, name in enumerate(sorted(set(problems)))}
    lost = len({problem for problem, _ in cell} - set(codes))
    bar = f"bootstrap std {published_std(scores, seed=seed):.4f} ({N_RESAMPLES} resamples)"
    found = _interval(scores, [codes[name] for name in problems])
    return replace(found, n_unscored=lost, method=f"{found.method}; published {bar}")


def _interval(scores: list[float], clusters: list[int]) -> Estimate:
    """The clipped mean of scores that are at most 1 and may lie below 0."""
    if min(scores) >= 0.0:
        return mean(scores, clusters)
    rows = cluster_sums(np.asarray(scores, dtype=np.float64), clusters)
    value = min(1.0, max(0.0, float(np.mean(scores))))
    if not n_unlike(rows[:, 0] / rows[:, 1]):  # all equal, or one problem: no spread to go by
        low, high = wilson_bounds(value, len(rows))
        return Estimate(
            value=value, low=low, high=high, n=len(rows), method="modified wilson, clipped mean"
        )
    found = average(scores, clusters)
    low, high = (min(1.0, max(0.0, end)) for end in (found.low, found.high))
    return replace(found, value=value, low=low, high=high, method=f"{found.method}, clipped")
