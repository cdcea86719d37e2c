"""Is the base of the RLAG recipe taught to read other worlds only, and are the arms what they say?"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

pytest.importorskip("trl")

from recipes.rlag import base
from recipes.rlag.__main__ import written
from twofold import study
from twofold.methods import Rlag
from twofold.problems import knowledge
from twofold.scorers import Correct, StatesFacts
from twofold.types import Problem, Response


def scored(problem: Problem, text: str) -> Sequence[float | None]:
    reply = [Response(raw=text, reply=text)]
    return [scorer([problem], reply)[0].score for scorer in (Correct(), StatesFacts())]


def test_demonstrations_are_right_and_passages_hold_what_is_needed() -> None:
    n_told = 0
    for index in range(200):
        asked, said = base.reading(index)
        world = knowledge.World(base.FIRST_WORLD + index)
        problem = next(
            problem
            for split in knowledge.SPLITS
            for problem in knowledge.suite(split, world=world.seed)
            if asked["content"].endswith(problem.messages()[0]["content"])
        )
        right, stated = scored(problem, said["content"])
        assert right == 1.0 and (stated == 1.0 or problem.options)
        passages = asked["content"].removesuffix(problem.messages()[0]["content"])
        if passages:
            n_told += 1
            assert all(fact in passages for fact in problem.tags["facts"].split("; "))
    assert 130 < n_told < 190  # eight in ten


def test_one_demonstration_in_four_is_of_the_pocket_world() -> None:
    texts = [chat[0]["content"] for chat in islice(base.chats(), 40)]
    assert [i for i, text in enumerate(texts) if "What is the" not in text] == list(range(3, 40, 4))


def test_the_study_is_ready_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path(base.__file__).with_name("study.yaml").resolve()
    monkeypatch.chdir(tmp_path)
    written()
    plan = study.read(file)
    arms = {arm.name: arm.trainer for arm in plan.arms}
    problems = plan.load(str(plan.train))
    for method in arms.values():
        method.check(problems)
    cpt, published, own = (arms[name] for name in ("cpt", "rlag_published", "rlag"))
    assert isinstance(cpt, Rlag) and isinstance(published, Rlag) and isinstance(own, Rlag)
    assert not (cpt.weights.augmented or cpt.weights.naive or cpt.weights.distil)
    assert not (published.verified or published.weights.distil or published.weights.replay)
    assert own.verified and own.weights.distil and own.replay and own.cycles == 2
