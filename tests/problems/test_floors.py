"""Each floor is one trivial reply, the same wherever it is used."""

from twofold.problems.floors import FLOORS, floor_replies
from twofold.runs.score_responses import floor_answers
from twofold.types import Item, Problem


def test_the_constant_reply_is_the_most_frequent_answer_and_the_first_of_equals():
    problems = [Problem(question=str(i), answer=a) for i, a in enumerate(["7", "12", "12", "7"])]
    replies = {floor: reply for floor, _, reply in floor_replies(problems)}
    assert replies == {"constant_reply": r"\boxed{12}", "bare_answer": r"\boxed{7}"}


def test_without_any_reference_answer_it_is_a_boxed_5():
    problem = Problem(question="A poem.")
    assert list(floor_replies([problem])) == [("constant_reply", problem, r"\boxed{5}")]


def test_a_runs_floors_have_a_role_each():
    problem = Problem(question="2 + 2?", answer="4")
    found = dict(floor_answers([problem]))
    assert set(found) == {Item(floor, "floor", problem.id, 0) for floor in FLOORS}
    assert {response.reply for response in found.values()} == {r"\boxed{4}"}
