"""How does TRL call a scorer of ours as its reward?

This is the one file that knows TRL's calling convention (1.16): a reward gets the completions and
every column of the data set as a list of its own, and gives one number a completion, or None where
there is none. TRL gets ONE combined function. Given several, it adds up what is left when one of
them fails, and a judge's time-out trains against a good reply; given one, a reply that could not be
judged has no advantage and moves nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from twofold.errors import ScoringError
from twofold.methods.trl.advantage import AdvantageNormalizer
from twofold.models.thinking import ThinkingPolicy, split_served
from twofold.types import Problem, Response, Scorer, Verdict

if TYPE_CHECKING:
    from transformers import TrainerState

Completion = str | Sequence[Mapping[str, Any]]
"""What TRL gives for one reply: its text, or in chat mode a list with one assistant turn."""
UNSCORED = "measure/unscored"
"""The metric that says which share of the replies had no reward."""
COLLAPSED = "measure/collapsed"
"""The metric that says in which share of the groups no reply was better than another."""


@final
@dataclass(frozen=True)
class TrlReward:
    """A scorer as the reward of TRL's GRPO and RLOO trainers. Picklable.

    The data set needs a column `problem` with `Problem.id`, as `Grpo.rows` makes it. Thought and
    reply are taken apart as an audit does, so a thought that never ends leaves the reply unscored.
    A scorer that raises a `ScoringError` leaves the whole call unscored: no reply is blamed for it.

    Logged through TRL's `log_metric`, each as the mean over the scored replies of a call:
    `measure/NAME` for every part of the verdict (`measure/correct`), `measure/unscored`, and
    `measure/collapsed`, the share of groups without a difference.

    Args:
        scorer: What is rewarded.
        problems: All problems of the data set.
        policy: How the model marks its thought.
        watched: Measures that are logged and not rewarded, each under a name of its own.
        aggregation: How a group's scores are compared; what is not TRL's own is done here, and TRL
            is to leave it as it is (`scale_rewards`: none, or batch for `normalize_then_sum`).
        num_generations: Replies a group, which stand together.

    Raises:
        ScoringError: When called, if the data set has no column `problem` or names another problem.

    Example:
        >>> from twofold.scorers import Correct
        >>> problem = Problem(question="7 + 5 = ?", answer="12")
        >>> reward = TrlReward(Correct(), (problem,))
        >>> reply = [{"role": "assistant", "content": "<think>7+5</think>#### 12"}]
        >>> lost = [{"role": "assistant", "content": "<think>7+5"}]
        >>> reward(prompts=[[], []], completions=[reply, lost], problem=[problem.id] * 2)
        [1.0, None]
    """

    scorer: Scorer
    problems: tuple[Problem, ...]
    policy: ThinkingPolicy = field(default_factory=ThinkingPolicy)
    watched: tuple[tuple[str, Scorer], ...] = ()
    aggregation: AdvantageNormalizer = field(default_factory=AdvantageNormalizer)
    num_generations: int = 1

    @property
    def __name__(self) -> str:
        """The scorer's name; TRL logs `rewards/NAME/mean`."""
        return self.scorer.name

    @cached_property
    def _by_id(self) -> dict[str, Problem]:
        return {problem.id: problem for problem in self.problems}

    def __call__(
        self,
        prompts: Sequence[object],
        completions: Sequence[Completion],
        *,
        problem: Sequence[str] | None = None,
        trainer_state: TrainerState | None = None,
        log_metric: Callable[[str, float], None] | None = None,
        **_: object,
    ) -> list[float | None]:
        """Reward each completion.

        Args:
            prompts: Not read: the problem says what was asked.
            completions: The replies.
            problem: The column of problem ids, one a completion.
            trainer_state: TRL's; its step is told to scorers that change while training runs.
            log_metric: TRL's logger of a number.

        Returns:
            One score in [0, 1] a completion; None where there is none.
        """
        asked = self._asked(problem, len(completions))
        responses = [self.response(completion) for completion in completions]
        scorer = self.scorer if trainer_state is None else self.scorer.at(trainer_state.global_step)
        verdicts = judged(scorer, asked, responses)
        if log_metric is not None:
            watched = {name: judged(s, asked, responses) for name, s in self.watched}
            for name, value in _means({self.scorer.name: verdicts} | watched).items():
                log_metric(name, value)
            lost = sum(verdict.score is None for verdict in verdicts)
            log_metric(UNSCORED, lost / len(verdicts))
            if self.num_generations > 1:
                log_metric(COLLAPSED, _collapsed(verdicts, self.num_generations))
        return self._rewards(verdicts)

    def _rewards(self, verdicts: Sequence[Verdict]) -> list[float | None]:
        """What TRL gets: the scores, or what the aggregation makes of them."""
        if self.aggregation.is_trl_own:
            return [verdict.score for verdict in verdicts]
        rows = [self._columns(verdict) for verdict in verdicts]
        width = max((len(row) for row in rows), default=0)
        lost = [np.nan] * width
        scores = np.array([r if len(r) == width else lost for r in rows]).reshape(-1, width)
        scores[[not verdict.is_scored for verdict in verdicts]] = np.nan
        summed = self.aggregation(scores, size=self.num_generations)
        return [None if np.isnan(value) else float(value) for value in summed]

    def _columns(self, verdict: Verdict) -> list[float]:
        """The numbers of a verdict that are compared: its score, or its parts'."""
        parts = list(_measures(verdict).values()) if self.aggregation.by_part else []
        chosen = parts if len(parts) > 1 else [verdict]
        # A scored verdict's unscored part is a side that the problem does not have: no reply to it has
        # one, and what is equal in a whole group moves nothing.
        absent = 0.0 if verdict.is_scored else np.nan
        return [absent if part.score is None else part.score for part in chosen]

    def response(self, completion: Completion) -> Response:
        """A completion of TRL's as the `Response` that a scorer reads.

        Whether the budget or the model ended a reply is not known here; it changes no score.
        """
        if isinstance(completion, str):
            return split_served(completion, None, policy=self.policy, hit_limit=False)
        turn = completion[-1]
        thought = turn.get("reasoning_content") or turn.get("thinking")
        return split_served(turn["content"] or "", thought, policy=self.policy, hit_limit=False)

    def _asked(self, ids: Sequence[str] | None, n: int) -> list[Problem]:
        if ids is None or len(ids) != n:
            raise ScoringError(
                "TRL's data set has no column `problem`, so a reply cannot be told which problem it "
                "answers; make the data set from `Grpo().rows(problems)`"
            )
        unknown = next((i for i in ids if i not in self._by_id), None)
        if unknown is not None:
            raise ScoringError(
                f"the data set asks problem {unknown}, which the reward was not given; make both "
                "from the same problems"
            )
        return [self._by_id[i] for i in ids]


def judged(
    scorer: Scorer, problems: Sequence[Problem], responses: Sequence[Response]
) -> list[Verdict]:
    """The scorer's verdicts; one that cannot work judges nobody.

    Args:
        scorer: Who judges.
        problems: What was asked, one a response.
        responses: The replies.
    """
    try:
        return scorer(problems, responses)
    except ScoringError as error:
        return [Verdict(None, str(error))] * len(responses)


def _collapsed(verdicts: Sequence[Verdict], size: int) -> float:
    """The share of groups whose scored replies have one and the same score: no slope, no lesson."""
    groups = [verdicts[i : i + size] for i in range(0, len(verdicts), size)]
    flat = [len({v.score for v in group if v.score is not None}) < 2 for group in groups]
    return sum(flat) / len(flat)


def _measures(verdict: Verdict) -> dict[str, Verdict]:
    """The parts of a verdict that are measures of their own, not single constraints."""
    return {key: part for key, part in verdict.parts.items() if part.parts or ":" not in key}


def _means(measured: Mapping[str, Sequence[Verdict]]) -> dict[str, float]:
    """The mean score of each measure and of its parts that are measures; none if none is scored.

    The parts of a compliance verdict are its constraints, which differ from problem to problem:
    they are no curve.
    """
    found: dict[str, list[float]] = {}
    for name, verdicts in measured.items():
        for verdict in verdicts:
            for key, part in ({name: verdict} | _measures(verdict)).items():
                if part.score is not None:
                    found.setdefault(f"measure/{key}", []).append(part.score)
    return {key: sum(scores) / len(scores) for key, scores in found.items()}
