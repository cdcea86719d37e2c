"""Which texts must a reply have to obey a constraint?"""

from dataclasses import dataclass
from typing import final

from twofold.constraints.affix import EndPhrase
from twofold.constraints.combination import RepeatPrompt
from twofold.constraints.keywords import Existence, Frequency
from twofold.types import Constraint

# Types whose reply is one text; some leave its case and its white space free.
_COPIES = (
    *("copy:copy", "copy:copying_simple", "copy:copying_multiple"),
    *("repeat:repeat_simple", "repeat:repeat_span", "new:copy_span_idx"),
)
# The signs of every obeying reply.
_SIGNS = {"count:punctuation": ".,!?;:"}
_SIGNS_FIXED = {  # the published checkers pass a text without a sentence
    "ratio:sentence_type": ".?",
    "ratio:sentence_balance": ".?!",
    "format:no_bullets_bullets": ".",
}


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
    in_one: bool = True  # it stands together, unlike a keyword that occurs several times


def forced(constraint: Constraint) -> list[Forced]:
    """The texts that a constraint forces into the reply."""
    signs = _SIGNS | (_SIGNS_FIXED if constraint.profile == "fixed" else {})
    match constraint:
        case RepeatPrompt(prompt_to_repeat=request):
            request = request.strip()
            other_case = [request.upper(), request.lower()]
            let_pass = [t for t in other_case if constraint.check(f"{t}\n\nIt is 4.").score == 1]
            return [Forced("repeat_breaks", request, (request,), tuple(let_pass), at_start=True)]
        case EndPhrase(end_phrase=phrase):
            return [Forced("ending_breaks", phrase, cases(phrase))]
        case Existence(keywords=keywords):
            return [_keyword(Existence((k,), constraint.profile), k, 1) for k in keywords]
        case Frequency(keyword=keyword, frequency=count, relation="at least") if count:
            return [_keyword(constraint, keyword.strip(), count)]
        case _:
            marks = signs.get(constraint.name, "")
            return [Forced("mark_breaks", mark, (mark,), in_one=False) for mark in marks]


def _keyword(constraint: Constraint, keyword: str, count: int) -> Forced:
    """A keyword `count` times, in any case; if the checker allows it, inside a longer word."""
    inside = " ".join([f"x{keyword}x"] * count)
    let_pass = cases(inside) if constraint.check(inside).score == 1 else ()
    often = " ".join([keyword] * count)
    return Forced("keyword_breaks", often, cases(often), let_pass, in_one=count == 1)


def cases(text: str) -> tuple[str, ...]:
    """A text as it is, in small letters and in capitals."""
    return (text, text.lower(), text.upper())


def only(constraint: Constraint) -> tuple[str, ...]:
    """The replies that a constraint leaves, if it is that the reply copies a text; else none."""
    if constraint.name not in _COPIES:
        return ()
    copy = constraint.witnesses()[0].strip()
    return tuple(cased for text in (copy, "\n".join(copy.split())) for cased in cases(text) if copy)
