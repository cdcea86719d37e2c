"""What are FollowBench's three numbers, exactly? HSR, SSR and CSL of judged replies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import final

from twofold.errors import ProblemError, StatsError
from twofold.problems.followbench import CATEGORIES, TOP
from twofold.stats import mean
from twofold.types import Estimate, Problem, Verdict

LEVELS = range(1, TOP + 1)

YES = 0.5
"""A criterion is met from here on; the published judges say yes or no, so theirs are 0 and 1."""


@final
@dataclass
class _Group:
    """The judged replies to one request: by level, the share of each scored reply."""

    shares: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    lost: set[int] = field(default_factory=set)

    def passed(self, level: int) -> float:
        """The share of the replies at a level that met all of it."""
        found = self.shares[level]
        return sum(share == 1.0 for share in found) / len(found)

    @property
    def whole(self) -> bool:
        """Whether all five levels were asked and judged."""
        return not self.lost and all(self.shares.get(level) for level in LEVELS)


def followbench(
    rows: Iterable[tuple[Problem, Verdict]], *, level: float = 0.95, seed: int = 0
) -> dict[str, Estimate]:
    """HSR, SSR and CSL, over all groups and by category.

    - HSR at level n: the share of groups whose reply meets all n criteria.
    - SSR at level n: the mean share of the n criteria that are met.
    - `overall` of either: (1·L1 + 2·L2 + 3·L3 + 4·L4 + 5·L5) / 15. Its interval is the same weighted mean
      of the levels' intervals: a bound on the wide side, right if the levels move together.
    - CSL: the mean number of consecutive levels, from level 1 on, that are wholly met; 0 to 5. With
      several replies a level it is what is expected when one of each level is drawn.

    Unscored is not zero: a reply with an unscored criterion, a broken one beside it or not, is in no
    number, and a group with one is not in CSL (nor is a group with less than five levels). Both are
    counted. The published code adds a judge's failure to SSR as -1: one perfect group and one failure
    give it (1 - 1) / 2 = 0, here 1.0 with n=1 and one unscored.

    Args:
        rows: Problems of the FollowBench reader, each with the verdict on one reply as `MeetsChecklist`
            gives it: `parts` by `checklist.keys`; 0 without parts is a blank reply. Problems of another
            source are passed over.
        level: Coverage of the intervals.
        seed: Decides the bootstrap's resamples.

    Returns:
        `followbench/NAME/hsr/LEVEL`, `.../ssr/LEVEL` (LEVEL 1 to 5, or `overall`) and
        `followbench/NAME/csl`, NAME being `all` or a category. `n` counts groups. What nothing scored
        rests on is left out, and `overall` unless all five levels are there.

    Raises:
        ProblemError: If a problem of FollowBench has lost its tags or its own checklist.

    Source:
        Jiang et al. 2024, https://arxiv.org/abs/2310.20410, section 5; weights and quirks as in
        YJiangcm/FollowBench (aggregator and evaluation). Departs: nothing is rounded (published: CSL to
        one decimal); -1 is not summed; all format groups are in CSL as they are in HSR (published: of the
        groups with rules only 22); `all` pools the groups, so a category weighs by its groups.

    Example:
        >>> from twofold.checklist import Checklist, Criterion
        >>> asked = Checklist(criteria=(Criterion(text="Is it short?"),))
        >>> tags = {"source": "followbench", "category": "style", "group": "1", "level": "1"}
        >>> problem = Problem(question="Be short.", checklist=asked, tags=tags)
        >>> found = followbench([(problem, Verdict(1.0, parts={"item:1": Verdict(1.0)}))])
        >>> print(found["followbench/all/hsr/1"])
        1.000 [0.207, 1.000] (n=1)
    """
    blocks: dict[str, dict[str, _Group]] = {name: {} for name in ("all", *CATEGORIES)}
    for problem, verdict in rows:
        if problem.tags.get("source") != "followbench":
            continue
        category, name, place = _placed(problem)
        group = blocks["all"].setdefault(name, _Group())
        blocks.setdefault(category, {})[name] = group
        share = met_share(problem, verdict)
        if share is None:
            group.lost.add(place)
        else:
            group.shares[place].append(share)
    found: dict[str, Estimate] = {}
    for name, groups in blocks.items():
        for key, estimate in _block(list(groups.values()), level, seed).items():
            found[f"followbench/{name}/{key}"] = estimate
    return found


def _placed(problem: Problem) -> tuple[str, str, int]:
    """Category, group and level of a problem."""
    tags = problem.tags
    level = tags.get("level", "")
    if level not in map(str, LEVELS) or not tags.get("category") or not tags.get("group"):
        raise ProblemError(
            f"problem {problem.id} is of FollowBench and lacks category, group or a level of 1 to {TOP} "
            "among its tags; read the published files anew"
        )
    n_criteria = len(problem.checklist.criteria) if problem.checklist else 0
    if n_criteria != int(level):
        raise ProblemError(
            f"problem {problem.id} of level {level} has {n_criteria} criteria, so its checklist is not "
            "FollowBench's own; read the published files anew"
        )
    return tags["category"], f"{tags['category']}/{tags['group']}", int(level)


def met_share(problem: Problem, verdict: Verdict) -> float | None:
    """The share of a problem's criteria that a reply meets.

    Args:
        problem: With a checklist.
        verdict: Its `parts` by `checklist.keys`; 0 without parts is a blank reply.

    Returns:
        In [0, 1]; None if a criterion was not judged.
    """
    if not verdict.parts:
        return 0.0 if verdict.score == 0.0 and problem.checklist else None
    keys = problem.checklist.keys if problem.checklist else ()
    scores = [verdict.parts[key].score if key in verdict.parts else None for key in keys]
    judged = [score >= YES for score in scores if score is not None]
    return sum(judged) / len(judged) if judged and len(judged) == len(scores) else None


def _block(groups: list[_Group], level: float, seed: int) -> dict[str, Estimate]:
    """The numbers of some groups."""
    found: dict[str, Estimate] = {}
    for measure in ("hsr", "ssr"):
        for place in LEVELS:
            values, clusters = [], []
            for code, group in enumerate(groups):
                shares = group.shares.get(place, [])
                values += [float(s == 1.0) if measure == "hsr" else s for s in shares]
                clusters += [code] * len(shares)
            lost = sum(place in g.lost and not g.shares.get(place) for g in groups)
            if values:
                found[f"{measure}/{place}"] = mean(
                    values, clusters, n_unscored=lost, level=level, seed=seed
                )
        by_level = {place: found.get(f"{measure}/{place}") for place in LEVELS}
        there = {place: estimate for place, estimate in by_level.items() if estimate}
        if len(there) == TOP:
            found[f"{measure}/overall"] = weighted(there)
    whole = [group for group in groups if group.whole]
    if whole:
        lengths = [_chain(group) / TOP for group in whole]
        share = mean(lengths, n_unscored=len(groups) - len(whole), level=level, seed=seed)
        found["csl"] = replace(
            share, value=TOP * share.value, low=TOP * share.low, high=TOP * share.high
        )
    return found


def _chain(group: _Group) -> float:
    """How many levels from the first on are met: 1·p1 + p1·p2 + ... for the shares p that pass."""
    length, alive = 0.0, 1.0
    for place in LEVELS:
        alive *= group.passed(place)
        length += alive
    return length


def weighted(levels: Mapping[int, Estimate]) -> Estimate:
    """The published mean over levels, level n with weight n.

    Args:
        levels: Estimates of all five levels.

    Returns:
        The weighted mean of the values and of both ends. No covariance is needed: the standard error of
        a weighted sum is at most the weighted sum of the standard errors. `n` and `n_unscored` are
        those of the level with the fewest groups.

    Raises:
        StatsError: If a level is missing.

    Example:
        >>> one = mean([1, 0]), mean([1, 1])
        >>> levels = {n: one[n == 5] for n in range(1, 6)}
        >>> round(weighted(levels).value, 4)  # (10 * 0.5 + 5 * 1) / 15
        0.6667
    """
    if set(levels) != set(LEVELS):
        raise StatsError(
            f"levels {', '.join(map(str, sorted(levels)))} are no five levels; give 1 to {TOP}, or "
            "leave the mean out"
        )
    total = sum(LEVELS)

    def over(values: Mapping[int, float]) -> float:
        return min(1.0, sum(place * value for place, value in values.items()) / total)

    fewest = min(levels.values(), key=lambda estimate: (estimate.n, -estimate.n_unscored))
    return Estimate(
        value=over({place: e.value for place, e in levels.items()}),
        low=over({place: e.low for place, e in levels.items()}),
        high=over({place: e.high for place, e in levels.items()}),
        n=fewest.n,
        n_unscored=fewest.n_unscored,
        level=fewest.level,
        method="weighted mean of the levels' intervals",
    )
