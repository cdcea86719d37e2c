"""Does a constraint of your own judge the two texts right that it gives as proof?"""

from collections.abc import Iterator, Sequence

from twofold.problems.lint.fault import Fault
from twofold.types import Constraint, Problem


def witnesses(problems: Sequence[Problem]) -> Iterator[Fault]:
    """Constraints from outside twofold, each type once, at the first problem that has it."""
    seen: set[type[Constraint]] = set()
    for problem in problems:
        for each in problem.constraints:
            if type(each) in seen or type(each).__module__.startswith("twofold."):
                continue
            seen.add(type(each))
            for text, wanted, word in zip(
                each.witnesses(), (1.0, 0.0), ("meet", "break"), strict=True
            ):
                found = each.check(text)
                if found.score is not None and found.score != wanted:
                    detail = (
                        f"{each.name}: {text!r:.60} should {word} it and does not: {found.reason}"
                    )
                    yield Fault.of(problem, "witness_fails", detail, "error")
