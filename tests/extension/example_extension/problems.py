"""A source of problems."""

from collections.abc import Iterator

from example_extension.rules import EndsWith
from twofold.types import Problem, Profile


def sums(*, profile: Profile) -> Iterator[Problem]:
    """Three sums; the reply is to end with a full stop."""
    for n in range(3):
        rule = EndsWith(".", profile)
        yield Problem(question=f"What is {n} + {n}?", answer=str(2 * n), constraints=(rule,))
