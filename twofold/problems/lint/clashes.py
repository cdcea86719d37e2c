"""Can a reply meet all constraints of a problem at once, and give the answer?

Some constraints force a text into the reply (`repeat_prompt`, `keywords:existence`), and a text can
break others for good, whatever follows it (`no_comma`, `less than 50 words`). If one forces what breaks
another, no reply can obey both. Each constraint's own `check` decides which texts break it.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain, combinations, permutations, product

from twofold.constraints.affix import NoComma, Quotation
from twofold.constraints.case import CapitalWordFrequency, EnglishCapital, EnglishLowercase
from twofold.constraints.keywords import ForbiddenWords, Frequency, LetterFrequency
from twofold.constraints.language import ResponseLanguage
from twofold.constraints.length import NumberSentences, NumberWords
from twofold.constraints.parts import settled
from twofold.constraints.structure import JsonFormat
from twofold.problems.lint.fault import Fault
from twofold.problems.lint.forced import Forced, cases, forced, only
from twofold.problems.lint.implied import implied
from twofold.types import Constraint, Problem


def clashes(problem: Problem) -> Iterator[Fault]:
    """Constraints that contradict each other or the reference answer.

    A clash that only a loophole of the checker avoids is a warning; otherwise it is an error.
    """
    for one, other in permutations(problem.constraints, 2):
        for text in chain.from_iterable(forced(each) for each in implied(one)):
            if fault := _clash(problem, text, one, other):
                yield fault
    for one, other in combinations(problem.constraints, 2):
        both = f"{one.name} and {other.name}"
        if one == other:
            yield Fault.of(problem, "same_constraint", f"{one.name} twice, both alike", "warning")
        elif reason := _no_copy(one, other) or _no_copy(other, one):
            yield Fault.of(problem, "copy_breaks", f"{reason}; {_REMEDY}", "error")
        elif reason := _no_text(one, other):
            detail = f"{both}: {reason}; {_REMEDY}"
            yield Fault.of(problem, "no_text_obeys_both", detail, "error")
    if problem.answer is not None and problem.answer.strip():
        spellings = cases(_written_plainly(problem.answer))
        gold = Forced("gold_breaks", problem.answer, spellings, in_one=False)
        for constraint in problem.constraints:
            if reason := _broken(gold.spellings, gold, constraint):
                detail = f"the answer {problem.answer!r} breaks {constraint.name}: {reason}"
                yield Fault.of(problem, gold.rule, detail, "error")


_REMEDY = "drop one of the two"


def _clash(problem: Problem, text: Forced, one: Constraint, other: Constraint) -> Fault | None:
    """The fault if what `one` forces breaks `other`, however it is spelled."""
    reason = _broken(text.spellings, text, other)
    if not reason:
        return None
    detail = f"{one.name} forces {text.what!r:.50}, which breaks {other.name}: {reason}"
    way_out = next((t for t in text.loopholes if not _broken((t,), text, other)), None)
    if way_out is None:
        return Fault.of(problem, text.rule, f"{detail}; {_REMEDY}", "error")
    detail += f"; only a loophole of the checker is left: {way_out!r:.50}; {_REMEDY}"
    return Fault.of(problem, text.rule, detail, "warning")


def _broken(spellings: Sequence[str], text: Forced, constraint: Constraint) -> str:
    """Why each spelling of a text breaks a constraint, in what it implies; "" if one may obey."""
    reasons = [
        next(filter(None, (_breach(each, text, rule) for rule in implied(constraint))), "")
        for each in spellings
    ]
    return reasons[0] if all(reasons) else ""


def _breach(text: str, forced: Forced, constraint: Constraint) -> str:
    """Why a reply with `text` breaks the constraint, whatever else it has; "" if it may obey."""
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
        case Quotation() if forced.at_start:
            wrapped = [constraint.check(f"{text[0]}a{mark}").score for mark in '"”“']
            return "" if any(wrapped) else f"the reply begins with {text[0]!r}"
        case JsonFormat() if forced.at_start:
            is_json = text.startswith(("{", "[", '"', "```"))
            return "" if is_json else f"JSON does not begin with {text[0]!r}"
        case _:
            judged = (
                constraint.name in _FOR_GOOD and "\\" not in text
            )  # LaTeX may be spelled otherwise
            judged |= constraint.name == "format:no_whitespace" and forced.in_one
    verdict = constraint.check(text) if judged else None
    return verdict.reason if verdict and verdict.score == 0 else ""


# Types that a text breaks for good: what is added mends nothing.
_FOR_GOOD = (
    *("punctuation:punctuation_dot", "punctuation:punctuation_exclamation"),
    *("words:vowel", "words:repeats", "count:count_unique"),
)


def _no_copy(one: Constraint, other: Constraint) -> str:
    """Why the only reply that obeys `one` breaks `other`; "" if it may obey, or if `one` leaves more."""
    if settled(other.name) & {"lines", "sentences"}:  # white space may be free in the copy
        return ""
    verdicts = [other.check(copy) for copy in only(one)]
    if not verdicts or any(verdict.score != 0 for verdict in verdicts):
        return ""
    return (
        f"{one.name} leaves {only(one)[0]!r:.50}, which breaks {other.name}: {verdicts[0].reason}"
    )


def _no_text(one: Constraint, other: Constraint) -> str:
    """Why no text obeys both in what they imply; "" if one may."""
    pairs = product(implied(one), implied(other))
    return next(filter(None, (_exclude(a, b) or _exclude(b, a) for a, b in pairs)), "")


def _exclude(one: Constraint, other: Constraint) -> str:
    """Why no text obeys both, although neither forces a text; "" if one may."""
    match one, other:
        case EnglishCapital(), EnglishLowercase():
            return "all capital letters, and none"
        case CapitalWordFrequency(capital_relation="at least"), EnglishLowercase():
            return "words in capitals, and no capital letter" if one.capital_frequency else ""
        case ResponseLanguage(language=first), ResponseLanguage(language=second):
            return f"the whole reply in {first!r}, and in {second!r}" if first != second else ""
        case ResponseLanguage(language=code), EnglishCapital() | EnglishLowercase():
            return f"in {code!r}, and in English" if code != "en" else ""
    mine, theirs = _settles(one), _settles(other)
    if mine and theirs and mine[0] == theirs[0] and mine[1] != theirs[1]:
        return f"{mine[0]} {mine[1]!r}, and {theirs[1]!r}"
    floor, ceiling = _bound(one, "at least"), _bound(other, "less than")
    if floor and ceiling and floor[0] == ceiling[0] and floor[1] >= ceiling[1]:
        return f"{floor[0]}: at least {floor[1]}, and less than {ceiling[1]}"
    return ""


def _settles(constraint: Constraint) -> tuple[str, object] | None:
    """What the constraint gives one value, and the value."""
    args = constraint.args()
    match constraint.name:
        case "first_word:first_word_answer":
            return "the first word", str(args["first_word"]).strip().casefold()
        case "last_word:last_word_answer":
            return "the last word", str(args["last_word"]).strip().casefold()
        case "words:words_position":
            return "the second word", str(args["keyword"]).strip().casefold()
        case "count:numbers":
            return "the count of numbers", args["N"]
    return None


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
