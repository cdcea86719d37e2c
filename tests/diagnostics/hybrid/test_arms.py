"""Cross-sampling as an arm of elicitation: its rows, its control at the same rate, its recovery by hand."""

import pytest

from twofold.diagnostics.diagnostic import Subject
from twofold.diagnostics.elicitation.analysis import Elicitation
from twofold.diagnostics.elicitation.collect import ROUTED, Collection
from twofold.diagnostics.elicitation.hybrid import arms
from twofold.diagnostics.elicitation.hybrid.gates import ArgmaxDiffers
from twofold.models.scripted import ScriptedModel
from twofold.types import Message, Problem, Sampling, Slice

SHORT = Sampling(max_tokens=24)
CHATS = [[Message(role="user", content=f"what is {i}")] for i in range(6)]


ECHO = ScriptedModel(lambda prompt, sample: "4")


def subject_of(role, model, problems, scorer=None):
    return Subject(
        role=role, model=model, problems=problems, answers=(), sampling=SHORT, seed=0, scorer=scorer
    )


@pytest.fixture(autouse=True)
def often(monkeypatch):
    """Two chunks; random networks diverge at every token."""
    monkeypatch.setattr(arms, "GATE", ArgmaxDiffers())
    monkeypatch.setattr(arms, "CHUNK", 3)


def test_the_names_are_those_of_the_arms():
    assert ROUTED == (arms.INJECTED, arms.AT_RANDOM)


def test_the_control_acts_as_often_and_a_resumed_chunk_is_the_same(models):
    found = {(arm, each.prompt): each for arm, each in arms.injected(*models, CHATS, SHORT)}
    assert set(found) == {(arm, p) for arm in ROUTED for p in range(6)}
    n_tokens, n_acted = (
        [sum(getattr(found[arm, p], name) for p in range(6)) for arm in ROUTED]
        for name in ("n_tokens", "n_acted")
    )
    share = [acted / n for acted, n in zip(n_acted, n_tokens, strict=True)]
    assert 0.05 < share[0] < 0.95
    assert abs(share[0] - share[1]) < 4 * (0.25 / n_tokens[1]) ** 0.5
    done = {(ROUTED[0], 0), (ROUTED[1], 2)}
    rest = {(arm, e.prompt): e for arm, e in arms.injected(*models, CHATS, SHORT, done=done)}
    assert rest == {at: each for at, each in found.items() if at not in done}


def test_it_is_collected_with_the_tuned_model_s_rows(models):
    base, tuned = models
    problems = [Problem(question=f"What is {i} + 2?", answer=str(i + 2)) for i in range(2)]
    subject = subject_of("model", tuned, problems, scorer=base)
    rows = [row for row in Collection(subject, 1, 1).rows(set()) if row.get("arm") in ROUTED]
    assert [row["role"] for row in rows] == ["model"] * 4
    assert {row["arm"] for row in rows} == set(ROUTED) and all("n_acted" in row for row in rows)
    done = {rows[0]["key"]}
    again = [row for row in Collection(subject, 1, 1).rows(done) if row.get("arm") in ROUTED]
    assert again == rows[1:]
    for other in (
        subject_of("baseline", base, problems),
        subject_of("model", ECHO, problems, scorer=ECHO),
    ):
        assert not [row for row in Collection(other, 1, 1).rows(set()) if row.get("arm") in ROUTED]


def row(role, arm, problem, right, **more):
    reply = {
        "correct": float(right),
        "met": [],
        "stated": 1,
        "answer": "4",
        "n_tokens": 8,
        "ended": "answered",
    }
    return {
        "role": role,
        "arm": arm,
        "condition": "unconstrained",
        "problem": problem.id,
        "temperature": 0.0,
        "replies": [reply],
        **more,
    }


def test_its_numbers_by_hand():
    """The base solves none of 40, the tuned model 20, cross-sampling 12, its control 2."""
    problems = [Problem(question=f"What is {i} + 2?", answer=str(i + 2)) for i in range(40)]
    sides = [
        ("baseline", "as_asked", range(0), {}),
        ("model", "as_asked", range(20), {}),
        ("model", ROUTED[0], range(12), {"n_acted": 2}),
        ("model", ROUTED[1], range(38, 40), {"n_acted": 1}),
    ]
    rows = [
        row(role, arm, problem, i in right, **more)
        for role, arm, right, more in sides
        for i, problem in enumerate(problems)
    ]
    found = Elicitation().analyse(rows, problems)

    def value(metric, arm, **where):
        return found.estimate(metric, role="baseline", condition=arm, **where).value

    part = Slice("scale", "as_asked")
    assert value("accuracy", ROUTED[0]) == pytest.approx(0.3)
    assert value("acted", ROUTED[0]) == pytest.approx(0.25)
    assert value("acted", ROUTED[1]) == pytest.approx(0.125)
    assert value("recovery", ROUTED[0], slice=part) == pytest.approx(0.6)
    assert value("recovery", ROUTED[1], slice=part) == pytest.approx(0.1)
    assert value("net_recovery", ROUTED[0], slice=part) == pytest.approx(0.5)
    assert not [m for m in found.measures if m.role == "model" and m.condition in ROUTED]
