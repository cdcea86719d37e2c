"""Which rows of published files does an obedient reply fail, by their own rules?"""

from collections.abc import Iterator

from twofold.problems.followbench import UNMEETABLE
from twofold.problems.lint.fault import Fault
from twofold.types import Problem


def published(problem: Problem) -> Iterator[Fault]:
    """FollowBench rows whose published rule no obedient reply passes."""
    tags = problem.tags
    if tags.get("source") != "followbench":
        return
    least, why = UNMEETABLE.get((tags.get("category", ""), tags.get("group", "")), (9, ""))
    if int(tags.get("level", 0)) >= least:
        detail = f"FollowBench's rule fails every obedient reply: {why}; leave the row out"
        yield Fault.of(problem, "rule_cannot_be_met", detail, "warning")
