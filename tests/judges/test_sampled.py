"""SampledJudge: the mean of what can be read, counts of what cannot, one call for all questions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from twofold.judges.judge import Asked
from twofold.judges.sampled import SampledJudge
from twofold.models.scripted import ScriptedModel
from twofold.types import FinishReason, Message, Model, Problem, Response, Sampling, Verdict
from twofold.types.checklist import Criterion

PROBLEM = Problem(question="Say hello.")


def question(text: str = "Hello!", criterion: str = "Does it greet?", **more: Any) -> Asked:
    return Asked(
        problem=PROBLEM,
        response=Response(raw=text, reply=text),
        criterion=Criterion(text=criterion, **more),
    )


def judged(said: Sequence[str | Response], **more: Any) -> Verdict:
    model = ScriptedModel(lambda text, g: said[g])
    return SampledJudge(model, n=len(said), temperature=1, **more)([question()])[0]


@dataclass(frozen=True)
class Noting(Model):
    """A scripted model that notes how it was called."""

    calls: list[tuple[list[str], Sampling, int, int]] = field(default_factory=list)

    @property
    def spec(self) -> str:
        return "noting"

    def fingerprint(self) -> dict[str, object]:
        return {}

    def stream(
        self, prompts: Sequence[Sequence[Message]], sampling: Sampling, **more: Any
    ) -> Iterator[tuple[int, int, Response]]:
        texts = [chat[-1]["content"] for chat in prompts]
        self.calls.append((texts, sampling, more["n"], more["seed"]))
        for p in reversed(range(len(prompts))):  # in any order, as a server's
            for g in range(more["n"]):
                yield p, g, Response(raw=str(10 * p + g), reply=str(10 * p + g))


@pytest.mark.parametrize(
    ("said", "score"),
    [
        (["0"], 0.0),
        (["100"], 1.0),
        (["100", "0"], 0.5),
        (["90", "80", "70"], 0.8),
        (["90", "-1", "80"], 0.85),  # an abstention is dropped, not counted as -1 or 0
        (["90", "?", "80"], 0.85),
        (["90", "500"], 0.9),
    ],
)
def test_the_mean_of_what_was_read(said: list[str], score: float) -> None:
    assert judged(said).score == pytest.approx(score)


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        (["-1"], "0 of 1 samples gave a number (1 abstained)"),
        (["90", "-1", "?"], "1 of 3 samples gave a number (1 abstained, 1 unreadable)"),
        (["<think>90", "90", "?"], "1 of 3 samples gave a number (1 failed, 1 unreadable)"),
    ],
)
def test_too_few_readable_is_unscored_with_the_counts(said: list[str], counts: str) -> None:
    found = judged(said)
    assert (found.score, found.reason) == (None, counts)
    assert [part.reason for part in found.parts.values()] == said  # a person can see what it was


def test_a_server_that_is_down_scores_nothing() -> None:
    failed = Response(raw="", reply="", finish_reason=FinishReason.failed, error="HTTP 500")
    why = "0 of 5 samples gave a number (5 failed: HTTP 500)"
    lost = {f"sample:{i}": Verdict(None, "HTTP 500") for i in range(1, 6)}
    assert judged([failed] * 5) == Verdict(None, why, lost)


def test_the_words_behind_a_mean_can_be_read() -> None:
    said = ["It greets, but late.\n90", "<think>Is it kind?</think>80", "I cannot say"]
    found = judged(said)
    assert found.score == pytest.approx(0.85)
    scores = [(part.score, part.reason) for part in found.parts.values()]
    assert scores == [(0.9, said[0]), (0.8, said[1]), (None, said[2])]


def test_the_samples_of_a_pitfall_are_turned_as_its_mean_is_and_the_words_are_not() -> None:
    model = ScriptedModel(lambda text, g: ("90", "70", "?")[g])
    (found,) = SampledJudge(model, n=3)([question(pitfall=True)])
    assert found.score == pytest.approx(0.2)
    parts = [(part.score, part.reason) for part in found.parts.values()]
    assert parts == [(pytest.approx(0.1), "90"), (pytest.approx(0.3), "70"), (None, "?")]


def test_all_questions_go_in_one_call_and_equal_ones_once() -> None:
    model = Noting()
    judge = SampledJudge(model, n=3, temperature=0.7, seed=5)
    asked = [
        question("a"),
        question("b"),
        question("a"),
        question("a", pitfall=True),
        question(" "),
    ]
    found = judge(asked)
    ((texts, sampling, n, seed),) = model.calls
    assert (len(texts), n, seed) == (2, 3, 5)
    assert (sampling.temperature, sampling.max_tokens) == (0.7, 16)
    assert [v.score for v in found] == pytest.approx([0.01, 0.11, 0.01, 0.99, 0.0])


def test_nothing_to_ask_is_no_call() -> None:
    model = Noting()
    assert SampledJudge(model)([]) == []
    assert SampledJudge(model)([question("")])[0].score == 0.0
    assert model.calls == []


def test_the_prompt_shows_request_reply_and_criterion_and_no_polarity() -> None:
    model = Noting()
    SampledJudge(model, n=1)(
        [question("R{criterion}R", "C?"), question("R{criterion}R", "C?", pitfall=True)]
    )
    ((texts, *_),) = model.calls
    (text,) = texts
    assert text.index("Say hello.") < text.index("R{criterion}R") < text.index("C?")
    for anchor in (100, 75, 50, 25, 0):
        assert f"\n{anchor} - " in text
    assert "-1" in text


@pytest.mark.parametrize(
    "wrong", [{"n": 0}, {"temperature": -1}, {"temperature": 0}, {"temperature": float("nan")}]
)
def test_arguments_out_of_range(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SampledJudge(Noting(), **wrong)


def test_one_greedy_sample_is_fine() -> None:
    assert SampledJudge(Noting(), n=1, temperature=0)([question()])[0].score == 0.0
