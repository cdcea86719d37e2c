"""Does a problem occur twice, in its own file or in another one?

Two questions are the same if their words and operators are, in any case and punctuation. They are near
duplicates if they share half of the 13-word runs of the shorter one. Long runs, because short ones
recur by chance; half, because a sentence that a data set adds to every question is one or two runs
long.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from twofold.problems.lint.fault import Fault
from twofold.types import Problem

N_WORDS = 13

# Share of the runs of the shorter question that must be shared.
NEAR = 0.5

Words = tuple[str, ...]
# A number, a word, or a sign with a meaning (`3 + 4` is not `3 - 4`).
_WORD = re.compile(r"\d+\.\d+|\w+|[^\w\s.,;:?\"'“”‘’$]")


def duplicates(problems: Sequence[Problem]) -> Iterator[Fault]:
    """Problems that repeat an earlier one: all of it, its question, or its published id.

    The same content is an error, since it is counted twice under one id; the same question with other
    constraints is a warning, since it can be intended.
    """
    for problem, first in _repeats(problems, lambda p: p.id):
        detail = f"the same content as {_name(first)}; remove one"
        yield Fault.of(problem, "same_problem", detail, "error")
    for problem, first in _repeats(problems, lambda p: words(p.question) or (p.question,)):
        if problem.id != first.id:
            detail = f"the same question as {_name(first)}"
            yield Fault.of(problem, "same_question", detail, "warning")
    for problem, first in _repeats(problems, lambda p: p.tags.get("published_id")):
        detail = f"{_name(first)} has the published id {problem.tags['published_id']!r} too"
        yield Fault.of(problem, "same_published_id", detail, "warning")


def overlap(problems: Sequence[Problem], train_set: Sequence[Problem]) -> Iterator[Fault]:
    """Problems whose question is also in `train_set`, the same or nearly; warnings.

    Source: runs of 13 words: Brown et al. 2020, https://arxiv.org/abs/2005.14165, appendix C.
    Departs: there one shared run is enough; here half of the shorter question's must be.

    Example:
        >>> ours = Problem(question="If a farmer has 3 cows, how many legs have all of his cows?")
        >>> theirs = Problem(question="If a farmer has 3 cows how many legs have all of his cows")
        >>> [fault.rule for fault in overlap([ours], [theirs])]
        ['overlap_same']
    """
    same: dict[Words, Problem] = {}
    holders: defaultdict[int, list[int]] = defaultdict(list)
    n_runs = []
    for index, other in enumerate(train_set):
        read = words(other.question)
        same.setdefault(read, other)
        found = _runs(read)
        n_runs.append(len(found))
        for run in found:
            holders[run].append(index)
    for problem in problems:
        read = words(problem.question)
        if read in same:
            detail = f"the same question as {_name(same[read])} of the other file"
            yield Fault.of(problem, "overlap_same", detail, "warning")
            continue
        found = _runs(read)
        shared = Counter(index for run in found for index in holders.get(run, ()))
        shares = {i: count / min(len(found), n_runs[i]) for i, count in shared.items()}
        nearest = max(shares, key=lambda i: shares[i], default=None)
        if nearest is not None and shares[nearest] >= NEAR:
            place = f"are in {_name(train_set[nearest])} of the other file"
            detail = f"{shares[nearest]:.0%} of the {N_WORDS}-word runs {place}"
            yield Fault.of(problem, "overlap_near", detail, "warning")


def words(text: str) -> Words:
    """The words and operators of a text in lower case, without punctuation."""
    return tuple(_WORD.findall(text.lower()))


def _runs(read: Words) -> set[int]:
    """Hashes of all runs of `N_WORDS` words; empty for a shorter text."""
    shifted = [islice(read, start, None) for start in range(N_WORDS)]
    return {hash(run) for run in zip(*shifted, strict=False)}


def _repeats(
    problems: Sequence[Problem], key: Callable[[Problem], object]
) -> list[tuple[Problem, Problem]]:
    """Every problem whose key an earlier one has, with the first that has it; None is no key."""
    first: dict[object, Problem] = {}
    return [
        (problem, first[of_it])
        for problem in problems
        if (of_it := key(problem)) is not None and first.setdefault(of_it, problem) is not problem
    ]


def _name(problem: Problem) -> str:
    return problem.tags.get("source_id", "") or problem.id
