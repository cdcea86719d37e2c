r"""Which of FollowBench's requests can a program judge, and does the reply do what they ask?

350 of the 820 scored requests: the whole example category (a template), extraction, logic, dates,
floors and dollars (a target), text edits (a target), and seven requests about form. As published, a
rule judges the whole row: every criterion of a row gets the same 0 or 1, so verdicts on single
criteria say nothing more.

Departs: the published rules were not available. What is known of them is kept (templates never look
at the answer; exact targets for extraction and edits; the last dollar amount decides); the rest
follows the requests.

- A blank reply breaks every rule; replies are stripped.
- Templates match over several lines (published: one line). One template is the bare answer: there
  every reply that is not blank passes.
- An entity (CoNLL) must be the whole reply; events (WIKIEVENTS) must be as many different target
  lines as the level, and nothing else.
- Of the options in parentheses the first counts if the reply begins with it, else the last; of
  dates and floors the last. Dollars are compared as numbers ($14.00 is $14).
- Level 5 of format group 22 accepts the closing words as a separate paragraph (published: four
  paragraphs); words in -ly are found by their ending (published: the literal text `-ly`).
- Two rules can hardly be met, and are kept: the targets of text edit group 4 contain one wording of
  a free sentence from level 2 on (and a word that level 4 forbids), and those of WIKIEVENTS group
  20 are of another event than its request asks for.
- A request with Chinese characters is not judged: the Chinese version has these sources too.
"""

import re
from ast import literal_eval
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.judges.followbench.forms import FORMS, all_met
from twofold.judges.judge import Asked, Judge
from twofold.problems.followbench import WRITER, answer_form
from twofold.types import Problem, Verdict

# From reply (stripped, not blank) and target to the verdict on the row.
Rule = Callable[[str, str, Problem], Verdict]

_SLOT = "\0"
_OPTION = re.compile(r"\(([A-Z])\)")
_BARE_OPTION = re.compile(r"(?:.*\b(?:answer|option)\s*(?:is|:)?\s*)?\**([A-Z])\**[.)]?", re.DOTALL)
_DATE = re.compile(r"(?<!\d)\d{1,2}/\d{1,2}/\d{4}(?!\d)")
_FLOOR = re.compile(r"\b(\d+)(?:st|nd|rd|th)\s+floor\b|\bfloor\s+(\d+)\b", re.IGNORECASE)
_APARTMENT = re.compile(r"\bapartment\s+(?:number\s+)?(\d+)\b", re.IGNORECASE)
_DOLLARS = re.compile(r"\$\s?(\d[\d,]*(?:\.\d+)?)")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _told(holds: bool, seen: str, wanted: str) -> Verdict:
    return Verdict(float(holds), f"{seen[:60]!r}, {wanted[:60]!r} wanted")


def _template(reply: str, target: str, problem: Problem) -> Verdict:
    form = answer_form(target, _SLOT)
    if not form:
        return Verdict(None, f"the target {target[:60]!r} is no template")
    pattern = re.escape(form).replace(re.escape(_SLOT), ".*")
    holds = re.fullmatch(pattern, reply, re.DOTALL) is not None
    return _told(holds, reply, form.replace(_SLOT, "..."))


def _exact(reply: str, target: str, problem: Problem) -> Verdict:
    return _told(reply == target.strip(), reply, target)


def _entity(reply: str, target: str, problem: Problem) -> Verdict:
    try:
        allowed = literal_eval(target)
    except (ValueError, SyntaxError):
        allowed = None
    if not isinstance(allowed, list):
        return Verdict(None, f"the target {target[:60]!r} is no list of entities")
    return _told(reply in allowed, reply, target)


def _events(reply: str, target: str, problem: Problem) -> Verdict:
    wanted = int(problem.tags["level"])
    lines = [line.strip() for line in reply.splitlines() if line.strip()]
    known = {line.strip() for line in target.splitlines()}
    n_right = len(known & set(lines))
    holds = n_right == wanted == len(lines)
    return Verdict(float(holds), f"{len(lines)} lines, {n_right} target events, {wanted} wanted")


def _option(reply: str, target: str, problem: Problem) -> Verdict:
    options = _OPTION.findall(reply)
    if options:
        chosen = options[0] if _OPTION.match(reply) else options[-1]
    elif bare := _BARE_OPTION.fullmatch(reply):
        chosen = bare[1]
    else:
        return Verdict(0.0, "the reply names no option")
    return _told(f"({chosen})" == target, f"({chosen})", target)


def _date(reply: str, target: str, problem: Problem) -> Verdict:
    date = (_DATE.findall(reply) or ["no date"])[-1]
    return _told(date == target, date, target)


def _place(reply: str, target: str, problem: Problem) -> Verdict:
    """The floor, and the apartment if the target has one."""
    said, wanted = _floor_and_flat(reply), _floor_and_flat(target)
    holds = said[0] == wanted[0] and wanted[1] in ("", said[1])
    return _told(holds, f"floor {said[0] or '?'}, apartment {said[1] or '?'}", target)


def _floor_and_flat(text: str) -> tuple[str, str]:
    floors = ["".join(pair) for pair in _FLOOR.findall(text)]
    flats = _APARTMENT.findall(text)
    return (floors[-1] if floors else ""), (flats[-1] if flats else "")


def _money(reply: str, target: str, problem: Problem) -> Verdict:
    amounts, wanted = _DOLLARS.findall(reply), _DOLLARS.findall(target)
    if not wanted:
        return Verdict(None, f"the target {target[:60]!r} is no amount")
    if not amounts:
        return Verdict(0.0, "the reply names no amount in $")
    said, right = (float(found[-1].replace(",", "")) for found in (amounts, wanted))
    return _told(said == right, f"${amounts[-1]}", target)


# The rules that compare with a target, by category and source; `example` always has a template.
TARGETS: dict[tuple[str, str], Rule] = {
    ("content", "E2E"): _exact,
    ("content", "CONLL2003"): _entity,
    ("content", "WIKIEVENTS"): _events,
    ("situation", "BBH_logical"): _option,
    ("situation", "BBH_time"): _date,
    ("situation", "self_made_space"): _place,
    ("situation", "gsm_8k"): _money,
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
    steps = FORMS.get((category, tags.get("group", "") if category == "format" else source))
    if steps:
        return lambda reply, *_: all_met(steps[: int(level)], reply)
    if "followbench_target" not in tags:
        return None
    return _template if category == "example" else TARGETS.get((category, source))


def row_verdict(problem: Problem, reply: str) -> Verdict:
    """The verdict of a row's rule, 0 or 1; unscored if there is none or it cannot decide."""
    rule = _rule(problem)
    if rule is None:
        return Verdict(None, "no rule")
    reply = reply.strip().replace("\r\n", "\n")
    if not reply:
        return Verdict(0.0, "the reply is blank")
    return rule(reply, problem.tags.get("followbench_target", ""), problem)


@final
@dataclass(frozen=True)
class FollowBenchRules(Judge):
    """Judges the 350 of 820 FollowBench requests that need no model; abstains from all others.

    Source:
        Jiang et al. 2024, https://arxiv.org/abs/2310.20410, section 4 on rule-based evaluation.
        Departs: the rules are ours; see the module.
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
