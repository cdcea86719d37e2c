"""An audit says of how many replies only the last number was judged."""

from twofold.diagnostics.joint.analysis import Joint
from twofold.diagnostics.joint.table import rows
from twofold.runs.score_responses import ResponseScores
from twofold.types import Item, Problem, Response

PROBLEM = Problem(question="7 + 5 = ?", answer="12")


def test_the_share_of_last_numbers_is_told() -> None:
    texts = [r"\boxed{12}", "I cannot solve this in 12 steps.", "Some 13 or so steps.", "Hm."]
    answers = [
        (Item("model", "unconstrained", PROBLEM.id, i), Response(raw=text, reply=text))
        for i, text in enumerate(texts)
    ]
    table = list(rows(ResponseScores({PROBLEM.id: PROBLEM}).rows(answers)))
    assert [row.get("last_number", False) for row in table] == [False, True, True, False]
    (told,) = [c for c in Joint().analyse(table, [PROBLEM]).caveats if "last number" in c]
    assert "model, unconstrained: 2 of 4 replies, 1 of them right" in told


def test_nothing_is_told_where_every_answer_was_stated() -> None:
    reply = Response(raw="#### 12", reply="#### 12")
    answers = [(Item("model", "unconstrained", PROBLEM.id, 0), reply)]
    table = list(rows(ResponseScores({PROBLEM.id: PROBLEM}).rows(answers)))
    assert not [c for c in Joint().analyse(table, [PROBLEM]).caveats if "last number" in c]
