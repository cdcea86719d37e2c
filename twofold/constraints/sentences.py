"""How many sentences does a reply have?

Punkt cuts English; the rules here say what it cannot know: where an abbreviation ends a sentence,
where a quoted exclamation does not, and what ends one in other scripts.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache

import punkt

from twofold.constraints.prose import CODE, COMMAND, TEXT_COMMAND, with_formulas

_HEADING = re.compile(r"^[ \t]*#{1,6}[ \t]+(.*)$", re.MULTILINE)
_LIST_MARK = re.compile(r"^[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+", re.MULTILINE)
_NEVER_LAST = re.compile(r"\b(?:(?:e\.g|i\.e|cf|viz|vs)\.|P\.\s?(?:P\.\s?)?S\.?(?=\W))", re.I)
_OTHER_STOP = re.compile('([。！？।॥۔؟።။។]++[」』”’》）"]*+)(?!と|って)')

_CLOSER = "[\"'”’»)\\]]"
# Words that open a sentence and are no part of a name: after them an abbreviation was the last word.
_OPENERS = (
    "She|He|It|They|We|I|You|The|This|That|These|Those|There|Then|When|While|If|But|And|So|However|Yet"
    "|Also|In|On|At|For|After|Before|My|His|Her|Their|Our|Its|Your|A|An|Who|What|Why|How|Where|Is|Are"
    "|Was|Were|Did|Do|Does|Can|Let|Not|Yes|Now|Here|Once|As|To|By|With|From|Some|Many|Nobody|Someone"
    "|Everyone|Everybody|Meanwhile|Later|Finally|Nevertheless|Therefore"
)
_MAY_END = re.compile(
    r"(?<![\w.])((?:(?:[A-Za-z]\.){2,}+|[A-Z]\.|Ph\.D\.|(?:etc|Inc|Ltd|Co|Corp|Jr|Sr|Bros)\.)"
    rf"{_CLOSER}*+)\s++(?=[\"“‘(]?(?:{_OPENERS})\b(?!\.))"
)
# Initials and states before a name: `J.R.R. Tolkien`, `U.S. Congress`.
_INITIALS = re.compile(r"(?<![\w.])((?:[A-Z]\.){2,}+)[^\S\n]++(?=[A-Z])")
# Before another capital, only a person knows whether `5 p.m.` ends: "5 p.m. John left."
_UNSURE_END = re.compile(
    rf"\b((?i:[ap]\.m\.){_CLOSER}*+)\s++(?=[\"“‘(]?[A-Z](?!\w*day\b|[A-Z]*T\b|\w*ber\b))"
)
_SAID = "said|asked|repl(?:y|ied)|shouted|cried|whispered|exclaimed|yelled|answered|added|called|screamed"
# A quoted exclamation or question inside a sentence that goes on.
_GOES_ON = re.compile(
    rf"(?<![!?])[!?]++({_CLOSER}++\s++)(?=[\"“‘(]?[a-z]|(?:[\w.]+\s+){{1,2}}(?:{_SAID})\b)|(?:(?<!\.)\.{{2,}}+|…)(\s++)(?=[a-z])"
)
_CLAUSE = re.compile(
    rf"(?<![!?])[!?]++({_CLOSER}++\s++)(?=[\"“‘(]?[a-z])|(?:(?<!\.)\.{{2,}}+|…)(\s++)(?=[a-z])"
)
_CAPITAL = re.compile(r"[A-Z]")
# Thai and Lao have no full stop; a space may end a sentence or a phrase.
_NO_STOPS = re.compile(r"[\u0e01-\u0e30\u0e81-\u0eb0]")


@cache
def _cutter() -> punkt.PunktSentenceTokenizer:
    return punkt.tokenizer_for("english", line_breaks="paragraph", prefixes=True)


def n_sentences(text: str) -> int:
    r"""How many sentences a person counts; the fewest where people may differ.

    Punkt cuts, with abbreviations such as `e.g.` added. `U.S.`, `p.m.` or `etc.` ends a sentence before a
    word like `She` or `The`; a quoted `Stop!` does not before a small letter. A formula is a noun of
    its sentence; a heading, a list item and a paragraph end a sentence; list numbers are not
    sentences; full stops of other scripts count. A piece without a letter or a digit, or a block of
    code, is not a sentence.

    Example:
        >>> n_sentences("It is 3.5, e.g. Fig. 2 shows it. So $f(x) = 1$. Done!")
        3
        >>> n_sentences("1. Add 2.\n2. Halve it"), n_sentences("He came at 5 p.m. She left.")
        (2, 2)
        >>> n_sentences('He cried "Stop!" and left.')
        1
    """
    return sentence_bounds(text)[0]


@lru_cache(maxsize=32)
def sentence_bounds(text: str) -> tuple[int, int]:
    """The fewest and the most sentences that a person may count.

    Example:
        >>> sentence_bounds("He came at 5 p.m. John left."), sentence_bounds("Yes. No.")
        ((1, 2), (2, 2))
    """
    text = CODE.sub(lambda m: "\n\n" if m[0].startswith("```") else "code", text)
    text = with_formulas(text, _noun)
    text = COMMAND.sub("formula", TEXT_COMMAND.sub(" ", text))
    text = _NEVER_LAST.sub("eg", text)
    text = _HEADING.sub(r"\n\n\1\n\n", text)
    text = _LIST_MARK.sub("\n\n", text)
    text = _OTHER_STOP.sub(r"\1\n\n", text)
    text = _MAY_END.sub(r"\1\n\n", text)
    text = _INITIALS.sub(lambda m: m[1].rstrip(".") + " ", text)
    counts = [_count(reading) for reading in _readings(text)]
    most = max(counts)
    if _NO_STOPS.search(text):
        most += len(re.findall(r"[\u0e01-\u0eff][^\S\n]+(?=[\u0e01-\u0eff])", text))
    return min(counts), most


def _readings(text: str) -> Iterator[str]:
    """The ways to read what is left open: whether `5 p.m.` and, without capitals, `"stop!"` end."""
    has_capitals = _CAPITAL.search(text) is not None
    yield _GOES_ON.sub(r",\1\2", text)
    if _UNSURE_END.search(text) or (not has_capitals and _CLAUSE.search(text)):
        more = _UNSURE_END.sub(r"\1\n\n", text)
        yield _GOES_ON.sub(r",\1\2", more) if has_capitals else more


def _count(text: str) -> int:
    return sum(any(ch.isalnum() for ch in piece) for piece in _cutter().tokenize(text))


def _noun(formula: str) -> str:
    """A noun in place of a formula, with a full stop if a displayed formula ends its sentence."""
    ends = formula.startswith(("$$", "\\[")) and formula.rstrip("$] \\\n").endswith(".")
    return "formula." if ends else "formula"
