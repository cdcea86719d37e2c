"""Is a reply that broke its rule shown with a rarer one that it meets, and with no other?"""

import json
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, final

import pytest

from twofold.constraints import from_spec
from twofold.methods import Rft, TrainingError
from twofold.methods.hindsight import relabelled, untold_rates
from twofold.problems import load
from twofold.problems.contrast import twin
from twofold.scorers import Compliant, Correct, Product
from twofold.stats import proportion
from twofold.types import Constraint, FinishReason, Problem, Profile, Response, Verdict

JOINT = Product((Correct(), Compliant("all")))


def rule(name: str, **args: object) -> Constraint:
    return from_spec(name, args or None, profile="fixed")


QUOTED = rule("startend:quotation")
POSTSCRIPT = rule("detectable_content:postscript", postscript_marker="P.S.")
NO_COMMA = rule("punctuation:no_comma")
TITLE = rule("detectable_format:title")


def asked(number: int, *rules: Constraint, **more: object) -> Problem:
    return Problem(
        question=f"What is {number} + 2?", answer=str(number + 2), constraints=rules, **more
    )  # type: ignore[arg-type]


def said(text: str, finish_reason: FinishReason = FinishReason.answered) -> Response:
    return Response(raw=text, reply=text, finish_reason=finish_reason)


def test_a_disobedient_reply_is_shown_with_the_rare_rule_that_it_meets() -> None:
    told = asked(1, TITLE)
    other = asked(2, QUOTED, wordings=("Quote it all.",))
    replies = [[said('"It is #### 3"'), said("It is #### 3")], [said("So, #### 4")]]
    (row,) = relabelled([told, other], replies, by=JOINT, at_least=1.0, most=1.0)
    assert row == {
        "prompt": [{"role": "user", "content": "What is 1 + 2?Quote it all."}],
        "completion": '"It is #### 3"',
        "problem": told.id,
        "score": 1.0,
        "relabelled": "startend:quotation",
    }


@pytest.mark.parametrize(
    "reply",
    [
        said('"It is #### 4"'),  # wrong
        said("It is #### 3"),  # meets nothing else
        said('"It is #### 3"', FinishReason.truncated),
        said("", FinishReason.unclosed_thinking),
        said('<<It>>\n"#### 3"'),  # obeys its own rule
    ],
)
def test_other_replies_are_not_relabelled(reply: Response) -> None:
    """Even where the filter takes wrong ones; another reply makes the rule a candidate."""
    problems = [asked(1, TITLE), asked(2, QUOTED), asked(3)]
    replies = [[reply], [], [said("#### 5")]]
    assert relabelled(problems, replies, by=Compliant("all"), at_least=1.0, most=1.0) == []


@final
@dataclass(frozen=True)
class Undecided(Constraint):
    """A rule that no reply can be judged by."""

    name: ClassVar[str] = "test:undecided"
    group: ClassVar[str] = "content"
    family: ClassVar[str] = "test"
    departure: ClassVar[str] = ""
    profile: Profile = "fixed"

    def wordings(self) -> tuple[str, ...]:
        return ("Do it.",)

    def witnesses(self) -> tuple[str, str]:
        return "", ""

    def _official(self, text: str) -> Verdict:
        return Verdict(None, "undecided")


@pytest.mark.parametrize(
    "lost", [replace(asked(1, TITLE), answer=None), asked(1, Undecided())], ids=["answer", "rule"]
)
def test_what_cannot_be_judged_is_not_relabelled(lost: Problem) -> None:
    problems = [lost, asked(2, QUOTED), asked(3, TITLE)]
    replies = [[said('"#### 3"')], [], [said('"#### 5"')]]
    (row,) = relabelled(problems, replies, by=Compliant("all"), at_least=1.0, most=1.0)
    assert row["problem"] == problems[2].id  # which breaks a rule for all to see
    assert Undecided() not in untold_rates(problems, replies, [Undecided()])


def test_only_rules_that_are_shown_to_be_rare_untold() -> None:
    """40 problems; one reply in 4 has no comma, one in 40 a postscript."""
    problems = [asked(i, TITLE) for i in range(38)] + [asked(38, NO_COMMA), asked(39, POSTSCRIPT)]
    texts = [f"{'' if i % 4 == 0 else 'So, '}#### {i + 2}" for i in range(40)]
    texts[20] += "\n\nP.S. Done."
    replies = [[said(text)] for text in texts]
    replies[5].insert(0, said("No comma yet", FinishReason.truncated))
    rates = untold_rates(problems, replies, [TITLE, NO_COMMA, POSTSCRIPT])
    assert rates[TITLE] > 0.5  # 0 of 2 that were not told of it: nothing is known
    assert rates[NO_COMMA] == proportion(10, 39).high
    assert rates[POSTSCRIPT] == proportion(1, 39).high
    few = relabelled(problems, replies, by=JOINT, at_least=1.0, most=0.15)
    assert [row["relabelled"] for row in few] == ["detectable_content:postscript"]
    assert few[0]["completion"] == texts[20]
    many = relabelled(problems, replies, by=JOINT, at_least=1.0, most=0.45)
    # the postscript is the rarer of the two that this reply meets
    assert Counter(row["relabelled"] for row in many) == {
        "punctuation:no_comma": 9,  # 0, 4, ... 36 but 20
        "detectable_content:postscript": 1,
    }


def test_a_rule_that_the_question_brings_about_is_no_feat() -> None:
    """Nearly all replies to this problem are quoted, though few others are."""
    problems = [asked(1, TITLE), *(asked(i, TITLE) for i in range(50, 90)), asked(2, QUOTED)]
    plain = [[said(f"It is {p.answer}")] for p in problems[1:]]
    usual = [said(f'"{word} #### 3"') for word in ("It is", "So", "Thus", "Hence")]
    assert relabelled(problems, [usual, *plain], by=JOINT, at_least=1.0, most=0.2) == []
    once = [usual[0], said("So #### 3"), said("Thus #### 3")]
    (row,) = relabelled(problems, [once, *plain], by=JOINT, at_least=1.0, most=0.2)
    assert row["completion"] == usual[0].raw


def test_equally_rare_types_take_turns_and_a_demonstration_comes_once() -> None:
    problems = [*(asked(i, TITLE) for i in range(4)), asked(8, QUOTED), asked(9, POSTSCRIPT)]
    texts = [f'"#### {i + 2}\n\nP.S. Done."' for i in range(4)]
    replies = [*([said(text)] * 2 for text in texts), [], []]
    rows = relabelled(problems, replies, by=JOINT, at_least=1.0, most=1.0)
    assert Counter(row["relabelled"] for row in rows) == {
        "startend:quotation": 4,
        "detectable_content:postscript": 4,
    }
    assert len({(str(row["prompt"]), row["completion"]) for row in rows}) == len(rows)


def test_a_rule_that_every_reply_was_told_of_is_not_known_to_be_rare() -> None:
    """At any rate: both replies were told of their number of words, and each meets the other's."""
    few, many = (
        rule("length_constraints:number_words", num_words=n, relation=relation)
        for n, relation in ((3, "less than"), (2, "at least"))
    )
    problems = [asked(1, few, TITLE), asked(2, many, TITLE)]
    replies = [[said("So it is #### 3")], [said("#### 4")]]
    assert relabelled(problems, replies, by=JOINT, at_least=1.0, most=1.0) == []


def test_questions_that_state_their_rules_give_and_take_none() -> None:
    inside = Problem(
        question="What is 1 + 2? Give a title.",
        answer="3",
        constraints=(TITLE,),
        question_states_constraints=True,
    )
    other = replace(inside, question="What is 2 + 2? Quote it all.", constraints=(QUOTED,))
    replies = [[said('"#### 3"')], []]
    assert relabelled([inside, asked(2, QUOTED)], replies, by=JOINT, at_least=1.0, most=1.0) == []
    assert relabelled([asked(1, TITLE), other], replies, by=JOINT, at_least=1.0, most=1.0) == []


def test_who_is_told_the_opposite_is_told_of_the_rule_and_opposites_are_no_candidates() -> None:
    bound, free = asked(1, NO_COMMA), asked(2, TITLE)
    other = twin(bound)
    assert other is not None
    replies = [[said("#### 3")], [said("So, #### 3")], [said("So, #### 4")]]
    rates = untold_rates([bound, other, free], replies, [NO_COMMA])
    assert rates[NO_COMMA] == proportion(0, 1).high  # the last reply alone was told of neither
    found = relabelled([other, free], replies[1:], by=JOINT, at_least=1.0, most=1.0)
    assert found == []  # "So, #### 4" would obey the opposite


def test_no_held_out_type_is_ever_shown() -> None:
    problems = load("pocket:60:train", profile="fixed")
    held_out = {c.name for p in load("pocket:60:test", profile="fixed") for c in p.constraints} - {
        c.name for p in problems for c in p.constraints
    }
    assert len(held_out) == 4
    texts = ["<<Done>>\n\\boxed{%s}", "*Done*. \\boxed{%s} VERY SURE", '"\\boxed{%s}"']
    replies = [[said(text % p.answer) for text in texts] for p in problems]
    rows = relabelled(problems, replies, by=JOINT, at_least=1.0, most=1.0)
    assert rows and held_out.isdisjoint(row["relabelled"] for row in rows)


def test_rows_of_a_file_of_replies_are_shown_without_a_model(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    problems = [asked(1, TITLE), asked(2, QUOTED), asked(3)]
    lines = [
        {"problem": problems[0].id, "raw": '"#### 3"', "condition": "constrained", "role": "model"},
        {
            "problem": problems[0].id,
            "raw": "<<a>> #### 3",
            "condition": "unconstrained",
        },  # not told
        {"problem": problems[0].id, "raw": "<<b>> #### 3", "role": "baseline"},
        {"problem": problems[1].id, "raw": '"#### 4"'},
        {"problem": problems[2].id, "raw": "#### 5", "condition": "unconstrained"},
        {"problem": "elsewhere", "raw": "#### 5"},
    ]
    file = tmp_path / "responses.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    rows = Rft(replies=file, hindsight=0.99, reward="compliant_all").rows(problems)  # type: ignore[arg-type]
    assert [(row["completion"], row.get("relabelled")) for row in rows] == [
        ('"#### 4"', None),
        ('"#### 3"', "startend:quotation"),
    ]
    told = "replies: 1 of 3 replies kept, 1 relabelled (1 startend:quotation); 1 of 3 problems have none"
    assert told in caplog.text
    assert len(Rft(replies=file).rows(problems)) == 1
    assert Rft(hindsight=0.1).rows(problems)[0]["prompt"] == problems[0].messages()
    with pytest.raises(TrainingError, match="has no reply to these problems"):
        Rft(replies=file).check([asked(77)])
