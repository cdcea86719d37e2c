"""How does any scorer become a reward, with a number where a trainer has no word for "unscored"?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple, final

from twofold.errors import ScoringError
from twofold.methods.rewards import reward as scorer_named
from twofold.methods.trl.reward import judged
from twofold.models.thinking import ThinkingPolicy, read_said
from twofold.storage.jsonl import dumps
from twofold.types import FinishReason, Problem, Response, Scorer, Verdict

# What a reply earns that the policy did not finish, where a trainer needs a number: the lowest reward.
UNFINISHED = 0.0


@final
class UnscoredError(ScoringError):
    """A reply that cannot be scored, in a trainer that knows no None."""


@final
class Earned(NamedTuple):
    """What a reply earned in a trainer that needs a number.

    Attributes:
        score: In [0, 1].
        is_unfinished: The thought did not end, so that there was nothing to judge.
        reason: One line that a person can check against the text.
    """

    score: float
    is_unfinished: bool
    reason: str


@final
@dataclass(frozen=True)
class RewardFunction:
    """A scorer as a reward; called plainly, it is the reward of your own loop.

    Thought and reply are split as in an audit. What cannot be scored is None, never 0. Of a scorer that
    changes with the training step, this is the first step: trainers outside do not tell it.

    Args:
        scorer: The scorer that rewards a reply.
        policy: The model's thinking marks; where they do not occur, all known ones count. Set
            `prefilled` where the chat template opens the thought in the prompt.

    Example:
        >>> from twofold.scorers import Correct
        >>> reward = RewardFunction(Correct())
        >>> problem = Problem(question="7 + 5 = ?", answer="12")
        >>> reward(problem, "<think>7+5</think>#### 12"), reward(problem, "<think>7+5")
        (1.0, None)
    """

    scorer: Scorer
    policy: ThinkingPolicy = field(default_factory=ThinkingPolicy)

    @property
    def name(self) -> str:
        """The scorer's name."""
        return self.scorer.name

    def __call__(self, problem: Problem, said: object) -> float | None:
        """The score of one reply in [0, 1]; None if it is unscored.

        Args:
            problem: What was asked.
            said: The reply: a text, a message, its typed parts, or a conversation that ends in it.
        """
        return self.verdicts([problem], [said])[0].score

    def verdicts(self, problems: Sequence[Problem], said: Sequence[object]) -> list[Verdict]:
        """A verdict for each reply; all are unscored if the scorer cannot work at all."""
        return judged(self.scorer, problems, [self.response(each) for each in said])

    def earned(self, problems: Sequence[Problem], said: Sequence[object]) -> list[Earned]:
        """What each reply earned, for a trainer that knows no None.

        A check that failed never reaches a group's baseline: it raises. Only a reply that the policy did
        not finish gets a number without a check, `UNFINISHED`: that is what the policy did.

        Raises:
            UnscoredError: If a reply cannot be scored for another reason; the message says why.
            ScoringError: If the scorer does not apply to a problem.

        Example:
            >>> from twofold.scorers import Correct
            >>> problem = Problem(question="7 + 5 = ?", answer="12")
            >>> RewardFunction(Correct()).earned([problem], ["<think>7+5"])
            [Earned(score=0.0, is_unfinished=True, reason='unclosed thinking')]
        """
        for problem in problems:
            self._require(problem)
        responses = [self.response(each) for each in said]
        verdicts = judged(self.scorer, problems, responses)
        return [self._earned(*each) for each in zip(problems, responses, verdicts, strict=True)]

    def response(self, said: object) -> Response:
        """A reply split into thought and reply; whether the budget ended it is unknown."""
        return read_said(said, policy=self.policy)

    def _require(self, problem: Problem) -> None:
        if not self.scorer.applies(problem):
            raise ScoringError(
                f"the reward {self.name} does not apply to problem {problem.id}, so no reply to it can "
                "be compared; leave it out of the data set (`twofold convert` does)"
            )

    def _earned(self, problem: Problem, response: Response, verdict: Verdict) -> Earned:
        if verdict.score is not None:
            return Earned(verdict.score, False, verdict.reason)
        if response.finish_reason is FinishReason.unclosed_thinking:
            return Earned(UNFINISHED, True, "unclosed thinking")
        raise UnscoredError(
            f"a reply to problem {problem.id} is unscored ({verdict.reason or 'no reason given'}), which "
            "is not a reward of 0: mend the check, or drop the sample from its group"
        )


def reward_function(
    reward: object, *, prefilled: bool = False, thinking_marks: Sequence[str] | None = None
) -> RewardFunction:
    """The reward that a trainer's settings name; the same settings give the same object.

    Args:
        reward: A name (`soft_gate`), `package.module:Name`, a mapping with a judge, or a scorer; see
            `twofold.methods.rewards.reward`.
        prefilled: The chat template opens the thought in the prompt, so that a reply begins inside it.
        thinking_marks: What opens and closes a thought, if the known marks do not.

    Raises:
        ScoringError: If the reward or the marks cannot be used; suggests the nearest name.

    Example:
        >>> reward_function("soft_gate") is reward_function("soft_gate")
        True
    """
    if thinking_marks is not None and len(thinking_marks) != 2:
        raise ScoringError(
            f"thinking_marks is {thinking_marks!r:.60}; give two texts, open and close"
        )
    policy = ThinkingPolicy(prefilled=prefilled)
    if thinking_marks is not None:
        opens, closes = map(str, thinking_marks)
        policy = ThinkingPolicy(opens, closes, prefilled)
    if isinstance(reward, Scorer):
        return RewardFunction(reward, policy)
    if isinstance(reward, Mapping):
        return _of_mapping(dumps(dict(reward)), policy)
    return _named(str(reward), policy)


@lru_cache(maxsize=64)
def _named(name: str, policy: ThinkingPolicy) -> RewardFunction:
    return RewardFunction(_scorer(name), policy)


@lru_cache(maxsize=64)
def _of_mapping(text: str, policy: ThinkingPolicy) -> RewardFunction:
    """Kept, since a judge may be a model."""
    return RewardFunction(_scorer(json.loads(text)), policy)


def _scorer(named: object) -> Scorer:
    try:
        return scorer_named(named)
    except ValueError as error:
        raise ScoringError(str(error)) from error
