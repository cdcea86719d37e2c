"""CachedJudge: asked once, never stale, never a kept failure, and a kill costs no verdict."""

import logging
import pickle
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from twofold.constraints import from_spec
from twofold.errors import ScoringError
from twofold.judges.blend import Blend
from twofold.judges.cache import CHUNK, CachedJudge, identity
from twofold.judges.exact import ExactJudge
from twofold.judges.judge import Asked, Judge
from twofold.judges.program import ProgramJudge
from twofold.judges.sampled import SampledJudge
from twofold.models.scripted import ScriptedModel
from twofold.types import FinishReason, Problem, Response, Verdict
from twofold.types.checklist import Checklist, Criterion

HEARD: list[str] = []


@dataclass(frozen=True)
class Counting(Judge):
    """Scores by the reply's length and notes what it is asked; a reply `?` is beyond it."""

    top: int = 10
    inner: Any = None

    @property
    def name(self) -> str:
        return "counting"

    def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
        HEARD.extend(each.response.reply for each in asked)
        return [self.one(each.response) for each in asked]

    def one(self, response: Response) -> Verdict:
        if lost := response.unscored():
            return lost
        if response.reply == "?":
            return Verdict(None, "the server is down")
        score = min(1.0, len(response.reply) / self.top)
        return Verdict(
            score, 'so "long"\nä', {"program": Verdict(None, "none", note="not_installed")}
        )


@pytest.fixture(autouse=True)
def _nothing_heard() -> None:
    HEARD.clear()


def n_kept(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "cache.sqlite3")) as connection:
        (n,) = connection.execute("SELECT count(*) FROM entries").fetchone()
    return int(n)


def question(text: str = "abc", problem: Problem = Problem(question="Q"), **more: Any) -> Asked:
    criterion = Criterion(**({"text": "C?"} | more))
    return Asked(problem=problem, response=Response(raw=text, reply=text), criterion=criterion)


def test_what_is_known_is_not_asked_again_and_is_the_same_verdict(tmp_path: Path) -> None:
    first = CachedJudge(Counting(), tmp_path)([question("abc"), question("ab"), question("abc")])
    assert HEARD == ["abc", "ab"]
    again = CachedJudge(Counting(), tmp_path)([question("ab"), question("abc"), question("a")])
    assert HEARD == ["abc", "ab", "a"]
    assert again[:2] == [first[1], first[0]] and first[0] == first[2] == Counting().one(
        Response(raw="", reply="abc")
    )
    assert n_kept(tmp_path) == 3


def test_one_object_sees_what_it_and_others_have_kept(tmp_path: Path) -> None:
    one, other = CachedJudge(Counting(), tmp_path), CachedJudge(Counting(), tmp_path)
    one([question("a")])
    other([question("a"), question("ab")])
    one([question("ab"), question("a")])
    assert HEARD == ["a", "ab"]


def test_unscored_is_not_kept(tmp_path: Path) -> None:
    judge = CachedJudge(Counting(), tmp_path)
    lost = Response(raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 500")
    asked = [question("?"), replace(question(), response=lost)]
    for _ in range(2):
        assert [v.reason for v in judge(asked)] == ["the server is down", "HTTP 500"]
    assert len(HEARD) == 4 and n_kept(tmp_path) == 0


RULE = from_spec("punctuation:no_comma", None, profile="fixed")
OFFICIAL = from_spec("punctuation:no_comma", None, profile="official")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (question("abc"), question("abd")),
        (question(), question(text="D?")),
        (question(), question(pitfall=True)),
        (question(), question(rule="answer")),
        (question(), question(program="def verify(text): return True")),
        (question(), question(weight=50)),
        (question(), question(problem=Problem(question="R"))),
        (question(), question(problem=Problem(question="Q", answer="1"))),
        (
            question(problem=Problem(question="Q", constraints=(RULE,))),
            question(problem=Problem(question="Q", constraints=(OFFICIAL,))),
        ),
    ],
)
def test_another_question_is_asked(one: Asked, other: Asked, tmp_path: Path) -> None:
    judge = CachedJudge(Counting(), tmp_path)
    judge([one])
    judge([other])
    assert len(HEARD) == 2


@pytest.mark.parametrize(
    "same",
    [
        replace(
            question(), response=Response(raw="<think>t</think>abc", reply="abc", thinking="t")
        ),
        question(problem=Problem(question="Q", tags={"split": "test"})),
        question(
            problem=Problem(question="Q", checklist=Checklist(criteria=(Criterion(text="X"),)))
        ),
    ],
)
def test_thought_tags_and_checklist_play_no_part(same: Asked, tmp_path: Path) -> None:
    judge = CachedJudge(Counting(), tmp_path)
    judge([question()])
    judge([same])
    assert HEARD == ["abc"]


def test_another_judge_has_its_own_verdicts(tmp_path: Path) -> None:
    for top in (10, 20, 10):
        (found,) = CachedJudge(Counting(top), tmp_path)([question("ab")])
        assert found.score == 2 / top
    assert HEARD == ["ab", "ab"]


def test_another_model_has_its_own_verdicts(tmp_path: Path) -> None:
    scores = []
    for said in ("100", "50", "100"):
        model = ScriptedModel({}, name=said)
        model = replace(model, script=lambda text, g, said=said: said)
        (found,) = CachedJudge(SampledJudge(model, n=1), tmp_path)([question()])
        scores.append(found.score)
    assert scores == [1.0, 0.5, 1.0]


def test_a_place_that_cannot_be_written_costs_no_verdict(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("")
    with caplog.at_level(logging.WARNING):
        (found,) = CachedJudge(Counting(), tmp_path / "file")([question()])
    assert found.score == 0.3 and "set TWOFOLD_CACHE" in caplog.text


def test_threads_share_one_judge(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    judge = CachedJudge(Counting(), tmp_path)
    judge([question("a")])
    threads = [Thread(target=judge, args=([question("a"), question("b" * n)],)) for n in (2, 3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert n_kept(tmp_path) == 4 and not caplog.text


def test_a_judge_without_stable_content_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScoringError, match="object"):
        CachedJudge(Counting(inner=object()), tmp_path)([question()])


def test_identity_goes_into_judges_and_models() -> None:
    model = ScriptedModel({"a": ["b"]}, name="m")
    found = identity(SampledJudge(model, n=3))
    assert isinstance(found, dict)
    assert found["model"] == model.fingerprint() and found["n"] == 3
    assert identity(Counting(inner=(1, ExactJudge()))) != identity(
        Counting(inner=(2, ExactJudge()))
    )


def test_the_words_of_a_judge_are_kept_with_its_verdict(tmp_path: Path) -> None:
    model = ScriptedModel(lambda text, g: f"It is so.\n{90 - 10 * g}")
    first = CachedJudge(SampledJudge(model, n=2), tmp_path)([question()])
    again = CachedJudge(SampledJudge(model, n=2), tmp_path)([question()])
    assert again == first and n_kept(tmp_path) == 1
    words = [part.reason for part in again[0].parts.values()]
    assert words == ["It is so.\n90", "It is so.\n80"]


def test_the_identity_of_a_judge_has_no_place_of_its_cache(tmp_path: Path) -> None:
    one, other = (CachedJudge(Counting(), tmp_path / name) for name in ("a", "b"))
    assert identity(one) == identity(other) == identity(Counting())
    blends = [Blend(each, ProgramJudge()) for each in (one, other)]
    assert identity(blends[0]) == identity(blends[1])
    assert identity(CachedJudge(Counting(9), tmp_path)) != identity(one)


def test_half_a_character_survives(tmp_path: Path) -> None:
    asked = [question("\ud800")]
    assert CachedJudge(Counting(), tmp_path)(asked) == CachedJudge(Counting(), tmp_path)(asked)
    assert len(HEARD) == 1


def test_pickles_without_what_it_has_read(tmp_path: Path) -> None:
    judge = CachedJudge(Counting(), tmp_path)
    small = len(pickle.dumps(judge))
    judge([question("a" * n) for n in range(1, 200)])
    assert len(pickle.dumps(judge)) == small and pickle.loads(pickle.dumps(judge)) == judge


def test_what_was_told_before_a_kill_is_kept(tmp_path: Path) -> None:
    """Thousands of questions are one call of a scorer, and a night of a model judge."""

    left = [2]

    @dataclass(frozen=True)
    class Killed(Judge):
        @property
        def name(self) -> str:
            return "killed"

        def __call__(self, asked: Sequence[Asked]) -> list[Verdict]:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return Counting()(asked)

    replies = [Response(raw=f"{i}", reply=f"{i}") for i in range(CHUNK)]
    asked = [
        Asked(problem=Problem(question="Q"), response=reply, criterion=Criterion(text=text))
        for reply in replies
        for text in ("A?", "B?", "C?")
    ]
    with pytest.raises(KeyboardInterrupt):
        CachedJudge(Killed(), tmp_path)(asked)
    n = n_kept(tmp_path)
    assert 2 * CHUNK <= n < 2 * CHUNK + 6
    assert n % 3 == 0  # the criteria of one reply are asked together
    HEARD.clear()
    left[0] = 9
    CachedJudge(Killed(), tmp_path)(asked)
    assert len(HEARD) == len(asked) - n


def test_a_run_is_not_bound_to_where_the_verdicts_lie(tmp_path: Path) -> None:
    """What decides a training is told by `repr`, and another home is not another judge."""
    assert str(tmp_path) not in repr(CachedJudge(ExactJudge(), tmp_path))
