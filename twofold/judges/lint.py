"""Can a checklist be judged? Faults found without a model: `twofold checklist check`.

The wording of a criterion is for a person to read. The names of the faults are stable: `_of_one`,
`_of_two` and `_of_all` have them with their conditions.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from twofold.judges.writing.parse_checklist import LONGEST, MOST
from twofold.problems.lint import Fault, Severity
from twofold.problems.lint.clashes import clashes
from twofold.types import Problem
from twofold.types.checklist import ANSWER, Checklist, Criterion

# A fault's name, the details with the remedy, and the severity.
Found = tuple[str, str, Severity]


def faults(checklist: Checklist, problem: Problem) -> list[Fault]:
    """All faults of a problem's checklist: per criterion, then per pair, then of the whole."""
    placed = [
        (f"{key} {criterion.text[:50]!r}", criterion)
        for key, criterion in zip(checklist.keys, checklist.criteria, strict=True)
    ]
    found = [(where, fault) for where, each in placed for fault in _of_one(each, problem)]
    for (where, one), (there, other) in combinations(placed, 2):
        found += [(f"{where} and {there}", fault) for fault in _of_two(one, other)]
    found += [("the checklist", fault) for fault in _of_all(checklist, problem)]
    return [
        Fault.of(problem, rule, f"{where}: {detail}", severity)
        for where, (rule, detail, severity) in found
    ]


def _of_one(criterion: Criterion, problem: Problem) -> Iterator[Found]:
    if criterion.weight < 1:
        detail = f"weight {criterion.weight:g}; give 1 to 100, or remove it"
        yield "weighs_nothing", detail, "warning"
    if criterion.rule and criterion.pitfall:
        detail = f"a reply does well by breaking {criterion.rule}; set pitfall to false"
        yield "sign_trap", detail, "error"
    rules = [*problem.constraint_keys, *([ANSWER] if problem.answer is not None else [])]
    if criterion.rule and criterion.rule not in rules:
        known = ", ".join(rules) or "none"
        detail = f"no rule {criterion.rule!r} here; name one of: {known}, or leave it empty"
        yield "unknown_rule", detail, "error"
    if criterion.rule in problem.constraint_keys:
        return
    if len(criterion.text) > LONGEST:
        detail = f"longer than {LONGEST} characters; make each demand a criterion of its own"
        yield "too_long", detail, "warning"
    if _leaks(criterion.text, (problem.answer or "").strip()):
        detail = f"it contains the answer {problem.answer!r:.40}; let the rule 'answer' decide that"
        yield "leaks_answer", detail, "warning"


def _leaks(text: str, answer: str) -> bool:
    """Whether the text contains the answer as whole words."""
    letter = len(answer) == 1 and answer.isalpha()  # "a" is an article, "A" may be a choice
    part, whole = _tokens(answer, exact=letter), _tokens(text, exact=letter)
    starts = range(len(whole) - len(part) + 1)
    told = any(whole[i : i + len(part)] == part for i in starts)
    return told and any(token[-1].isalnum() for token in part)


def _tokens(text: str, *, exact: bool) -> list[str]:
    """Words, numbers (with point, sign and separators) and marks; in lower case unless `exact`."""
    text = (text if exact else text.casefold()).replace("−", "-")
    return re.findall(r"(?:(?<!\w)-)?\d+(?:[.,]\d+)*|\w+|[^\w\s]", text)


def _of_two(one: Criterion, other: Criterion) -> Iterator[Found]:
    """The faults of two criteria together."""
    by_rule = bool(one.rule and other.rule)
    same = one.rule == other.rule if by_rule else _words(one.text) == _words(other.text)
    if same and one.pitfall == other.pitfall:
        yield "same_criterion", "they ask the same; remove one of them", "error"
    elif same:
        yield "contradicts", "what does well by one fails the other; remove one", "error"


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _of_all(checklist: Checklist, problem: Problem) -> Iterator[Found]:
    """The faults of the whole, and of the constraints that it names."""
    if len(checklist.criteria) > MOST:
        yield "too_many", f"{len(checklist.criteria)} criteria; keep the {MOST} best", "warning"
    rules = {criterion.rule for criterion in checklist.criteria}
    if len(rules & set(problem.constraint_keys)) < 2:
        return
    for fault in clashes(replace(problem, answer=None)):
        if fault.severity == "error":
            yield "contradicts", f"the constraints: {fault.detail}; correct the problem", "error"
