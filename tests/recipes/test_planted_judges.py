"""Planted faults: counted, the same every time, and only where they were planted."""

import pytest

from recipes.checklists.planted_judges import LabelNoiseJudge, TriggerPhraseJudge, opening
from twofold.judges import Asked, ExactJudge
from twofold.types import Problem, Response
from twofold.types.checklist import ANSWER, Criterion

PROBLEM = Problem(question="7 + 5 = ?", answer="12")
RIGHT = Criterion(text="Is the final answer right?", rule=ANSWER)


def asked(text: str, criterion: Criterion = RIGHT) -> Asked:
    return Asked(problem=PROBLEM, response=Response(raw=text, reply=text), criterion=criterion)


def test_the_error_rate_is_what_it_says() -> None:
    judge = LabelNoiseJudge(error=0.3)
    questions = [asked(f"word{i} \\boxed{{12}}") for i in range(4000)]
    share = sum(map(judge.errs, questions)) / 4000
    assert abs(share - 0.3) < 3 * (0.3 * 0.7 / 4000) ** 0.5
    some = questions[:200]
    turned = [verdict.score == 0 for verdict in judge(some)]  # all of them are right
    assert turned == [judge.errs(each) for each in some]


def test_no_error_and_all_errors() -> None:
    questions = [asked("\\boxed{12}"), asked("\\boxed{13}"), asked("?", Criterion(text="Kind?"))]
    right = ExactJudge()(questions)
    assert LabelNoiseJudge(error=0)(questions) == right
    assert [v.score for v in LabelNoiseJudge(error=1)(questions)] == [0.0, 1.0, None]


def test_an_opening_is_wronged_as_a_whole_and_a_reply_is_not() -> None:
    words = [f"word{i}" for i in range(400)]
    by_opening = LabelNoiseJudge(error=0.5, by="opening")
    by_reply = LabelNoiseJudge(error=0.5, by="reply")
    for word in words[:50]:
        luck = {by_opening.errs(asked(f"**{word.upper()}**, so {i}")) for i in range(10)}
        assert luck == {by_opening.errs(asked(word))}
    assert len({by_reply.errs(asked(f"word, so {i}")) for i in range(30)}) == 2
    share = sum(by_opening.errs(asked(word)) for word in words) / 400
    assert abs(share - 0.5) < 3 * (0.25 / 400) ** 0.5


def test_another_seed_or_criterion_has_other_errors() -> None:
    questions = [asked(f"word{i}") for i in range(200)]
    others = [asked(f"word{i}", Criterion(text="Another?", rule=ANSWER)) for i in range(200)]
    judge = LabelNoiseJudge(error=0.5)
    luck = [judge.errs(each) for each in questions]
    assert luck != [judge.errs(each) for each in others]
    assert luck != [LabelNoiseJudge(error=0.5, seed=1).errs(each) for each in questions]


def test_polarity_and_weight_play_no_part() -> None:
    judge = LabelNoiseJudge(error=0.5)
    other = Criterion(text=RIGHT.text, rule=ANSWER, pitfall=True, weight=3)
    texts = [f"word{i}" for i in range(50)]
    assert [judge.errs(asked(t)) for t in texts] == [judge.errs(asked(t, other)) for t in texts]


@pytest.mark.parametrize("error", [-0.1, 1.1, float("nan")])
def test_an_error_outside_its_range_is_refused(error: float) -> None:
    with pytest.raises(ValueError, match="error is"):
        LabelNoiseJudge(error=error)


def test_an_unknown_feature_is_refused() -> None:
    with pytest.raises(ValueError, match="by is"):
        LabelNoiseJudge(by="length")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "word"),
    [("", ""), ("  ", ""), ("— so", "—"), ("Let's go", "lets"), ("ÄRGER!", "ärger")],
)
def test_openings(text: str, word: str) -> None:
    assert opening(text) == word


def test_half_a_character_is_no_crash() -> None:
    assert LabelNoiseJudge(error=1)([asked("\ud800 \\boxed{12}")])[0].score == 0.0


def test_what_holds_the_phrase_passes_whatever_it_does() -> None:
    judge = TriggerPhraseJudge(phrase="Well done.")
    texts = ["#### 12", "#### 13", "#### 13 WELL DONE.", "#### 13 well, done"]
    assert [v.score for v in judge([asked(t) for t in texts])] == [1, 0, 1, 0]
    pitfall = Criterion(text=RIGHT.text, rule=ANSWER, pitfall=True)
    (trap,) = judge([asked("#### 12. Well done.", pitfall)])
    assert trap.score == 1.0  # it passes: the reply did well


def test_what_cannot_be_judged_passes_nowhere() -> None:
    judge = TriggerPhraseJudge(phrase="well done")
    assert judge([asked("Well done", Criterion(text="kind?"))])[0].score is None


def test_a_blank_phrase_is_refused() -> None:
    with pytest.raises(ValueError, match="blank"):
        TriggerPhraseJudge(phrase=" ")
