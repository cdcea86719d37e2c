"""Are needed facts found where they are stated, and only there?"""

import pytest

from twofold.problems import knowledge
from twofold.scorers import StatesFacts
from twofold.types import FinishReason, Problem, Response

ASKED = Problem(
    question="What is the cup of the partner of Anna?",
    tags={"facts": "The partner of Anna is Emil; The cup of Emil is red"},
)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("The partner of Anna is Emil. The cup of Emil is red. It is \\boxed{red}.", 1.0),
        ("So the partner of anna is EMIL, and the cup of Emil is \\boxed{red}", 1.0),
        ("* Because the partner of Anna is Emil;\n* the cup of Emil is red!", 1.0),
        ("The cup of Emil is red. It is \\boxed{red}.", 0.5),
        ("It is \\boxed{red}.", 0.0),
        ("The partner of Anna is Nora. The cup of Nora is red.", 0.0),
        # denied, hedged, or stated both ways
        ("It is false that the cup of Emil is red.", 0.0),
        ("The cup of Emil is not red. The partner of Anna is Emil.", 0.5),
        ("The cup of Emil is red. The cup of Emil is blue. The partner of Anna is Emil.", 0.5),
        ("Emil Anna red cup partner the of is", 0.0),
    ],
)
def test_a_fact_is_stated_by_a_clause_of_its_own(text: str, share: float) -> None:
    reply = Response(raw=text, reply=text)
    mean, every = (StatesFacts(how)([ASKED], [reply])[0] for how in ("mean", "all"))
    assert mean.score == share
    assert every.score == float(share == 1.0)


def test_what_was_cut_off_is_unscored() -> None:
    cut = Response(raw="The cup", reply="The cup", finish_reason=FinishReason.truncated)
    assert StatesFacts()([ASKED], [cut])[0].score is None


def test_floors_and_controls_on_the_invented_world() -> None:
    """The worked solution states all; a bare answer nothing; another problem's explanation less."""
    problems = knowledge.suite("test")

    def mean(texts: list[str]) -> float:
        found = StatesFacts()(problems, [Response(raw=t, reply=t) for t in texts])
        assert all(verdict.is_scored for verdict in found)
        return sum(verdict.score or 0.0 for verdict in found) / len(found)

    assert mean([str(problem.solution) for problem in problems]) == 1.0
    assert mean([knowledge.said(str(problem.answer)) for problem in problems]) == 0.0
    others = [*problems[8:], *problems[:8]]  # two facts further
    assert mean([str(problem.solution) for problem in others]) < 0.1
    everything = " ".join(knowledge.World(0).passage(name) for name in knowledge.TRAIN_NAMES)
    assert mean([everything] * len(problems)) == 1.0  # as documented: look at the length


def test_a_wrong_way_of_counting_is_refused() -> None:
    with pytest.raises(ValueError, match="use 'mean'"):
        StatesFacts("some")  # type: ignore[arg-type]
