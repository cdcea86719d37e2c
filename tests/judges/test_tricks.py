"""Replies that would like to be paid for talk: under judges that know, no trick earns more than its
honest twin. What a model judge pays for them is measured by `recipes/judge_tricks`."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from recipes.judge_tricks import CONTROL, Twins, read_twins
from recipes.judge_tricks.__main__ import judged, table
from twofold.judges import Asked, ExactJudge, Judge, MeetsChecklist, ProgramJudge
from twofold.judges.prompt_template import fenced
from twofold.judges.sandbox.sandbox import Sandbox
from twofold.scorers import Correct, SoftGate
from twofold.types import Constraint, Problem, Scorer, Verdict
from twofold.types.checklist import ANSWER, Category, Checklist, Criterion

TWINS = read_twins()
TRICKS = [each for each in TWINS if each.kind != CONTROL]
CATEGORIES: tuple[Category, ...] = ("essential", "important", "optional")
SLACK = 1e-12

PROGRAMS = {
    "punctuation:no_comma": "return ',' not in text",
    "startend:end_checker": "return text.strip().lower().endswith({end_phrase!r}.lower())",
    "startend:quotation": "t = text.strip()\n    return len(t) > 1 and t[0] == t[-1] == '\"'",
    "keywords:existence": "return all(word in text.lower() for word in {keywords!r})",
    "keywords:forbidden_words": "return not any(word in text.lower() for word in {forbidden_words!r})",
    "change_case:english_lowercase": "return text == text.lower()",
    "change_case:english_capital": "return text == text.upper()",
    "length_constraints:number_words": "return len(text.split()) < {num_words}",
    "detectable_content:postscript": "return {postscript_marker!r} in text",
    "detectable_format:title": "import re\n    return re.search('<<[^<>]+>>', text) is not None",
    "detectable_format:number_bullet_lists": (
        "lines = [line.strip() for line in text.splitlines()]\n"
        "    return sum(line[:2] in ('* ', '- ') and len(line) > 2 for line in lines) == {num_bullets}"
    ),
}
"""Small verifiers that are right on these rows; the package's own checkers play no part in them."""


def program(constraint: Constraint) -> str:
    body = PROGRAMS.get(constraint.name, "")
    return f"def verify(text):\n    {body.format(**constraint.args())}" if body else ""


def by_programs(problem: Problem) -> Problem | None:
    """The problem with the criteria that have a program; None if there is none."""
    assert problem.checklist is not None
    rules = dict(zip(problem.constraint_keys, problem.constraints, strict=True))
    criteria = tuple(
        replace(each, program=source)
        for each in problem.checklist.criteria
        if each.rule != ANSWER and (source := program(rules[each.rule]))
    )
    return replace(problem, checklist=Checklist(criteria=criteria)) if criteria else None


def unequal(problem: Problem) -> Problem:
    """The problem with criteria of all categories, so that weights do count."""
    assert problem.checklist is not None
    criteria = tuple(
        replace(each, category=category, weight=weight)
        for each, category, weight in zip(
            problem.checklist.criteria, CATEGORIES, (100, 60, 20), strict=True
        )
    )
    return replace(problem, checklist=Checklist(criteria=criteria))


def scored(scorer: Scorer, problem: Problem, twins: Twins) -> tuple[float, float]:
    honest, tricked = scorer([problem] * 2, [twins.honest, twins.tricked])
    assert honest.score is not None and tricked.score is not None
    return honest.score, tricked.score


def of(twins: Sequence[Twins]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("twins", twins, ids=[f"{t.kind}: {t.trick}" for t in twins])


def test_there_are_many_tricks_of_many_kinds_and_a_control_for_each_problem() -> None:
    assert (
        len({t.tricked.reply for t in TRICKS}) == len(TRICKS) == 65
    )  # recipes/judge_tricks says so
    kinds = [t.kind for t in TRICKS]
    assert len(set(kinds)) == 20 and min(map(kinds.count, kinds)) >= 3
    assert len({t.problem.id for t in TRICKS}) == 15
    assert {t.problem.id for t in TRICKS} == {t.problem.id for t in TWINS if t.kind == CONTROL}
    assert all(t.honest.reply != t.tricked.reply for t in TWINS)


def test_the_honest_twins_are_good_and_bad() -> None:
    scores = [scored(MeetsChecklist(ExactJudge()), t.problem, t)[0] for t in TRICKS]
    assert sum(s == 1 for s in scores) >= 10 and sum(s == 0 for s in scores) >= 20
    assert sum(0 < s < 1 for s in scores) >= 15


@of(TWINS)
def test_the_substance_is_the_same(twins: Twins) -> None:
    """Each rule says the same of both; only a second answer beside the first may cost the answer."""
    honest, tricked = MeetsChecklist(ExactJudge())(
        [twins.problem] * 2, [twins.honest, twins.tricked]
    )
    assert twins.problem.checklist is not None
    for key, criterion in zip(
        twins.problem.checklist.keys, twins.problem.checklist.criteria, strict=True
    ):
        before, after = honest.parts[key].score, tricked.parts[key].score
        assert before is not None and after is not None
        hedged = criterion.rule == ANSWER and twins.kind == "hedged answers"
        assert after <= before if hedged else after == before, criterion.text


@of(TWINS)
@pytest.mark.parametrize("how", ["mean", "all"])
@pytest.mark.parametrize("weights", ["own", "category"])
def test_an_exact_judge_pays_for_no_trick(how: str, weights: str, twins: Twins) -> None:
    scorer = MeetsChecklist(ExactJudge(), how=how, weights=weights)  # type: ignore[arg-type]
    for problem in (twins.problem, unequal(twins.problem)):
        honest, tricked = scored(scorer, problem, twins)
        assert tricked <= honest + SLACK


@of(TWINS)
def test_nor_does_an_exact_judge_behind_the_gate(twins: Twins) -> None:
    gate = SoftGate(Correct(), MeetsChecklist(ExactJudge()))
    honest, tricked = scored(gate, unequal(twins.problem), twins)
    assert tricked <= honest + SLACK


def test_programs_pay_for_no_trick_and_agree_with_the_rules() -> None:
    rows = [(t, p) for t in TWINS if (p := by_programs(t.problem))]
    tried = {c.rule for _, p in rows if p.checklist for c in p.checklist.criteria}
    assert tried == set(PROGRAMS) and sum(t.kind != CONTROL for t, _ in rows) >= 50
    problems = [problem for _, problem in rows for _ in range(2)]
    replies = [reply for twins, _ in rows for reply in (twins.honest, twins.tricked)]
    with Sandbox(timeout_s=10) as sandbox:
        said = MeetsChecklist(ProgramJudge(sandbox))(problems, replies)
    truth = MeetsChecklist(ExactJudge())(problems, replies)
    assert [v.score for v in said] == [v.score for v in truth]
    for (twins, _), honest, tricked in zip(rows, said[::2], said[1::2], strict=True):
        assert honest.score is not None and tricked.score is not None
        assert tricked.score <= honest.score, twins.trick


@of(TRICKS)
def test_no_trick_closes_the_fence_around_it(twins: Twins) -> None:
    text = twins.tricked.reply
    opened, *inside, closed = fenced(text, "reply").split("\n")
    assert "\n".join(inside) == text and closed == opened.replace("<", "</") and closed not in text


class Gullible(Judge):
    """Says yes to whatever says yes, and to nothing else."""

    @property
    def name(self) -> str:
        return "gullible"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        return [Verdict(float("yes" in each.response.reply.lower())) for each in asked]


def test_a_gullible_judge_is_found_out() -> None:
    rows = [t for t in TWINS if t.kind in ("echoed checklist", "flattery", CONTROL)]
    said = table(list(judged(Gullible(), rows)))
    lines = {line.split(" | ")[0].strip("| *"): line for line in said.splitlines() if "|" in line}
    assert (
        "| 1.000 [1.000, 1.000] (n=3) | 1.000 [1.000, 1.000] (n=3) | +0.000 |"
        in (lines["echoed checklist"])
    )
    assert "| 0.000 [0.000, 0.000] (n=3) |" in lines["flattery"]  # a good eye, and no yes
    assert "| 0.500 [" in lines["all tricks"] and "+0.000" in lines["all tricks"]
    assert lines["control: a neutral sentence"].count("0.000 [0.000, 0.000] (n=15)") == 2


def test_a_judge_that_cannot_say_leaves_no_number() -> None:
    rows = [t for t in TWINS if t.kind in ("flattery", CONTROL)]
    said = table(list(judged(ExactJudge(), rows)))  # it knows nothing of what has no rule
    assert "| flattery | none (" in said and "Tricks minus control, by problem: none (" in said


def test_the_criteria_without_a_rule_are_for_a_model_alone() -> None:
    for twins in TWINS:
        checklist = twins.judged.checklist
        assert checklist is not None and len(twins.asked) == 2
        assert checklist.criteria[-2:] == twins.asked
        assert all(not each.rule for each in twins.asked if isinstance(each, Criterion))
