"""LabelNoiseJudge: errors are planted, counted, the same every time, and hang on what they should."""

import pytest

from twofold.checklist import ANSWER, Criterion
from twofold.judges.exact import ExactJudge
from twofold.judges.judge import Asked
from twofold.judges.noisy import LabelNoiseJudge, opening
from twofold.types import Problem, Response

PROBLEM = Problem(question="7 + 5 = ?", answer="12")
RIGHT = Criterion(text="Is the final answer right?", rule=ANSWER)


def asked(text: str, criterion: Criterion = RIGHT) -> Asked:
    return Asked(problem=PROBLEM, response=Response(raw=text, reply=text), criterion=criterion)


def test_the_error_rate_is_what_it_says() -> None:
    judge = LabelNoiseJudge(ExactJudge(), error=0.3)
    questions = [asked(f"word{i} \\boxed{{12}}") for i in range(4000)]
    share = sum(map(judge.errs, questions)) / 4000
    assert abs(share - 0.3) < 3 * (0.3 * 0.7 / 4000) ** 0.5
    some = questions[:200]
    turned = [verdict.score == 0 for verdict in judge(some)]  # all of them are right
    assert turned == [judge.errs(each) for each in some]


def test_no_error_and_all_errors() -> None:
    questions = [asked("\\boxed{12}"), asked("\\boxed{13}"), asked("?", Criterion(text="Kind?"))]
    right = ExactJudge()(questions)
    assert LabelNoiseJudge(ExactJudge(), error=0)(questions) == right
    assert [v.score for v in LabelNoiseJudge(ExactJudge(), error=1)(questions)] == [0.0, 1.0, None]


def test_an_opening_is_wronged_as_a_whole_and_a_reply_is_not() -> None:
    words = [f"word{i}" for i in range(400)]
    by_opening = LabelNoiseJudge(ExactJudge(), error=0.5, by="opening")
    by_reply = LabelNoiseJudge(ExactJudge(), error=0.5, by="reply")
    for word in words[:50]:
        luck = {by_opening.errs(asked(f"**{word.upper()}**, so {i}")) for i in range(10)}
        assert luck == {by_opening.errs(asked(word))}
    assert len({by_reply.errs(asked(f"word, so {i}")) for i in range(30)}) == 2
    share = sum(by_opening.errs(asked(word)) for word in words) / 400
    assert abs(share - 0.5) < 3 * (0.25 / 400) ** 0.5


def test_another_seed_or_criterion_has_other_errors() -> None:
    questions = [asked(f"word{i}") for i in range(200)]
    others = [asked(f"word{i}", Criterion(text="Another?", rule=ANSWER)) for i in range(200)]
    judge = LabelNoiseJudge(ExactJudge(), error=0.5)
    luck = [judge.errs(each) for each in questions]
    assert luck != [judge.errs(each) for each in others]
    assert luck != [
        LabelNoiseJudge(ExactJudge(), error=0.5, seed=1).errs(each) for each in questions
    ]


def test_polarity_and_weight_play_no_part() -> None:
    judge = LabelNoiseJudge(ExactJudge(), error=0.5)
    other = Criterion(text=RIGHT.text, rule=ANSWER, pitfall=True, weight=3)
    texts = [f"word{i}" for i in range(50)]
    assert [judge.errs(asked(t)) for t in texts] == [judge.errs(asked(t, other)) for t in texts]


@pytest.mark.parametrize("error", [-0.1, 1.1, float("nan")])
def test_an_error_outside_its_range_is_refused(error: float) -> None:
    with pytest.raises(ValueError, match="error is"):
        LabelNoiseJudge(ExactJudge(), error=error)


def test_an_unknown_feature_is_refused() -> None:
    with pytest.raises(ValueError, match="by is"):
        LabelNoiseJudge(ExactJudge(), by="length")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "word"),
    [("", ""), ("  ", ""), ("— so", "—"), ("Let's go", "lets"), ("ÄRGER!", "ärger")],
)
def test_openings(text: str, word: str) -> None:
    assert opening(text) == word


def test_half_a_character_is_no_crash() -> None:
    assert LabelNoiseJudge(ExactJudge(), error=1)([asked("\ud800 \\boxed{12}")])[0].score == 0.0
