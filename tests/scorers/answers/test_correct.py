import json
import os
import re
from pathlib import Path

import pytest

from twofold.scorers import Correct
from twofold.types import Problem, Response, Verdict

HERE = Path(__file__).parent
GOLDEN = (HERE.parents[1] / "golden" / "answers.jsonl").read_text().splitlines()
SHARED = Path(os.environ["TWOFOLD_SHARED"]) / "data"


def judge(gold: str | None, reply: str, scorer: Correct = Correct()) -> Verdict:
    problem = Problem(question="What is it?", answer=gold)
    return scorer([problem], [Response(raw=reply, reply=reply)])[0]


@pytest.mark.parametrize("line", GOLDEN)
def test_golden_table(line: str) -> None:
    row = json.loads(line)
    verdict = judge(row["gold"], row["reply"], Correct(last_number=row.get("last_number", False)))
    assert verdict.score == float(row["equal"]), verdict.reason


def test_golden_table_has_both_kinds() -> None:
    equal = [json.loads(line)["equal"] for line in GOLDEN]
    assert equal.count(True) >= 50 and equal.count(False) >= 30


def test_the_reason_can_be_checked_by_a_person() -> None:
    assert judge("15", r"\boxed{12}").reason == "12 ≠ 15 (boxed)"
    assert judge("15", "#### 15").reason == "15 = 15 (####)"
    assert judge("5", r"\boxed{5} \boxed{6}").reason == "5, 6 ≠ 5 (2 different boxes)"
    assert judge("5", "5 or 6").reason == "5 or 6 ≠ 5 (concluded)"
    assert judge("5", "I did 5.").reason == "no answer is stated; the last number is 5"
    assert judge("5", "I did 5.", Correct(last_number=True)).reason == "5 = 5 (last)"
    assert judge("5", "Hm.").reason == "no answer found"
    assert judge(None, "5") == Verdict(None, "no reference answer")


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        ("I did 5.", "last_number"),
        ("I did 6.", "last_number"),
        ("I did 5 (last)", "last_number"),
        ("#### 5 (last)", ""),
        (r"\boxed{5}", ""),
        ("Hm.", ""),
    ],
)
def test_a_verdict_notes_that_it_rests_on_the_last_number(reply: str, note: str) -> None:
    assert judge("5", reply, Correct(last_number=True)).note == note


def test_a_comparison_that_does_not_end_is_unscored_and_the_next_goes_on() -> None:
    problems = [Problem(question="?", answer=gold) for gold in ("5", "x^2-1")]
    replies = [r"\boxed{9^{9^{9^{9}}}}", r"\boxed{(x-1)(x+1)}"]
    scorer = Correct(timeout_s=1.5)
    late, right = scorer(problems, [Response(raw=r, reply=r) for r in replies])
    assert late.score is None and late.reason.startswith("timed out after 1.5 s")
    assert right.score == 1.0


def test_official_keeps_the_published_oddities() -> None:
    official = Correct(profile="official")
    assert judge("18", "#### 18", official).score == 0.0
    assert judge("0.5", r"\boxed{50}", official).score == 1.0
    assert judge("5", "\\boxed{5}\nI hope this answer is helpful.", official).score == 0.0
    assert judge("5", r"\boxed{__import__('os')._exit(0)}", official).score == 0.0


def test_timeout_must_be_positive() -> None:
    with pytest.raises(ValueError, match="above 0"):
        Correct(timeout_s=0)


def golds() -> list[str]:
    if not SHARED.is_dir():
        pytest.skip("no shared benchmark data; set TWOFOLD_SHARED to the folder that holds data/")
    answers = []
    for path in [*sorted(SHARED.glob("mathif/*_*le.jsonl")), SHARED / "math500/test.jsonl"]:
        lines = path.read_text().splitlines()
        answers += [json.loads(line)["answer"] for line in lines if line.strip()]
    gsm8k = (SHARED / "gsm8k/test.jsonl").read_text() + (SHARED / "gsm8k/train.jsonl").read_text()
    return answers + re.findall(r"#### ([^\"\\]+)", gsm8k)


@pytest.mark.parametrize(
    "form", [r"\boxed{%s}", "#### %s", "The answer is %s.", r"IT IS $\BOXED{%s}$."]
)
def test_every_gold_passes_its_own_scorer(form: str) -> None:
    answers = golds()
    problems = [Problem(question="?", answer=gold) for gold in answers]
    fitted = [gold.upper() if form.isupper() else gold for gold in answers]
    replies = [form.replace("%s", gold).replace("%S", gold) for gold in fitted]
    verdicts = Correct()(problems, [Response(raw=r, reply=r) for r in replies])
    assert len(answers) == 420 + 500 + 1319 + 7473
    assert [v.reason for v in verdicts if v.score != 1.0] == []


def test_reference_solutions_of_math500_pass() -> None:
    golds()
    rows = [json.loads(line) for line in (SHARED / "math500/test.jsonl").read_text().splitlines()]
    problems = [Problem(question=row["problem"], answer=row["answer"]) for row in rows]
    replies = [Response(raw=row["solution"], reply=row["solution"]) for row in rows]
    assert [v.reason for v in Correct()(problems, replies) if v.score != 1.0] == []
