"""Verifier programs for the pocket problems' criteria, as a model might write them.

They are not the package's checkers and have faults of their own. Each must pass examples in the sandbox
before it is used.
"""

from __future__ import annotations

from dataclasses import replace

from twofold.constraints.affix import EndPhrase, NoComma, Quotation
from twofold.constraints.content import Postscript
from twofold.constraints.format import BulletLists
from twofold.constraints.keywords import Existence, ForbiddenWords
from twofold.constraints.length import NthParagraphFirstWord, NumberWords
from twofold.judges.program import admitted
from twofold.judges.sandbox.sandbox import Sandbox
from twofold.judges.writing import examples_for
from twofold.types import Constraint, Problem
from twofold.types.checklist import Checklist


def program(constraint: Constraint) -> str:
    """Source of `verify` for a constraint of the pocket suite; "" = none was written."""
    match constraint:
        case NoComma():
            body = "return ',' not in text"
        case Quotation():
            body = "t = text.strip()\n    return len(t) > 1 and t[0] == '\"' and t[-1] == '\"'"
        case EndPhrase(end_phrase=phrase):
            body = f"return text.strip().strip('\"').lower().endswith({phrase.lower()!r})"
        case Existence(keywords=words):
            body = f"return all(word in text.lower() for word in {list(words)!r})"
        case ForbiddenWords(forbidden_words=words):
            body = (
                "import re\n"
                f"    return not any(re.search(r'\\b' + w + r'\\b', text.lower()) for w in {list(words)!r})"
            )
        case Postscript(postscript_marker=marker):
            body = f"return {marker!r} in text"
        case BulletLists(num_bullets=number):
            body = (
                "lines = [line.strip() for line in text.splitlines()]\n"
                f"    return sum(line.startswith('* ') for line in lines) == {number}"
            )
        case NumberWords(num_words=number, relation=relation):
            sign = "<" if relation == "less than" else ">="
            body = f"return len(text.split()) {sign} {number}"
        case NthParagraphFirstWord(first_word=word, num_paragraphs=n):
            body = (
                "parts = [part.strip() for part in text.split('\\n\\n') if part.strip()]\n"
                f"    return len(parts) == {n} and parts[0].split()[0].lower() == {word.lower()!r}"
            )
        case _:
            return ""
    return f"def verify(text):\n    {body}"


def equipped(problem: Problem, sandbox: Sandbox) -> tuple[Problem, int]:
    """The problem with admitted programs at its criteria, and the number of refused programs."""
    checklist = problem.checklist
    assert checklist is not None
    rules = dict(zip(problem.constraint_keys, problem.constraints, strict=True))
    criteria, refused = [], 0
    for criterion in checklist.criteria:
        source = program(rules[criterion.rule]) if criterion.rule in rules else ""
        if source:
            known = examples_for(criterion, problem)
            if not admitted(source, known.positive, known.negative, sandbox).admitted:
                source, refused = "", refused + 1
        criteria.append(replace(criterion, program=source))
    made = Checklist(criteria=tuple(criteria), writer=checklist.writer)
    return replace(problem, checklist=made), refused
