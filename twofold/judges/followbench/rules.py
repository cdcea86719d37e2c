r"""Which of FollowBench's requests does a program judge, and does the reply do what they ask?

350 of the 820 scored requests: the whole example category (a template), extraction, logic, dates,
floors and dollars (a target), text edits (a target), and seven requests about form. The rules are the
published ones, oddities included, so that the scores compare with published ones. A rule judges the
whole row: every criterion of a row gets the same 0 or 1.

What the rules do not see, and what they refuse by mistake:

- Exact targets and templates know no white space at an end; a template's answer is on one line and may
  be empty.
- Lines of an event (WIKIEVENTS) are not counted; group 20 asks for another event than its targets.
- Words are case-sensitive, and sentences end at each `.`, `?` or `!`, so in decimals too.
- Dollars are read up to the first sign that is no digit: `$14.50` is `$14`.
- Format group 22 from level 4 on can never be met (`problems.followbench.UNMEETABLE`): the number `1.`
  of a paragraph is a sentence of one word, and more than 20 are wanted.
- A request with Chinese characters is not judged: the Chinese version has these sources too.
"""

import re
import string
from ast import literal_eval
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.judges.judge import Asked, Judge
from twofold.problems.followbench import WRITER, answer_form
from twofold.types import Problem, Verdict

# Whether a reply passes one step of a request; level n asks for its first n steps.
Step = Callable[[str], bool]
# From reply, target and level to whether the row is met; None if the target cannot be read.
Rule = Callable[[str, str, int], bool | None]

_SLOT = "\0"
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
# A point of format group 30, and where its sentences end: initials and short titles end none.
_POINT = re.compile(r"\*\*\d.+?:")
_SENTENCE_END = re.compile(r"(?<!\w\.\w.)(?<![A-Z][a-z]\.)(?<=\.|\?)\s")


def sentences(text: str) -> list[str]:
    """The parts between the marks `.`, `?` and `!`, blank ones too.

    Example:
        >>> sentences("It is 3.5. Is it? ")
        ['It is 3', '5', ' Is it', ' ']
    """
    return [part for part in re.split(r"[.?!]", text) if part]


def _pieces(text: str) -> list[str]:
    """What single blanks part; two blanks in a row leave an empty piece."""
    return text.split(" ")


def _has(word: str, text: str) -> bool:
    """Whether a text has the word, in this case."""
    return re.search(rf"\b{re.escape(word)}\b", text) is not None


def _n_marks(text: str) -> int:
    """How many ASCII punctuation marks a text has."""
    return sum(ch in string.punctuation for ch in text)


def _nth(text: str, place: int) -> str:
    """A sentence, counted from 1; "" if there is none."""
    return (sentences(text)[place - 1 : place] or [""])[0]


def _numbered(text: str) -> bool:
    """Whether each paragraph that is not blank begins with a number and a full stop."""
    return all(re.match(r"\s*\d+\.", part) for part in text.split("\n\n") if part.strip())


def _points(text: str) -> list[str]:
    """The sentences that contain the number of a point, 1. to 5."""
    parts = _SENTENCE_END.split(text)
    return [part for part in parts if any(f"{i}." in part for i in range(1, 6))]


# The steps of each request about form, by category and source.
FORMS: dict[tuple[str, str], tuple[Step, ...]] = {
    ("mixed", "cnn_dailymail"): (
        lambda text: len(sentences(text)) == 3,
        lambda text: all(len(part.split()) < 15 for part in sentences(text)),
        lambda text: all(
            _has(word, _nth(text, i)) for i, word in enumerate(("Potter", "actor", "films"), 1)
        ),
        lambda text: not _has("lavish", _nth(text, 2)),
        lambda text: re.search(r"\b(?:has|have)\b\s+\w+", _nth(text, 3)) is not None,
    ),
    ("mixed", "xsum"): (
        lambda text: len(sentences(text)) == 1,
        lambda text: len(_pieces(text)) < 20,
        lambda text: "Newton Stewart" not in text,
        lambda text: re.search(r"\b(?:am|is|are)\b\s+\w+ing\b", text) is not None,
        lambda text: _has("operation", text),
    ),
    ("mixed", "samsum"): (
        lambda text: len(sentences(text)) == 1,
        lambda text: len(_pieces(text)) < 15,
        lambda text: _has("stuff", text),
        lambda text: "procrast" not in text.lower(),
        lambda text: _n_marks(text) == 1,
    ),
    ("mixed", "gigaword"): (
        lambda text: len(_pieces(text)) == 8,
        lambda text: _n_marks(text) == 0,
        str.islower,
        lambda text: not _has("bus", text),
        lambda text: _has("in", text),
    ),
    ("mixed", "arxiv"): (
        lambda text: len(sentences(text)) == 1,
        lambda text: len(_pieces(text)) <= 20,
        lambda text: text.startswith("We"),
        lambda text: _has("activations", text),
        lambda text: not _has("transformer", text),
    ),
    ("format", "30"): (
        lambda text: "**" in text,
        lambda text: len(_POINT.findall(text)) == 5,
        lambda text: all(len([p for p in s.split(".") if p]) < 3 for s in _points(text)),
        lambda text: all(10 <= len(s.split()) <= 15 for s in _points(text)),
        lambda text: not any(word.endswith("-ly") for word in text.split()),
    ),
}


def _wooden_table(text: str, level: int) -> bool:
    """Format group 22: paragraphs, their sentences, long sentences, numbers, and then closing words."""
    parts = text.split("\n\n")
    steps = (
        len(parts) == (4 if level == 5 else 3),
        all(len(sentences(part)) < 3 for part in parts[:3]),
        all(len(part.split()) > 20 for part in sentences(text)),
        _numbered(text),
        text.endswith("Those are suggestions"),
    )
    return all(steps[:level])


def _template(reply: str, target: str, level: int) -> bool | None:
    form = answer_form(target, _SLOT)
    if not form:
        return None
    pattern = re.escape(form).replace(re.escape(_SLOT), ".*")
    return re.fullmatch(pattern, reply) is not None


def _exact(reply: str, target: str, level: int) -> bool:
    return reply == target


def _entity(reply: str, target: str, level: int) -> bool | None:
    try:
        allowed = literal_eval(target)
    except (ValueError, SyntaxError):
        return None
    return reply in allowed if isinstance(allowed, list) else None


def _events(reply: str, target: str, level: int) -> bool:
    return set(reply.split("\n")) <= set(target.split("\n"))


def _last(pattern: str) -> Rule:
    """The rule that the last match of a pattern is the target."""

    def rule(reply: str, target: str, level: int) -> bool:
        return re.findall(pattern, reply)[-1:] == [target]

    return rule


def _occurs(reply: str, target: str, level: int) -> bool:
    return target in reply


# The rules that compare with a target, by category and source; `example` always has a template.
TARGETS: dict[tuple[str, str], Rule] = {
    ("content", "E2E"): _exact,
    ("content", "CONLL2003"): _entity,
    ("content", "WIKIEVENTS"): _events,
    ("situation", "BBH_logical"): _last(r"\([A-Z]\)"),
    ("situation", "BBH_time"): _last(r"\d{2}/\d{2}/\d{4}"),
    ("situation", "self_made_space"): _occurs,
    ("situation", "gsm_8k"): _last(r"\$\d+"),
    ("mixed", "text_editing"): _exact,
}


def _rule(problem: Problem) -> Rule | None:
    """The rule of a row; None if only a model can judge it."""
    tags = problem.tags
    if tags.get("source") != "followbench" or _CHINESE.search(problem.question):
        return None
    category, source, level = (tags.get(k, "") for k in ("category", "followbench_source", "level"))
    if level not in ("1", "2", "3", "4", "5"):
        return None
    group = tags.get("group", "")
    if (category, group) == ("format", "22"):
        return lambda reply, _, level: _wooden_table(reply, level)
    steps = FORMS.get((category, group if category == "format" else source))
    if steps:
        return lambda reply, _, level: all(step(reply) for step in steps[:level])
    if "followbench_target" not in tags:
        return None
    return _template if category == "example" else TARGETS.get((category, source))


def row_verdict(problem: Problem, reply: str) -> Verdict:
    """The verdict of a row's rule, 0 or 1; unscored if there is none or it cannot decide."""
    rule = _rule(problem)
    if rule is None:
        return Verdict(None, "no rule")
    target = problem.tags.get("followbench_target", "")
    met = rule(reply, target, int(problem.tags["level"]))
    if met is None:
        return Verdict(None, f"the target {target[:60]!r} cannot be read")
    return Verdict(float(met), f"{reply[:60]!r}; {target[:60] or 'the form asked for'!r} wanted")


@final
@dataclass(frozen=True)
class FollowBenchRules(Judge):
    """Judges the 350 of 820 FollowBench requests that need no model; abstains from all others.

    Source:
        Jiang et al. 2024, https://arxiv.org/abs/2310.20410, section 4 on rule-based evaluation; behaviour
        of YJiangcm/FollowBench (revision 6278f4c), in our own code.
    """

    name: ClassVar[str] = "followbench_rules"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        """Judge each reply by the rule of its row; FollowBench's criteria have no pitfalls."""
        return [each.response.unscored() or _judged(each) for each in asked]


def _judged(asked: Asked) -> Verdict:
    checklist = asked.problem.checklist
    if checklist and checklist.writer != WRITER:
        return Verdict(None, "no rule: the checklist is not FollowBench's own")
    return row_verdict(asked.problem, asked.response.reply)
