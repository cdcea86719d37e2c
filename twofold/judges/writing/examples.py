"""Which replies meet a criterion, and which do not? Texts whose truth its rule knows.

A judge or a program is trusted only if it agrees with such texts. A constraint brings one text that
meets it and one that breaks it; here they are varied, and the constraint itself checks each
variant.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import final

from twofold.errors import ProblemError
from twofold.scorers import Correct
from twofold.types import Constraint, Problem, Response
from twofold.types.checklist import ANSWER, Criterion

FEWEST = 2  # examples of each kind that a rule must have to be of use

# The truth: 1, 0, or None where the rule cannot tell.
Check = Callable[[str], float | None]

# Replies of many forms, some of which meet one rule and some another.
_PLAIN = (
    "The answer is 4.", "Yes.", "4", "My answer is no.", "My answer is maybe.",
    '"Two and two make four."',
    "Well, two and two make four, and that is all.",
    "one\n\ntwo\n\nthree", "* one\n* two\n* three",
    '{"answer": 4, "why": "two and two"}',
    "<<A Sum>>\n*Two* and *two* make [number].\n\nP.S. It is four.",
    "TWO AND TWO MAKE FOUR BECAUSE WE COUNT",
    "It is four.\n******\nTwo and two make four.",
    "Deux et deux font quatre, parce que nous comptons ensemble dans la cuisine.",
    "Zwei und zwei sind vier, weil wir in der Küche zusammen zählen und rechnen.",
)  # fmt: skip
_ADDED = ("{}\n", "\n{}", "Sure. {}", "{} So it is.", "{}, really")
_WRAPPED = ("{0}\n{0}", '"{}"', "**{}**", "```\n{}\n```")


@final
@dataclass(frozen=True)
class Examples:
    """Replies that do what a criterion says, and replies that do not."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]


def examples_for(criterion: Criterion, problem: Problem, *, most: int = 4) -> Examples:
    r"""Replies that do, and that do not, what a criterion with a rule says.

    Positive means that the reply does it, also for a pitfall. There are `FEWEST` to `most`
    different texts of each kind, none blank, the same on every call.

    Raises:
        ProblemError: If the criterion has no rule, the problem lacks it, or too few texts of either
            kind were found.
    """
    if not criterion.rule:
        raise ProblemError(
            f"no rule decides the criterion {criterion.text[:60]!r}, so no example is certain; "
            "write examples by hand"
        )
    if criterion.rule == ANSWER:
        return _examples(_answers(problem), partial(_graded, problem), most, criterion.rule)
    if criterion.rule not in problem.constraint_keys:
        raise ProblemError(
            f"the rule {criterion.rule!r} is not one of problem {problem.id}; it has: "
            f"{', '.join(problem.constraint_keys) or 'none'}"
        )
    constraint = problem.constraints[problem.constraint_keys.index(criterion.rule)]
    return _examples(_texts(constraint), lambda t: constraint.check(t).score, most, criterion.rule)


def _examples(texts: Iterable[str], check: Check, most: int, rule: str) -> Examples:
    """The first different texts of each kind."""
    found: dict[float, dict[str, None]] = {1.0: {}, 0.0: {}}
    for text in texts:
        side = found.get(check(text) if text.strip() else None)  # type: ignore[arg-type]
        if side is not None and len(side) < max(most, FEWEST):
            side[text] = None
        if all(len(each) >= max(most, FEWEST) for each in found.values()):
            break
    if min(map(len, found.values())) < FEWEST:
        raise ProblemError(
            f"{rule}: found {len(found[1.0])} replies that meet it and {len(found[0.0])} that do not, and "
            f"{FEWEST} of each are needed; write examples by hand"
        )
    return Examples(tuple(found[1.0]), tuple(found[0.0]))


def _texts(constraint: Constraint) -> Iterator[str]:
    """The constraint's own texts, then replies of many forms, then variants of its own texts."""
    witnesses = constraint.witnesses()
    yield from (*witnesses, *_PLAIN)
    for text in witnesses:
        yield from _variants(text)


def _variants(text: str) -> Iterator[str]:
    """Variants of a text, which may or may not meet the same rule."""
    yield from (form.format(text) for form in _ADDED)
    yield from (text.upper(), text.lower(), text[: len(text) // 2])
    yield from (form.format(text) for form in _WRAPPED)
    yield from (text.replace(" ", "  "), text.replace(".", "!"))


def _answers(problem: Problem) -> Iterator[str]:
    """Replies that give the reference answer, and some that give another."""
    gold = (problem.answer or "").strip()
    others = [str(int(gold) + step) for step in (1, 10, -1)] if gold.lstrip("-").isdigit() else []
    for said in (gold, *others, f"{gold}{gold}", "nothing", "1000001", f"not {gold}"):
        yield f"The answer is \\boxed{{{said}}}."
        yield f"\\boxed{{{said}}}"
        yield f"We count step by step and get\n\n\\boxed{{{said}}}"
    yield "I do not know."


def _graded(problem: Problem, text: str) -> float | None:
    return Correct()([problem], [Response(raw=text, reply=text)])[0].score
