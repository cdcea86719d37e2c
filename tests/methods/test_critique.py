"""Critiques: which may be learned from, what is learned of them, and that they are made once."""

from pathlib import Path

import pytest

from twofold.methods import Cft, TrainingError
from twofold.methods.critiques import by_rules, checked, conclusion
from twofold.methods.trl.runner import TrlRunner
from twofold.problems import pocket
from twofold.problems.critic import critique
from twofold.scorers import Correct
from twofold.storage.jsonl import dumps, read_lines
from twofold.types import FinishReason, Problem, Response

ASKED = pocket.suite(12, split="train")


def said(text: str, finish_reason: FinishReason = FinishReason.answered) -> Response:
    return Response(raw=text, reply=text, finish_reason=finish_reason)


def test_the_conclusion_is_the_last_word() -> None:
    assert conclusion("Conclusion: right. No: conclusion: WRONG.") is False
    assert conclusion("Conclusion: right, or so I think") is None
    assert conclusion("") is None


def test_contradicted_open_and_unjudged_critiques_are_dropped_and_counted() -> None:
    problem = Problem(question="7 + 5 = ?", answer="12")
    right, wrong = said("#### 12"), said("#### 13")
    cut = Response(
        raw="<think>", reply="", thinking="", finish_reason=FinishReason.unclosed_thinking
    )
    solutions = [right, right, wrong, wrong, wrong, cut]
    texts = ["Conclusion: right", "Conclusion: wrong", "Conclusion: wrong", "Conclusion: right",
             "Hm.", "Conclusion: wrong"]  # fmt: skip
    kept = checked([problem] * 6, solutions, texts, by=Correct())
    assert [(row["solution"], row["verdict"]) for row in kept.rows] == [
        ("#### 12", "right"),
        ("#### 13", "wrong"),
    ]
    assert kept.dropped == {
        "contradicted by the verifier": 2,
        "no conclusion": 1,
        "solution cannot be judged": 1,
    }


def test_the_rule_based_critic_agrees_with_the_verifier_and_names_the_first_wrong_step() -> None:
    for problem in ASKED:
        good = pocket.solution(problem)
        first = problem.tags["steps"].split("; ")[0]
        bad = good.replace(first, "First, something else").replace(str(problem.answer), "nothing")
        assert conclusion(critique(problem, good)) is True
        assert conclusion(critique(problem, bad)) is False
        assert f"It should be: {first.replace(',', '')}." in critique(problem, bad)


def test_a_mixed_set_is_criticised_as_far_as_the_rules_go() -> None:
    known = Problem(question="?", answer="17", tags={"steps": "12 + 5 = 17"})
    other = Problem(question="Write one sentence about rain.", answer=None)
    made = by_rules([known, other], ["12 + 5 = 18", "It rains."])
    assert made == ["It should be: 12 + 5 = 17. The result is 17. Conclusion: wrong", ""]


def test_rows_hold_question_solution_and_critique(tmp_path: Path) -> None:
    file = tmp_path / "critiques.jsonl"
    lines = [
        {"problem": ASKED[0].id, "solution": pocket.solution(ASKED[0]), "critique": "Conclusion: right"},
        {"problem": ASKED[1].id, "solution": "No idea.", "critique": "Conclusion: right"},
        {"problem": "another", "solution": "?", "critique": "Conclusion: wrong"},
    ]  # fmt: skip
    file.write_text("".join(dumps(line) + "\n" for line in lines))
    (row,) = Cft(critiques=file).rows(ASKED)
    (turn,) = row["prompt"]
    assert ASKED[0].question in turn["content"]
    assert pocket.solution(ASKED[0]) in turn["content"]
    assert row["completion"] == "Conclusion: right"


def test_worked_solutions_are_mixed_in_to_the_bare_problems(tmp_path: Path) -> None:
    file = tmp_path / "critiques.jsonl"
    line = {"problem": ASKED[0].id, "solution": pocket.solution(ASKED[0])}
    file.write_text(dumps(line | {"critique": "Conclusion: right"}) + "\n")
    critiqued, *solved = Cft(critiques=file, with_solutions=True).rows(ASKED)
    assert critiqued["completion"] == "Conclusion: right"
    assert [row["completion"] for row in solved] == [pocket.solution(each) for each in ASKED]
    assert [row["prompt"] for row in solved] == [each.messages(stated=()) for each in ASKED]
    alone = Cft(critiques=file)
    assert alone.rows(ASKED) == [critiqued] and "with_solutions" not in alone.bound_to()
    with pytest.raises(TrainingError, match="with a solution"):
        Cft(with_solutions=True).check([Problem(question="?", answer="1", tags={"steps": "1"})])


def test_many_solutions_of_one_problem_are_the_one_problem_form(tmp_path: Path) -> None:
    file = tmp_path / "critiques.jsonl"
    solutions = [f"Try {i}. {pocket.solution(ASKED[0])}" for i in range(3)]
    lines = [
        {"problem": ASKED[0].id, "solution": s, "critique": "Conclusion: right"} for s in solutions
    ]
    file.write_text("".join(dumps(line) + "\n" for line in lines))
    rows = Cft(critiques=file).rows(ASKED[:1])
    assert len(rows) == 3 and len({row["prompt"][0]["content"] for row in rows}) == 3


def test_only_the_critique_is_learned(tiny: Path, tmp_path: Path) -> None:
    file = tmp_path / "critiques.jsonl"
    line = {"problem": ASKED[0].id, "solution": pocket.solution(ASKED[0])}
    file.write_text(dumps(line | {"critique": "Conclusion: right"}) + "\n")
    method = Cft(critiques=file)
    runner = TrlRunner(method, str(tiny), method.rows(ASKED), out=tmp_path / "run")
    (row,) = runner.tokens()
    learned = [i for i, m in zip(row["input_ids"], row["completion_mask"], strict=True) if m]
    assert learned == [
        *runner.trainable.ids("Conclusion: right"),
        runner.trainable.tokenizer.eos_token_id,
    ]


def test_critiques_of_the_bases_own_solutions_are_made_once(tmp_path: Path) -> None:
    method = Cft(max_completion_length=64, epochs=1, learning_rate=1e-4)
    done = method.train("pocket", ASKED, out=tmp_path / "run")
    file = tmp_path / "run.critiques.jsonl"
    rows = list(read_lines(file))
    assert 1 <= len(rows) <= len(ASKED)
    assert {row["verdict"] for row in rows} <= {"right", "wrong"}
    before = file.stat().st_mtime_ns
    assert method.train("pocket", ASKED, out=tmp_path / "run") == done
    assert file.stat().st_mtime_ns == before


def test_unusable_critiques(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="there is no file"):
        Cft(critiques=tmp_path / "none.jsonl").rows(ASKED)
    (tmp_path / "bad.jsonl").write_text('{"problem": "x"}\n')
    with pytest.raises(TrainingError, match="line 1 lacks"):
        Cft(critiques=tmp_path / "bad.jsonl").rows(ASKED)
    (tmp_path / "odd.jsonl").write_text('{"problem": "x", "solution": 4, "critique": "a"}\n')
    with pytest.raises(TrainingError, match="line 1: 'solution' should be a valid string"):
        Cft(critiques=tmp_path / "odd.jsonl").rows(ASKED)
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(TrainingError, match="no critique is usable"):
        Cft(critiques=tmp_path / "empty.jsonl").rows(ASKED)
    with pytest.raises(TrainingError, match="synthetic suite alone"):
        Cft(critic="rules")._written("pocket", [Problem(question="7 + 5 = ?", answer="12")])
