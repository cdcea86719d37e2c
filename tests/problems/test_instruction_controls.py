"""The controls of instruction tuning: what a prompt says, while the reply stays right and obedient."""

from collections import Counter
from pathlib import Path

import pytest

from twofold.errors import ProblemError
from twofold.methods import Sft, TrainingError
from twofold.problems import pocket
from twofold.problems.instruction_controls import prompt
from twofold.scorers import Compliant, Correct
from twofold.types import Problem, Response

ASKED = pocket.suite(90, split="train")


def said(problem: Problem, kind: str) -> str:
    """What the prompt says after the question and its `ask`."""
    text = prompt(problem, kind, ASKED, 0)[0]["content"]  # type: ignore[arg-type]
    return text[len(problem.question) :].removeprefix(problem.ask.rstrip()).strip()


@pytest.mark.parametrize("kind", ["original", "empty", "output_space", "delusive", "shuffled"])
def test_each_control_on_every_problem(kind: str) -> None:
    for problem in ASKED:
        own = [constraint.instruction() for constraint in problem.constraints]
        got = said(problem, kind)
        if kind == "original":
            assert got == " ".join(own)
        if kind == "empty":
            assert got == ""
        if kind == "output_space":
            forms = [c.name.split(":")[1].replace("_", " ") for c in problem.constraints]
            assert got == f"Output: {', '.join(forms)}."
        if kind == "shuffled":
            assert Counter(got.split()) == Counter(" ".join(own).split())
        if kind == "delusive":
            assert got
            assert not any(sentence in got for sentence in own)
    if kind == "shuffled":
        assert sum(said(p, kind) != said(p, "original") for p in ASKED) > 85


def test_the_same_seed_gives_the_same_prompts() -> None:
    for kind in ("delusive", "shuffled"):
        once = [prompt(p, kind, ASKED, 3) for p in ASKED]  # type: ignore[arg-type]
        assert once == [prompt(p, kind, ASKED, 3) for p in ASKED]  # type: ignore[arg-type]
        assert once != [prompt(p, kind, ASKED, 4) for p in ASKED]  # type: ignore[arg-type]


def test_what_cannot_be_swapped_or_taken_away() -> None:
    with pytest.raises(ProblemError, match="other types"):
        prompt(ASKED[0], "delusive", [ASKED[0]], 0)
    stated = Problem(
        question="Say yes.", constraints=ASKED[0].constraints, question_states_constraints=True
    )
    with pytest.raises(ProblemError, match="are separate from the question"):
        prompt(stated, "empty", [stated], 0)


def test_written_demonstrations_are_what_they_say() -> None:
    for kind, obeys in (("solutions", False), ("obedient", True)):
        rows = Sft(demonstrations=kind, learning_rate=1e-4).rows(ASKED)  # type: ignore[arg-type]
        texts = [str(row["completion"]) for row in rows]
        replies = [Response(raw=t, reply=t.rpartition("</think>")[2].strip()) for t in texts]
        assert all(v.score == 1 for v in Correct()(ASKED, replies))
        met = [v.score == 1 for v in Compliant("all")(ASKED, replies)]
        assert all(met) if obeys else sum(met) < 20
        steps = [problem.tags["steps"].split("; ")[0].replace(",", "") for problem in ASKED]
        assert all(s in t.replace(",", "") for s, t in zip(steps, texts, strict=True))


def test_the_control_reaches_the_rows_and_files_keep_working(tmp_path: Path) -> None:
    sft = Sft(demonstrations="obedient", instructions="empty", learning_rate=1e-4)
    rows = sft.rows(ASKED[:3])
    assert [row["prompt"] for row in rows] == [p.messages(stated=()) for p in ASKED[:3]]
    foreign = Problem(question="7 + 5 = ?", answer="12")
    assert sft.rows([ASKED[0], foreign]) == rows[:1]  # passed over
    with pytest.raises(TrainingError, match="pocket and synthetic suites only"):
        sft.rows([foreign])


def test_a_guess_only_knows_the_output_space() -> None:
    import numpy as np

    rng = np.random.default_rng(0)
    asked = pocket.suite(200)
    texts = [pocket.guess(problem, asked, rng) for problem in asked]
    replies = [Response(raw=text, reply=text) for text in texts]
    right = sum(v.score == 1 for v in Correct()(asked, replies)) / 200
    obedient = sum(v.score == 1 for v in Compliant("all")(asked, replies)) / 200
    assert 0.05 < right < 0.3  # four to ten states to guess among
    assert 0.1 < obedient < 0.45
