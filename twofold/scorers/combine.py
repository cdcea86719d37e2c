"""How do two measures become one reward? Combinations that keep both and lose no failure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import final

from twofold.errors import ScoringError
from twofold.scorers.answers.correct import Correct
from twofold.scorers.compliance import Compliant
from twofold.types import Problem, Response, Scorer, Verdict


@final
@dataclass(frozen=True)
class SoftGate(Scorer):
    """Right and obedient at once: compliance counts fully only where the answer is right.

    With c and s the scores of `correct` and `compliant`, the reward is

        (c + 0.5·c·s + 0.25·s·(1 − c)) / 1.5

    so (right, obedient) 1 > (right, disobedient) 2/3 > (wrong, obedient) 1/6 > (wrong,
    disobedient) 0. Compliance alone is cheap (a bare answer meets a third of MathIF's
    constraints), so it can never outweigh the answer; but it is worth something on a wrong
    answer, so that there is a slope where no sample is right.

    If either is unscored so is the reward: a lost judge must not train against a good reply. What a
    problem does not have is not lost: one without constraints is rewarded by `correct` alone, one
    without a reference answer by `compliant` alone, so that plain problems, instructions and both can
    be mixed in one training (replies are only ever compared with others to the same problem).

    Args:
        correct: The measure of capability.
        compliant: The measure of compliance; graded by default, since half obeyed is better than
            not at all.

    Raises:
        ScoringError: If the two have the same name.

    Example:
        >>> gate = SoftGate()
        >>> [round(gate.reward(c, s), 3) for c, s in [(1, 1), (1, 0), (0, 1), (0, 0)]]
        [1.0, 0.667, 0.167, 0.0]
    """

    correct: Scorer = field(default_factory=Correct)
    compliant: Scorer = field(default_factory=Compliant)

    def __post_init__(self) -> None:
        _refuse_equal_names((self.correct, self.compliant))

    @property
    def name(self) -> str:
        """`soft_gate`."""
        return "soft_gate"

    def applies(self, problem: Problem) -> bool:
        """Whether the problem has either side."""
        return self.correct.applies(problem) or self.compliant.applies(problem)

    @staticmethod
    def reward(c: float, s: float) -> float:
        """The reward for correctness `c` and compliance `s`, each in [0, 1]."""
        return (c + 0.5 * c * s + 0.25 * s * (1 - c)) / 1.5

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Judge by both and combine; the parts carry both verdicts."""
        both = _combined((self.correct, self.compliant), problems, responses, self.reward)
        return [self._one_sided(p, verdict) for p, verdict in zip(problems, both, strict=True)]

    def _one_sided(self, problem: Problem, verdict: Verdict) -> Verdict:
        """The verdict, or that of the one side that the problem has."""
        obeys = self.compliant.applies(problem)
        if obeys == self.correct.applies(problem):
            return verdict
        side = self.compliant if obeys else self.correct
        part = verdict.parts[side.name]
        return Verdict(part.score, part.reason, verdict.parts)


@final
@dataclass(frozen=True)
class Product(Scorer):
    """Everything at once: the product of the members' scores; unscored if any member is.

    `Product((Correct(), Compliant("all")))` is the joint measure of an audit.

    Args:
        scorers: The members, at least one, with different names.

    Raises:
        ScoringError: If there is no member or two have the same name.

    Example:
        >>> Product((Correct(), Compliant("all"))).name
        'product(correct,compliant_all)'
    """

    scorers: tuple[Scorer, ...]

    def __post_init__(self) -> None:
        if not self.scorers:
            raise ScoringError("Product has no scorers; give it at least one")
        _refuse_equal_names(self.scorers)

    @property
    def name(self) -> str:
        """`product(...)` with the members' names."""
        return f"product({','.join(scorer.name for scorer in self.scorers)})"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Judge by each and multiply; the parts carry the members' verdicts."""
        return _combined(
            self.scorers, problems, responses, lambda *scores: math.prod(scores, start=1.0)
        )


@final
@dataclass(frozen=True)
class WeightedSum(Scorer):
    """The weighted mean of several measures; unscored if any is.

    The plainest combination, and the one that lets a cheap measure outweigh a dear one: with equal
    weights (right, disobedient) ties with (wrong, obedient). It is here to be compared with.

    Args:
        scorers: The members, at least one, with different names.
        weights: One a member, above 0; None = equal.

    Raises:
        ScoringError: If the members or the weights do not fit.

    Example:
        >>> WeightedSum((Correct(), Compliant())).name
        'weighted_sum(correct,compliant)'
    """

    scorers: tuple[Scorer, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if not self.scorers:
            raise ScoringError("WeightedSum has no scorers; give it at least one")
        _refuse_equal_names(self.scorers)
        weights = self.weights
        if weights is not None and (
            len(weights) != len(self.scorers) or not all(w > 0 for w in weights)
        ):
            raise ScoringError(
                f"weights are {weights} for {len(self.scorers)} scorers; give each one above 0"
            )

    @property
    def name(self) -> str:
        """`weighted_sum(...)` with the members' names."""
        return f"weighted_sum({','.join(scorer.name for scorer in self.scorers)})"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Judge by each and average; the parts carry the members' verdicts."""
        weights = self.weights or (1.0,) * len(self.scorers)
        return _combined(
            self.scorers,
            problems,
            responses,
            lambda *scores: sum(w * s for w, s in zip(weights, scores, strict=True)) / sum(weights),
        )


@final
@dataclass(frozen=True)
class Gated(Scorer):
    """One measure first, the other only where the first is earned: g·(1 + t)/2.

    With `gate` correctness, obedience counts only on right answers, and what is wrong is all the
    same; with `gate` compliance it is the other way round.

    Args:
        gate: What has to be earned.
        then: What counts beyond it.

    Raises:
        ScoringError: If the two have the same name.

    Source:
        Conditioning the easy reward on the hard one: GDPO, arXiv 2601.05242, section 3.2.

    Example:
        >>> Gated(Correct(), Compliant()).name
        'gated(correct,compliant)'
    """

    gate: Scorer
    then: Scorer

    def __post_init__(self) -> None:
        _refuse_equal_names((self.gate, self.then))

    @property
    def name(self) -> str:
        """`gated(GATE,THEN)`."""
        return f"gated({self.gate.name},{self.then.name})"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Judge by both and combine; the parts carry both verdicts."""
        return _combined((self.gate, self.then), problems, responses, lambda g, t: g * (1 + t) / 2)


def _combined(
    scorers: Sequence[Scorer],
    problems: Sequence[Problem],
    responses: Sequence[Response],
    combine: Callable[..., float],
) -> list[Verdict]:
    """Each response's verdicts by all scorers, as one."""
    columns = [scorer(problems, responses) for scorer in scorers]
    verdicts = []
    for row in zip(*columns, strict=True):
        parts = {scorer.name: part for scorer, part in zip(scorers, row, strict=True)}
        scores = [part.score for part in row if part.score is not None]
        if len(scores) == len(row):
            reason = ", ".join(f"{name} {part.score:g}" for name, part in parts.items())
            verdicts.append(Verdict(combine(*scores), reason, parts))
        else:
            lost = (f"{name}: {p.reason}" for name, p in parts.items() if p.score is None)
            verdicts.append(Verdict(None, "; ".join(lost), parts))
    return verdicts


def _refuse_equal_names(scorers: Sequence[Scorer]) -> None:
    names = [scorer.name for scorer in scorers]
    for name in names:
        if names.count(name) > 1:
            raise ScoringError(
                f"two scorers are called {name!r}, and verdicts are filed by name; leave one out"
            )
