"""How does TRL (1.16) call one of our scorers as its reward?

TRL gets ONE combined function. Given several, it would sum what is left when one of them fails, and
a judge's time-out would train against a good reply; an unscored reply must have no advantage.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

import numpy as np

from twofold.errors import ScoringError
from twofold.methods.trl.advantage import AdvantageNormalizer
from twofold.models.thinking import ThinkingPolicy, read_said, unknown_mark
from twofold.types import Problem, Response, Scorer, Verdict

if TYPE_CHECKING:
    from transformers import TrainerState

# One reply as TRL passes it: a text or, in chat mode, the turns that were generated.
Completion = str | Sequence[Mapping[str, Any]]
# Logged metrics: share of unscored replies, share of groups without a difference in score, share of
# replies with what looks like the mark of a thought and is none that is known.
UNSCORED = "measure/unscored"
COLLAPSED = "measure/collapsed"
UNKNOWN_MARKS = "measure/unknown_thinking_marks"


@final
@dataclass(frozen=True)
class TrlReward:
    """A scorer as the reward of TRL's GRPO and RLOO trainers. Picklable.

    The data set needs a column `problem` with `Problem.id`, as `Grpo.rows` makes it. Thought and
    reply are split as in an audit, so an unclosed thought leaves the reply unscored; so does a thought
    that TRL parsed apart and no reply to it, which may have been cut, and a completion that ends in a
    tool. If the scorer raises a `ScoringError`, all replies of the call are unscored. Logged, as means
    over the scored replies of a call: `measure/NAME` for each part of the verdict
    (`measure/correct`), `measure/unscored`, `measure/collapsed` and, where there are any,
    `measure/unknown_thinking_marks`.

    Args:
        scorer: The scorer that rewards a reply.
        problems: All problems of the data set.
        policy: The model's thinking marks; where they do not occur, all known ones count.
        watched: Further scorers that are logged but not rewarded, by name.
        aggregation: How the scores of a group are compared. If it is not TRL's own, set TRL's
            `scale_rewards` to none, or to batch for `normalize_then_sum`. `lexicographic` takes the
            parts of the scorer's verdict in their order.
        num_generations: Replies per group; they are adjacent.

    Raises:
        ScoringError: If `scorer` is not a scorer, e.g. its class; when called, if the data set has no column
            `problem` or names another problem.

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

    def __post_init__(self) -> None:
        for each in (self.scorer, *(scorer for _, scorer in self.watched)):
            if not isinstance(each, Scorer):
                made = f"{each.__name__}()" if isinstance(each, type) else "a twofold scorer"
                raise ScoringError(f"{each!r:.60} is no scorer; give {made}")

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
        """One score in [0, 1] per completion, None if unscored; called by TRL."""
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
            if strange := sum(bool(unknown_mark(response.reply)) for response in responses):
                log_metric(UNKNOWN_MARKS, strange / len(responses))
            if self.num_generations > 1:
                log_metric(COLLAPSED, _collapsed(verdicts, self.num_generations))
        return self._rewards(verdicts)

    def _rewards(self, verdicts: Sequence[Verdict]) -> list[float | None]:
        """The scores, or the aggregated advantages."""
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
        """The numbers to compare: the score, or the scores of the parts."""
        parts = list(_measures(verdict).values()) if self.aggregation.by_part else []
        chosen = parts if len(parts) > 1 else [verdict]
        # An unscored part of a scored verdict does not apply to the problem, so no reply has it.
        absent = 0.0 if verdict.is_scored else np.nan
        return [absent if part.score is None else part.score for part in chosen]

    def response(self, completion: Completion) -> Response:
        """A completion as a `Response`; whether the budget ended it is unknown."""
        return read_said(completion, policy=self.policy)

    def _asked(self, ids: Sequence[str] | None, n: int) -> list[Problem]:
        if ids is None or len(ids) != n:
            raise ScoringError(
                "TRL's data set has no column `problem`; make it from `Grpo().rows(problems)`"
            )
        unknown = next((i for i in ids if i not in self._by_id), None)
        if unknown is not None:
            raise ScoringError(
                f"problem {unknown} was not given to the reward; make both from the same problems"
            )
        return [self._by_id[i] for i in ids]


def judged(
    scorer: Scorer, problems: Sequence[Problem], responses: Sequence[Response]
) -> list[Verdict]:
    """The scorer's verdicts; all unscored if it raises a `ScoringError`."""
    try:
        return scorer(problems, responses)
    except ScoringError as error:
        return [Verdict(None, str(error))] * len(responses)


def _collapsed(verdicts: Sequence[Verdict], size: int) -> float:
    """The share of groups whose scored replies all have the same score: no gradient."""
    groups = [verdicts[i : i + size] for i in range(0, len(verdicts), size)]
    flat = [len({v.score for v in group if v.score is not None}) < 2 for group in groups]
    return sum(flat) / len(flat)


def _measures(verdict: Verdict) -> dict[str, Verdict]:
    """The parts of a verdict that are metrics, not single constraints."""
    return {key: part for key, part in verdict.parts.items() if part.parts or ":" not in key}


def _means(measured: Mapping[str, Sequence[Verdict]]) -> dict[str, float]:
    """The mean score of each scorer and of its parts that are metrics, over the scored replies."""
    found: dict[str, list[float]] = {}
    for name, verdicts in measured.items():
        for verdict in verdicts:
            for key, part in ({name: verdict} | _measures(verdict)).items():
                if part.score is not None:
                    found.setdefault(f"measure/{key}", []).append(part.score)
    return {key: sum(scores) / len(scores) for key, scores in found.items()}
