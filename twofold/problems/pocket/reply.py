"""How is a reply written that obeys a given set of constraints?

With all of a problem's constraints and the right steps it is the proof that the problem can be
solved; with some of them and noisy steps, a demonstration that the pocket model learns from.
"""

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


@final
@dataclass(frozen=True)
class Style:
    """What the constraints leave open: where the steps are written, their commas, the `OPENINGS` used."""

    thinks: bool
    shows: bool
    commas: bool
    opening: str


def written(
    steps: Sequence[str], answer: str, style: Style, obeyed: Sequence[Constraint] = ()
) -> str:
    r"""A reply (and its thought) with the `steps` of a tale; the caller makes sure `style` breaks no rule.

    Example:
        >>> style = Style(thinks=False, shows=True, commas=True, opening="It is")
        >>> written(["First, left from north gives west"], "west", style)
        'First, left from north gives west. It is \\boxed{west}.'
    """
    steps = [step if style.commas else step.replace(",", "") for step in steps]
    text = _body(steps, _final(answer, style, obeyed), style, obeyed)
    text += " VERY SURE." * _has(obeyed, CapitalWordFrequency)
    for constraint in obeyed:
        match constraint:
            case Title():
                text = f"<<Done>>\n{text}"
            case Postscript(postscript_marker=marker):
                text += f"\n\n{marker} Well done."
            case EndPhrase(end_phrase=phrase):
                text += f" {phrase}"
    if _has(obeyed, Quotation):
        text = f'"{text}"'
    return f"<think>{'. '.join(steps)}.</think>\n{text}" if style.thinks else text


def _has(constraints: Sequence[Constraint], kind: type[Constraint]) -> bool:
    return any(isinstance(constraint, kind) for constraint in constraints)


def _final(answer: str, style: Style, obeyed: Sequence[Constraint]) -> str:
    """The sentence with the answer."""
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
    """The steps, if shown, and the answer, in the layout that the constraints ask for."""
    if _has(obeyed, NthParagraphFirstWord):
        return f"{final}\n\nThat is all."
    if not style.shows:
        return final
    if _has(obeyed, BulletLists):
        return "\n".join(["Steps:", *(f"* {step}." for step in steps), final])
    return " ".join([*(f"{step}." for step in steps), final])


def obedient_reply(problem: Problem, *, thinks: bool = False) -> str:
    """A reply to a pocket problem that is right and obeys all its constraints.

    `thinks` puts the working into a thought; the visible reply shows it only as bullets.
    """
    rules = problem.constraints
    forbidden = {w for c in rules if isinstance(c, ForbiddenWords) for w in c.forbidden_words}
    opening = next(o for o in OPENINGS if not forbidden & set(o.lower().split()))
    style = Style(thinks, shows=_has(rules, BulletLists), commas=False, opening=opening)
    return written(problem.tags["steps"].split("; "), str(problem.answer), style, rules)


def solution(problem: Problem) -> str:
    """A right reply to a pocket problem with its working, which ignores all constraints.

    It is what distilled chains of reasoning look like: the usual demonstrations of fine-tuning.
    """
    opening = OPENINGS[int(problem.id, 16) % len(OPENINGS)]
    style = Style(thinks=False, shows=True, commas=True, opening=opening)
    return written(problem.tags["steps"].split("; "), str(problem.answer), style)


def guess(problem: Problem, others: Sequence[Problem], rng: np.random.Generator) -> str:
    """A reply that ignores the problem: a random answer of the right kind in a random form.

    The floor of Kung and Peng (2023, arXiv 2305.11383): it knows only which outputs there are. `others`
    holds problems whose answers (of the same skill) and forms it may take, `problem` among them.
    """
    answers = sorted({str(o.answer) for o in others if o.tags["skill"] == problem.tags["skill"]})
    form = others[int(rng.integers(len(others)))]
    answer = answers[int(rng.integers(len(answers)))]
    style = Style(thinks=False, shows=False, commas=False, opening=OPENINGS[0])
    return written([], answer, style, form.constraints)
