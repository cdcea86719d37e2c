"""FollowBench's three metrics: HSR, SSR and CSL of judged replies."""

import operator
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import final

import numpy as np

from twofold.errors import ProblemError, StatsError
from twofold.problems.followbench import CATEGORIES, TOP
from twofold.stats import mean
from twofold.types import ALL, Estimate, Problem, Slice, Verdict

LEVELS = range(1, TOP + 1)

YES = 0.5  # a criterion is met from here on


@final
@dataclass
class _Group:
    """The judged replies to one request: by level, each scored reply's share of met criteria."""

    shares: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))
    lost: set[int] = field(default_factory=set)

    def length(self) -> float | None:
        """Consecutive levels met: p1 + p1·p2 + ..., p = the share of replies that meet a level.

        None unless all five levels were asked and judged.
        """
        if self.lost or not all(self.shares[level] for level in LEVELS):
            return None
        met = [np.mean([share == 1.0 for share in self.shares[level]]) for level in LEVELS]
        return float(sum(accumulate(met, operator.mul)))


def part(category: str = "", level: int = 0) -> Slice:
    """The slice of a category and level; "" is all categories, 0 all levels.

    Example:
        >>> part("style"), part("style", 3)
        (Slice(by='category', value='style'), Slice(by='style_level', value='3'))
    """
    if level:
        return Slice(f"{category}_level" if category else "level", str(level))
    return Slice("category", category) if category else ALL


def followbench(rows: Iterable[tuple[Problem, Verdict]]) -> dict[tuple[str, Slice], Estimate]:
    """HSR, SSR and CSL, over all groups and by category.

    - HSR at level n: the share of groups whose reply meets all n criteria.
    - SSR at level n: the mean share of the n criteria that are met.
    - Either over all levels: (1·L1 + 2·L2 + 3·L3 + 4·L4 + 5·L5) / 15; its interval is the same mean of
      the levels' intervals, which is conservative.
    - CSL: the mean number of consecutive levels, from level 1 on, that are fully met; 0 to 5. With
      several replies a level it is the expected value when one of each level is drawn.

    A reply with an unscored criterion is in no metric, and its group is not in CSL (nor is a group with
    fewer than five levels); both are counted. The published code adds a judge's failure to SSR as -1.

    Args:
        rows: Problems with the verdict of `MeetsChecklist` on one reply: `parts` by `checklist.keys`;
            0 without parts is a blank reply. Only FollowBench's problems count.

    Returns:
        Estimates by metric (`followbench_hsr`, `followbench_ssr`, `followbench_csl`) and slice (see
        `part`); `n` counts groups. A metric without scored replies, or over all levels with one missing,
        is left out.

    Raises:
        ProblemError: If a FollowBench problem lacks its tags or its own checklist.

    Source:
        Jiang et al. 2024, https://arxiv.org/abs/2310.20410, section 5; weights and quirks as in
        YJiangcm/FollowBench (aggregator and evaluation). Departs: nothing is rounded (published: CSL to
        one decimal); -1 is not summed; all format groups are in CSL as they are in HSR (published: of the
        groups with rules only 22); all categories together pool the groups, so a category weighs by its
        number of groups.

    Example:
        >>> from twofold.types.checklist import Checklist, Criterion
        >>> asked = Checklist(criteria=(Criterion(text="Is it short?"),))
        >>> tags = {"source": "followbench", "category": "style", "group": "1", "level": "1"}
        >>> problem = Problem(question="Be short.", checklist=asked, tags=tags)
        >>> found = followbench([(problem, Verdict(1.0, parts={"item:1": Verdict(1.0)}))])
        >>> print(found["followbench_hsr", part(level=1)])
        1.000 [0.051, 1.000] (n=1)
    """
    blocks: dict[str, dict[str, _Group]] = {name: {} for name in ("", *CATEGORIES)}
    for problem, verdict in rows:
        if problem.tags.get("source") != "followbench":
            continue
        category, name, level = _placed(problem)
        group = blocks[""].setdefault(name, _Group())
        blocks.setdefault(category, {})[name] = group
        share = _met_share(problem, verdict)
        if share is None:
            group.lost.add(level)
        else:
            group.shares[level].append(share)
    return {
        (f"followbench_{metric}", part(category, level)): estimate
        for category, groups in blocks.items()
        for metric, level, estimate in _metrics(list(groups.values()))
    }


def _placed(problem: Problem) -> tuple[str, str, int]:
    """Category, group and level of a problem."""
    tags = problem.tags
    level = tags.get("level", "")
    if level not in map(str, LEVELS) or not tags.get("category") or not tags.get("group"):
        raise ProblemError(
            f"FollowBench problem {problem.id} lacks the tag category, group or level (1 to {TOP}); read "
            "the published files again"
        )
    n_criteria = len(problem.checklist.criteria) if problem.checklist else 0
    if n_criteria != int(level):
        raise ProblemError(
            f"FollowBench problem {problem.id} of level {level} has {n_criteria} criteria, so its checklist "
            "is not the published one; read the published files again"
        )
    return tags["category"], f"{tags['category']}/{tags['group']}", int(level)


def _met_share(problem: Problem, verdict: Verdict) -> float | None:
    """The share of criteria that a reply meets; None if one was not judged."""
    if not verdict.parts:
        return 0.0 if verdict.score == 0.0 and problem.checklist else None
    keys = problem.checklist.keys if problem.checklist else ()
    scores = [verdict.parts[key].score if key in verdict.parts else None for key in keys]
    judged = [score >= YES for score in scores if score is not None]
    return sum(judged) / len(judged) if judged and len(judged) == len(scores) else None


def _metrics(groups: list[_Group]) -> Iterator[tuple[str, int, Estimate]]:
    """The metrics of some groups by level; level 0 = over all levels."""
    for metric in ("hsr", "ssr"):
        found: dict[int, Estimate] = {}
        for level in LEVELS:
            values, clusters = [], []
            for code, group in enumerate(groups):
                shares = group.shares.get(level, [])
                values += [float(s == 1.0) if metric == "hsr" else s for s in shares]
                clusters += [code] * len(shares)
            lost = sum(level in g.lost and not g.shares.get(level) for g in groups)
            if values:
                found[level] = mean(values, clusters, n_unscored=lost)
        if len(found) == TOP:
            found[0] = weighted(found)
        yield from ((metric, level, estimate) for level, estimate in found.items())
    lengths = [length / TOP for group in groups if (length := group.length()) is not None]
    if lengths:
        share = mean(lengths, n_unscored=len(groups) - len(lengths))
        csl = replace(share, value=TOP * share.value, low=TOP * share.low, high=TOP * share.high)
        yield "csl", 0, csl


def weighted(levels: Mapping[int, Estimate]) -> Estimate:
    """The published mean over five levels, level n with weight n; `n` is the smallest of a level.

    The ends of the interval are weighted alike: the standard error of a weighted sum is at most the
    weighted sum of the standard errors.
    """
    if set(levels) != set(LEVELS):
        raise StatsError(
            f"the weighted mean needs all levels 1 to {TOP} and has {', '.join(map(str, sorted(levels)))}; "
            "leave the mean out"
        )

    def over(field: str) -> float:
        total: float = sum(level * getattr(each, field) for level, each in levels.items())
        return min(1.0, total / sum(LEVELS))

    fewest = min(levels.values(), key=lambda estimate: (estimate.n, -estimate.n_unscored))
    return Estimate(
        value=over("value"),
        low=over("low"),
        high=over("high"),
        n=fewest.n,
        n_unscored=fewest.n_unscored,
        method="weighted mean of the levels' intervals",
    )
