"""Can a problem be solved? Right replies built from the steps, with and without its constraints.

The words of the obedient one avoid what may be forbidden (`binding._FORBIDDEN`) or limited (`the`,
`of`, the letters y, v and p).
"""

from twofold.constraints import length
from twofold.constraints.affix import EndPhrase, Quotation
from twofold.constraints.case import CapitalWordFrequency, EnglishLowercase
from twofold.constraints.combination import RepeatPrompt
from twofold.constraints.content import Postscript
from twofold.constraints.format import BulletLists, HighlightedSections, MultipleSections
from twofold.constraints.keywords import Existence, Frequency, LetterFrequency
from twofold.constraints.structure import Title
from twofold.types import Constraint, Problem

_LINKS = ("Then", "Next", "After that")
_MORE = "We look at it again."
_CLAUSE = " and we look at it again"
_WORD_WITH = {"b": "bring", "w": "show", "g": "bring", "k": "mark", "f": "find"}


def obedient_reply(problem: Problem) -> str:
    r"""A reply to a synthetic problem (its tag `steps`) that is right and obeys all its constraints.

    Example:
        >>> from twofold.problems.synthetic import problem
        >>> reply = obedient_reply(problem(0, 0, split="test", profile="fixed"))
        >>> r"\boxed{" in reply
        True
    """
    rules = problem.constraints
    steps = " and next ".join(problem.tags["steps"].split("; "))
    text = f"We get {steps} so it is \\boxed{{{problem.answer}}}"
    text += "".join(map(_wanted, rules))
    for constraint in rules:
        match constraint:
            case length.NumberWords(num_words=least, relation="at least"):
                n_words = sum(any(ch.isalnum() for ch in word) for word in text.split())
                text += _CLAUSE * ((least - n_words) // 6 + 1)  # six words each
            case EnglishLowercase():
                text += _CLAUSE + " to know that this is right"
    text += "."
    for wrap in (_laid_out, _framed):
        for constraint in rules:
            text = wrap(text, constraint)
    text = text.lower() if any(isinstance(c, EnglishLowercase) for c in rules) else text
    return f'"{text}"' if any(isinstance(c, Quotation) for c in rules) else text


def solution(problem: Problem) -> str:
    r"""A reply to a synthetic problem (its tag `steps`) that is right and ignores its constraints.

    Example:
        >>> asked = Problem(question="?", answer="34", tags={"steps": "12 + 5 = 17; 17 × 2 = 34"})
        >>> solution(asked)
        'First, 12 + 5 = 17. Then, 17 × 2 = 34. The answer is \\boxed{34}.'
    """
    first, *others = problem.tags["steps"].split("; ")
    told = [f"First, {first}."]
    told += [f"{_LINKS[i % len(_LINKS)]}, {step}." for i, step in enumerate(others)]
    return " ".join([*told, f"The answer is \\boxed{{{problem.answer}}}."])


def _wanted(constraint: Constraint) -> str:
    """Clauses with the words that a constraint requires."""
    match constraint:
        case Existence(keywords=words):
            wanted = list(words)
        case Frequency(keyword=word, frequency=n, relation="at least"):
            wanted = [word] * n
        case LetterFrequency(letter=letter, let_frequency=n, let_relation="at least"):
            wanted = [_WORD_WITH[letter]] * n
        case CapitalWordFrequency(capital_frequency=n):
            wanted = ["DONE"] * n
        case HighlightedSections(num_highlights=n):
            wanted = ["*done*"] * n
        case _:
            return ""
    return "".join(f" and {word}" for word in wanted)


def _laid_out(text: str, constraint: Constraint) -> str:
    """The text in the sentences, paragraphs, bullets or sections that a constraint requires."""
    match constraint:
        case length.NumberSentences(num_sentences=n, relation="at least"):
            return " ".join([text, *[_MORE] * n])
        case length.NumberParagraphs(num_paragraphs=n):
            return "\n***\n".join([text, *[_MORE] * (n - 1)])
        case length.NthParagraphFirstWord(num_paragraphs=n, nth_paragraph=nth, first_word=word):
            parts = [text, *[_MORE] * (n - 1)]
            parts[nth - 1] = f"{word.capitalize()} {parts[nth - 1]}"
            return "\n\n".join(parts)
        case BulletLists(num_bullets=n):
            return "\n* ".join([text, *[_MORE] * n])
        case MultipleSections(section_spliter=word, num_sections=n):
            bodies = [text, *[_MORE] * (n - 1)]
            return "\n".join(f"{word} {i}\n{body}" for i, body in enumerate(bodies, 1))
        case RepeatPrompt(prompt_to_repeat=request):
            return f"{request}\n{text}"
        case _:
            return text


def _framed(text: str, constraint: Constraint) -> str:
    """The text with a title, a postscript or an ending; a title may be anywhere."""
    match constraint:
        case Title():
            start, line, rest = text.partition("\n")
            return f"{start}\n<<Worked out>>{line}{rest}"
        case Postscript(postscript_marker=marker):
            return f"{text}\n{marker} {_MORE}"
        case EndPhrase(end_phrase=phrase):
            return f"{text}\n{phrase}"
        case _:
            return text
