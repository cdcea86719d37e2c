"""Can a checklist be judged? Faults found without a model: `twofold checklist check`.

Every rule is a pure function. Their names are stable:

- `unknown_rule` (error): the rule is not one of the problem's, or there is no answer to compare with.
- `not_yes_no` (error; a warning for an order): no yes or no answers it.
- `not_about_reply` (error): it asks about the user or the task.
- `not_atomic` (error; a warning where it may be one thing): several demands in one.
- `sign_trap` (error): a pitfall that is put as a virtue, or a demand that is put as a failure.
- `put_negatively` (warning): what a yes means is right, but takes two turns to see.
- `leaks_answer` (error; a warning where the question says it too): the reference answer is in it.
- `subjective` (warning): a matter of opinion.
- `weighs_nothing` (warning): below 1 of 100.
- `same_criterion` (error), `near_criterion` (warning): there twice.
- `contradicts` (error): no reply does well by both, or by it and the problem's constraints.

A criterion that a rule decides is as clear as its rule: how it is worded does not matter then.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from twofold.checklist import ANSWER, Checklist, Criterion
from twofold.judges.writing.implied import implied
from twofold.judges.writing.polarity import put
from twofold.judges.writing.wording import Found, wording
from twofold.problems.lint import Fault
from twofold.problems.lint.clashes import clashes
from twofold.types import Constraint, Problem

NEAR = 0.75
"""Share of words in common (Jaccard) from which on two criteria count as near."""

_EMPTY = re.compile(
    r"a|an|the|this|that|its?|of|to|in|on|at|by|for|with|from|as|be|is|are|was|does|do|did|has|have|any|"
    r"there|reply|response|answer|text|output|obey|instruction"
)
_DENIAL = re.compile(r"not|never|avoids?|refrains?|free|doesn|isn|don|t")
_COMMON = ("yes", "no", "true", "false", "none", "all", "both", "one")


def faults(checklist: Checklist, problem: Problem) -> list[Fault]:
    """All faults of a problem's checklist.

    The rules are wide of grammar: they look at words, so that they are quick, the same for everybody
    and sure of what they call an error. A clean list may still be a bad one.

    Args:
        checklist: What is asked of the replies.
        problem: What they answer; its constraints are the rules that criteria may name.

    Returns:
        Faults, criterion by criterion, then those of two criteria. Each detail says
        where and ends with what to do.

    Example:
        >>> asked = Checklist(criteria=(Criterion(text="Is the reply clear; does it rhyme?"),))
        >>> [fault.rule for fault in faults(asked, Problem(question="A poem?"))]
        ['not_atomic']
    """
    found: list[Fault] = []
    for key, criterion in zip(checklist.keys, checklist.criteria, strict=True):
        for rule, detail, severity in _of_one(criterion, problem):
            found.append(Fault.of(problem, rule, f"{key} {_shown(criterion)}: {detail}", severity))
    pairs = list(zip(checklist.keys, checklist.criteria, strict=True))
    for (one_key, one), (other_key, other) in combinations(pairs, 2):
        for rule, detail, severity in _of_two(one, other, problem):
            where = f"{one_key} {_shown(one)} and {other_key} {_shown(other)}"
            found.append(Fault.of(problem, rule, f"{where}: {detail}", severity))
    found.extend(_of_rules(checklist, problem))
    return found


def _shown(criterion: Criterion) -> str:
    return f"{criterion.text[:50]!r}"


def _of_one(criterion: Criterion, problem: Problem) -> Iterator[Found]:
    if criterion.weight < 1:
        yield (
            "weighs_nothing",
            f"weight {criterion.weight:g}; give 1 to 100, or remove it",
            "warning",
        )
    if criterion.rule and criterion.pitfall:
        detail = f"a reply does well by breaking {criterion.rule}; set pitfall to false"
        yield "sign_trap", detail, "error"
    if criterion.rule in problem.constraint_keys:
        return
    if criterion.rule and (criterion.rule != ANSWER or problem.answer is None):
        known = ", ".join([*problem.constraint_keys, *([ANSWER] if problem.answer else [])])
        detail = (
            f"no rule {criterion.rule!r} here; name one of: {known or 'none'}, or leave it empty"
        )
        yield "unknown_rule", detail, "error"
    yield from _leak(criterion, problem)
    if criterion.rule == ANSWER:
        return
    yield from wording(criterion)
    yield from _infeasible(criterion, problem)


def _leak(criterion: Criterion, problem: Problem) -> Iterator[Found]:
    """Whether it tells the reference answer, as words of its own and not inside others."""
    gold = (problem.answer or "").strip()
    letter = len(gold) == 1 and gold.isalpha()  # "a" is an article, "A" may be a choice
    answer, said = _tokens(gold, exact=letter), _tokens(criterion.text, exact=letter)
    if not any(token[-1].isalnum() for token in answer) or not _within(answer, said):
        return
    stated = " ".join(message["content"] for message in problem.messages())
    known = gold.casefold() in _COMMON or _within(answer, _tokens(stated, exact=letter))
    detail = f"it tells the answer {gold!r:.40}; let a criterion with the rule 'answer' decide"
    yield "leaks_answer", detail, "warning" if known else "error"


def _tokens(text: str, *, exact: bool) -> list[str]:
    """Words, numbers (with point, sign and separators) and marks; in small letters unless `exact`."""
    text = (text if exact else text.casefold()).replace("−", "-")
    return re.findall(r"(?:(?<!\w)-)?\d+(?:[.,]\d+)*|\w+|[^\w\s]", text)


def _within(part: list[str], whole: list[str]) -> bool:
    return any(whole[i : i + len(part)] == part for i in range(len(whole) - len(part) + 1))


def _infeasible(criterion: Criterion, problem: Problem) -> Iterator[Found]:
    """Whether the problem's own constraints forbid what it asks for."""
    rules = implied(criterion)
    for detail in _new_clashes(problem, rules) if rules else ():
        yield "contradicts", f"{detail}; change it, or the problem", "error"


def _new_clashes(problem: Problem, rules: tuple[Constraint, ...]) -> list[str]:
    """What clashes once the rules are added: with the constraints, or with each other."""
    both = replace(problem, constraints=(*problem.constraints, *rules), wordings=None, answer=None)
    before = replace(problem, wordings=None, answer=None)
    known = {fault.detail for fault in clashes(before)}
    return [f.detail for f in clashes(both) if f.severity == "error" and f.detail not in known]


def _of_two(one: Criterion, other: Criterion, problem: Problem) -> Iterator[Found]:
    """What is wrong with two criteria together."""
    if one.rule and one.rule == other.rule:
        if one.pitfall != other.pitfall:
            yield "contradicts", "one rule both ways; remove one of them", "error"
        else:
            yield "same_criterion", f"{one.rule} counts twice; remove one of them", "error"
        return
    if one.rule and other.rule:
        return
    words, others = _sense(one.text), _sense(other.text)
    same_way = _wanted(one) == _wanted(other)
    if words == others:
        if same_way:
            yield "same_criterion", "they ask the same; remove one of them", "error"
        else:
            yield "contradicts", "what does well by one fails the other; remove one", "error"
        return
    if (
        _numbers(words) == _numbers(others)
        and _jaccard(set(words), set(others)) >= NEAR
        and same_way
    ):
        yield "near_criterion", "they ask nearly the same; join them, or tell them apart", "warning"
    first, second = implied(one), implied(other)
    if first and second and not (one.rule or other.rule):
        bare = Problem(question=problem.question)
        alone = {*_new_clashes(bare, first), *_new_clashes(bare, second)}
        for detail in _new_clashes(bare, (*first, *second)):
            if detail not in alone:
                yield "contradicts", f"{detail}; change one of them", "error"


def _wanted(criterion: Criterion) -> bool:
    """Whether doing the plain thing that the criterion names does well by it."""
    return criterion.pitfall == (put(criterion.text) != "plain")


def _sense(text: str) -> tuple[str, ...]:
    """The words that carry the sense, without those of the question form and of a denial in front."""
    empty = [_EMPTY] if put(text) == "plain" else [_EMPTY, _DENIAL]
    words = re.findall(r"\w+", text.casefold())
    kept = [word for word in words if not any(kind.fullmatch(word) for kind in empty)]
    return tuple(word.removesuffix("s") or word for word in kept or words)


def _numbers(words: tuple[str, ...]) -> set[str]:
    return {word for word in words if word[0].isdigit()}


def _jaccard(one: set[str], other: set[str]) -> float:
    return len(one & other) / len(one | other) if one | other else 1.0


def _of_rules(checklist: Checklist, problem: Problem) -> Iterator[Fault]:
    """Clashes among the constraints that the checklist asks for by name."""
    named = {criterion.rule for criterion in checklist.criteria}
    if len(named & set(problem.constraint_keys)) < 2:
        return
    for fault in clashes(problem):
        if fault.severity == "error" and fault.rule != "gold_breaks":
            yield replace(
                fault,
                rule="contradicts",
                detail=f"the constraints: {fault.detail}; mend the problem",
            )
