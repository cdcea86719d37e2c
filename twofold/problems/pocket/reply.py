r"""How is a reply written that obeys just these constraints?

One writer serves two ends: with all of a problem's constraints and the right steps it gives the
witness that a problem can be solved; with some of them and noisy steps, the demonstrations that
the pocket model learns from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from twofold.constraints.affix import EndPhrase, Quotation
from twofold.constraints.case import CapitalWordFrequency
from twofold.constraints.content import Postscript
from twofold.constraints.format import BulletLists, HighlightedSections
from twofold.constraints.keywords import Existence, ForbiddenWords
from twofold.constraints.length import NthParagraphFirstWord
from twofold.constraints.structure import Title
from twofold.types import Constraint, Problem

OPENINGS = ("The answer is", "So it is", "It is")
"""How the answer is said."""


@final
@dataclass(frozen=True)
class Style:
    """What a constraint does not settle.

    Args:
        thinks: The steps are written between think tags.
        shows: The steps are written in the visible reply.
        commas: A step has a comma after its number.
        opening: One of `OPENINGS`.
    """

    thinks: bool
    shows: bool
    commas: bool
    opening: str


def written(
    steps: Sequence[str], answer: str, style: Style, obeyed: Sequence[Constraint] = ()
) -> str:
    r"""A reply with its thought, if it has one.

    Args:
        steps: The working (`Tale.steps`).
        answer: What is boxed.
        style: What the constraints leave open; the caller sees to it that it breaks none.
        obeyed: The constraints to obey.

    Example:
        >>> style = Style(thinks=False, shows=True, commas=True, opening="It is")
        >>> written(["First, left from north gives west"], "west", style)
        'First, left from north gives west. It is \\boxed{west}.'
    """
    steps = [step if style.commas else step.replace(",", "") for step in steps]
    text = _body(steps, _final(answer, style, obeyed), style, obeyed)
    for constraint in obeyed:
        match constraint:
            case CapitalWordFrequency():
                text += " VERY SURE."
    for constraint in obeyed:
        match constraint:
            case Title():
                text = f"<<Done>>\n{text}"
            case Postscript(postscript_marker=marker):
                text += f"\n\n{marker} Well done."
            case EndPhrase(end_phrase=phrase):
                text += f" {phrase}"
    if any(isinstance(constraint, Quotation) for constraint in obeyed):
        text = f'"{text}"'
    return f"<think>{'. '.join(steps)}.</think>\n{text}" if style.thinks else text


def _final(answer: str, style: Style, obeyed: Sequence[Constraint]) -> str:
    """The sentence that says the answer."""
    opening, close = style.opening, "."
    for constraint in obeyed:
        match constraint:
            case NthParagraphFirstWord(first_word=word):
                opening = word
            case HighlightedSections():
                opening = f"*{opening}*"
            case Existence(keywords=words):
                close = f" {' '.join(words)}."
    return f"{opening} \\boxed{{{answer}}}{close}"


def _body(steps: Sequence[str], final: str, style: Style, obeyed: Sequence[Constraint]) -> str:
    """The steps, where they are shown, and the answer, in the layout that is asked for."""
    if any(isinstance(constraint, NthParagraphFirstWord) for constraint in obeyed):
        return f"{final}\n\nThat is all."
    if not style.shows:
        return final
    if any(isinstance(constraint, BulletLists) for constraint in obeyed):
        return "\n".join(["Steps:", *(f"* {step}." for step in steps), final])
    return " ".join([*(f"{step}." for step in steps), final])


def obedient_reply(problem: Problem, *, thinks: bool = False) -> str:
    r"""A reply to a pocket problem that is right and obeys all its constraints.

    Args:
        problem: Of this suite: its tag `steps` holds the solution.
        thinks: Put the working into a thought before it.

    Returns:
        The reply; where the working has no room in what is visible, it stands there not at all.
    """
    forbidden = {
        word
        for constraint in problem.constraints
        if isinstance(constraint, ForbiddenWords)
        for word in constraint.forbidden_words
    }
    style = Style(
        thinks=thinks,
        shows=any(isinstance(constraint, BulletLists) for constraint in problem.constraints),
        commas=False,
        opening=next(o for o in OPENINGS if not forbidden & set(o.lower().split())),
    )
    return written(
        problem.tags["steps"].split("; "), str(problem.answer), style, problem.constraints
    )


def solution(problem: Problem) -> str:
    """A right reply to a pocket problem with its working, which heeds no constraint.

    What distilled chains of reasoning look like: the demonstrations of the usual fine-tuning.

    Args:
        problem: Of this suite.
    """
    opening = OPENINGS[int(problem.id, 16) % len(OPENINGS)]
    style = Style(thinks=False, shows=True, commas=True, opening=opening)
    return written(problem.tags["steps"].split("; "), str(problem.answer), style)


def guess(problem: Problem, others: Sequence[Problem], rng: np.random.Generator) -> str:
    """A reply that has read nothing: a random answer of the right kind in a random form.

    The floor of Kung and Peng (2023, arXiv 2305.11383): who knows only which outputs there are.

    Args:
        problem: Of this suite.
        others: Problems whose answers (of the same skill) and forms it may have; `problem` is one.
        rng: Decides.
    """
    answers = sorted({str(o.answer) for o in others if o.tags["skill"] == problem.tags["skill"]})
    form = others[int(rng.integers(len(others)))]
    answer = answers[int(rng.integers(len(answers)))]
    style = Style(thinks=False, shows=False, commas=False, opening=OPENINGS[0])
    return written([], answer, style, form.constraints)
