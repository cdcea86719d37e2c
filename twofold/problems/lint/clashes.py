"""Can a reply meet all constraints of a problem at once, and give the answer?

Some constraints force a text into the reply (`repeat_prompt`, `keywords:existence`), and a text can
break others for good, whatever follows it (`no_comma`, `less than 50 words`). If one forces what breaks
another, no reply can obey both. Each constraint's own `check` decides which texts break it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, permutations
from typing import final

from twofold.constraints.affix import EndPhrase, NoComma, Quotation
from twofold.constraints.case import CapitalWordFrequency, EnglishCapital, EnglishLowercase
from twofold.constraints.combination import RepeatPrompt
from twofold.constraints.keywords import Existence, ForbiddenWords, Frequency, LetterFrequency
from twofold.constraints.language import ResponseLanguage
from twofold.constraints.length import NumberSentences, NumberWords
from twofold.constraints.structure import JsonFormat
from twofold.problems.lint.fault import Fault
from twofold.types import Constraint, Problem


@final
@dataclass(frozen=True)
class Forced:
    """A text that every obeying reply has, in one of its `spellings`.

    `rule` names the clash in reports; `loopholes` are spellings that only the checker accepts, such as a
    keyword inside another word.
    """

    rule: str
    what: str
    spellings: tuple[str, ...]
    loopholes: tuple[str, ...] = ()
    at_start: bool = False


def clashes(problem: Problem) -> Iterator[Fault]:
    """Constraints that contradict each other or the reference answer.

    A clash that only a loophole of the checker avoids is a warning; otherwise it is an error.
    """
    for one, other in permutations(problem.constraints, 2):
        for forced in _forced(one):
            if fault := _clash(problem, forced, one, other):
                yield fault
    for one, other in combinations(problem.constraints, 2):
        if one == other:
            yield Fault.of(problem, "same_constraint", f"{one.name} twice, both alike", "warning")
        elif reason := _exclude(one, other) or _exclude(other, one):
            yield Fault.of(problem, "no_text_obeys_both", reason, "error")
    if problem.answer is not None and problem.answer.strip():
        spellings = _cases(_written_plainly(problem.answer))
        for constraint in problem.constraints:
            reasons = [_breach(text, constraint, at_start=False) for text in spellings]
            if all(reasons):
                detail = f"the answer {problem.answer!r} breaks {constraint.name}: {reasons[0]}"
                yield Fault.of(problem, "gold_breaks", detail, "error")


def _clash(problem: Problem, forced: Forced, one: Constraint, other: Constraint) -> Fault | None:
    """The fault if what `one` forces breaks `other`, however it is spelled."""
    reasons = [_breach(text, other, at_start=forced.at_start) for text in forced.spellings]
    if not all(reasons):
        return None
    detail = f"{one.name} forces {forced.what!r:.50}, which breaks {other.name}: {reasons[0]}"
    ways_out = [t for t in forced.loopholes if not _breach(t, other, at_start=forced.at_start)]
    if ways_out:
        detail += f"; only a loophole of the checker is left: {ways_out[0]!r:.50}"
    return Fault.of(problem, forced.rule, detail, "warning" if ways_out else "error")


def _forced(constraint: Constraint) -> list[Forced]:
    """The texts that a constraint forces into the reply."""
    match constraint:
        case RepeatPrompt(prompt_to_repeat=request):
            request = request.strip()
            other_case = [request.upper(), request.lower()]
            let_pass = [t for t in other_case if constraint.check(f"{t}\n\nIt is 4.").score == 1]
            return [Forced("repeat_breaks", request, (request,), tuple(let_pass), at_start=True)]
        case EndPhrase(end_phrase=phrase):
            return [Forced("ending_breaks", phrase, _cases(phrase))]
        case Existence(keywords=keywords):
            return [_keyword(Existence((k,), constraint.profile), k, 1) for k in keywords]
        case Frequency(keyword=keyword, frequency=count, relation="at least") if count:
            return [_keyword(constraint, keyword.strip(), count)]
        case _:
            return []


def _keyword(constraint: Constraint, keyword: str, count: int) -> Forced:
    """A keyword `count` times, in any case; if the checker allows it, inside a longer word."""
    inside = " ".join([f"x{keyword}x"] * count)
    let_pass = _cases(inside) if constraint.check(inside).score == 1 else ()
    often = " ".join([keyword] * count)
    return Forced("keyword_breaks", often, _cases(often), let_pass)


def _cases(text: str) -> tuple[str, ...]:
    return (text, text.lower(), text.upper())


def _breach(text: str, constraint: Constraint, *, at_start: bool) -> str:
    """Why a reply with `text` (at its start) breaks the constraint, whatever follows; "" if it may obey."""
    match constraint:
        case EnglishCapital():
            judged = text != text.upper()  # else only the language could fail, which can be fixed
        case EnglishLowercase():
            judged = text != text.lower()
        case (
            NoComma()
            | ForbiddenWords()
            | Frequency(relation="less than")
            | NumberWords(relation="less than")
            | NumberSentences(relation="less than")
            | LetterFrequency(let_relation="less than")
            | CapitalWordFrequency(capital_relation="less than")
        ):
            judged = True
        case Quotation() if at_start:
            wrapped = [constraint.check(f"{text[0]}a{mark}").score for mark in '"”“']
            return "" if any(wrapped) else f"the reply begins with {text[0]!r}"
        case JsonFormat() if at_start:
            is_json = text.startswith(("{", "[", '"', "```"))
            return "" if is_json else f"JSON does not begin with {text[0]!r}"
        case _:
            return ""
    verdict = constraint.check(text) if judged else None
    return verdict.reason if verdict and verdict.score == 0 else ""


def _exclude(one: Constraint, other: Constraint) -> str:
    """Why no text obeys both, although neither forces a text; "" if one may."""
    match one, other:
        case EnglishCapital(), EnglishLowercase():
            return "all capital letters, and none"
        case ResponseLanguage(language=first), ResponseLanguage(language=second):
            return f"the whole reply in {first!r}, and in {second!r}" if first != second else ""
        case ResponseLanguage(language=code), EnglishCapital() | EnglishLowercase():
            return f"in {code!r}, and in English" if code != "en" else ""
    floor, ceiling = _bound(one, "at least"), _bound(other, "less than")
    if floor and ceiling and floor[0] == ceiling[0] and floor[1] >= ceiling[1]:
        return f"{floor[0]}: at least {floor[1]}, and less than {ceiling[1]}"
    return ""


def _bound(constraint: Constraint, wanted: str) -> tuple[str, int] | None:
    """What is counted and the threshold, if the constraint's relation is `wanted`."""
    match constraint:
        case NumberWords(num_words=count, relation=relation):
            counted = "words"
        case NumberSentences(num_sentences=count, relation=relation):
            counted = "sentences"
        case CapitalWordFrequency(capital_frequency=count, capital_relation=relation):
            counted = "words in capitals"
        case LetterFrequency(letter=letter, let_frequency=count, let_relation=relation):
            counted = f"letter {letter.lower()!r}"
        case _:
            return None
    return (counted, count) if relation == wanted else None


def _written_plainly(answer: str) -> str:
    """The answer without thousands separators."""
    return re.sub(r"(?<=\d),(\\!)?\s*(?=\d{3}(?!\d))", "", answer)
