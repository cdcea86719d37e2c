"""How do several measures, or a measure and the length of the text, become one reward?"""

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, final

from twofold.errors import ScoringError
from twofold.scorers.answers.correct import Correct
from twofold.scorers.compliance import Compliant
from twofold.types import Problem, Response, Scorer, Verdict


class Combination(Scorer):
    """Several measures as one; unscored if any of them is. The parts carry their verdicts.

    Raises:
        ScoringError: If there is no measure, or two have the same name.
    """

    label: ClassVar[str]

    def __post_init__(self) -> None:
        names = [scorer.name for scorer in self.members]
        if not names:
            raise ScoringError(f"{type(self).__name__} has no scorers; give it at least one")
        for name in names:
            if names.count(name) > 1:
                raise ScoringError(
                    f"two scorers are called {name!r}, and verdicts are filed by name; leave one out"
                )

    @property
    def members(self) -> tuple[Scorer, ...]:
        """The measures, in the order of the fields."""
        return tuple(scorer for scorers in self._members().values() for scorer in scorers)

    @property
    def name(self) -> str:
        """The combination with the names of its members: `product(correct,compliant)`."""
        return f"{self.label}({','.join(scorer.name for scorer in self.members)})"

    @abstractmethod
    def combined(self, scores: Sequence[float]) -> float:
        """The score from those of the members."""

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Judge by each member and combine the scores."""
        scorers = self.members
        verdicts = []
        for row in zip(*(scorer(problems, responses) for scorer in scorers), strict=True):
            parts = {scorer.name: part for scorer, part in zip(scorers, row, strict=True)}
            scores = [part.score for part in row if part.score is not None]
            if len(scores) == len(row):
                reason = ", ".join(f"{name} {part.score:g}" for name, part in parts.items())
                verdicts.append(Verdict(self.combined(scores), reason, parts))
            else:
                lost = (f"{name}: {p.reason}" for name, p in parts.items() if p.score is None)
                verdicts.append(Verdict(None, "; ".join(lost), parts))
        return verdicts


class TwoSided(Combination):
    """Two measures of which a problem may have one side only: then that one alone is the score.

    So all kinds of problems can be mixed in one training run; replies are compared only within a
    problem.
    """

    def applies(self, problem: Problem) -> bool:
        """Whether either measure applies to the problem."""
        return any(scorer.applies(problem) for scorer in self.members)

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Judge by both and combine; by one where only that one applies to the problem."""
        both = super().__call__(problems, responses)
        return [self._one_sided(p, verdict) for p, verdict in zip(problems, both, strict=True)]

    def _one_sided(self, problem: Problem, verdict: Verdict) -> Verdict:
        there = [scorer for scorer in self.members if scorer.applies(problem)]
        if len(there) != 1:
            return verdict
        part = verdict.parts[there[0].name]
        return Verdict(part.score, part.reason, verdict.parts)


@final
@dataclass(frozen=True)
class SoftGate(TwoSided):
    """Right and compliant at once: compliance counts fully only where the answer is right.

    With c and s the scores of `correct` and `compliant`, the reward is

        (c + 0.5·c·s + 0.25·s·(1 − c)) / 1.5

    so (right, compliant) 1 > (right, not) 2/3 > (wrong, compliant) 1/6 > (wrong, not) 0. Compliance
    alone is cheap (a bare answer meets a third of MathIF's constraints), so it can never outweigh
    the answer; but it is worth something on a wrong answer, so that there is a learning signal
    where no sample is right.

    If either is unscored, so is the reward: a failed judge must not train against a good reply. A
    problem without constraints is rewarded by `correct` alone, one without a reference answer by
    `compliant` alone.

    Example:
        >>> gate = SoftGate()
        >>> [round(gate.reward(c, s), 3) for c, s in [(1, 1), (1, 0), (0, 1), (0, 0)]]
        [1.0, 0.667, 0.167, 0.0]
    """

    name: ClassVar[str] = "soft_gate"

    correct: Scorer = field(default_factory=Correct)
    compliant: Scorer = field(default_factory=Compliant)

    @staticmethod
    def reward(c: float, s: float) -> float:
        """The reward for correctness `c` and compliance `s`, each in [0, 1]."""
        return (c + 0.5 * c * s + 0.25 * s * (1 - c)) / 1.5

    def combined(self, scores: Sequence[float]) -> float:
        """The reward."""
        return self.reward(*scores)


@final
@dataclass(frozen=True)
class Lexicographic(TwoSided):
    """The first measure decides; the second decides between replies that are equal in the first.

    The score is (2·f + t)/3 with f = 1 where the first measure is wholly earned, else 0, and t the
    second: no number in [0, 1] keeps the order of two graded ones, so the first is taken as all or
    nothing. (1, 1) is worth 1, (1, 0) 2/3, (0, 1) 1/3 and (0, 0) 0.

    As a reward of single replies the second measure is also compared across replies that differ in
    the first: it can widen or narrow their distance, never turn it. Where that matters, `aggregation:
    lexicographic` of GRPO compares within the group, where ties are seen; see `AdvantageNormalizer`.

    A problem to which one measure does not apply is scored by the other alone.

    Source:
        MAI-Thinking-1 (Microsoft AI 2026), technical report: a lower reward counts only where the
        whole group ties on the higher one, whatever their scales. Departs: here also between the
        tied replies of a group that is not tied as a whole.

    Example:
        >>> Lexicographic(Compliant("all"), Correct()).combined([1, 0]) > 0.5
        True
    """

    label: ClassVar[str] = "lexicographic"

    first: Scorer
    then: Scorer

    def combined(self, scores: Sequence[float]) -> float:
        """The score in [0, 1]."""
        first, then = scores
        return (2 * float(first == 1.0) + then) / 3


@final
@dataclass(frozen=True)
class Product(Combination):
    """The product of the members' scores, as in the joint measure of an audit.

    Example:
        >>> Product((Correct(), Compliant("all"))).name
        'product(correct,compliant_all)'
    """

    label: ClassVar[str] = "product"

    scorers: tuple[Scorer, ...]

    def combined(self, scores: Sequence[float]) -> float:
        """The product."""
        return math.prod(scores, start=1.0)


@final
@dataclass(frozen=True)
class WeightedSum(Combination):
    """The weighted mean of several measures.

    The simplest combination, for comparison: with equal weights (right, not compliant) ties with
    (wrong, compliant), so the cheap measure can outweigh the other.

    Args:
        scorers: The members, at least one, with different names.
        weights: One per member, above 0; None = equal.

    Raises:
        ScoringError: If the members or the weights do not fit.
    """

    label: ClassVar[str] = "weighted_sum"

    scorers: tuple[Scorer, ...]
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = self.weights
        if weights is not None and (
            len(weights) != len(self.scorers) or not all(w > 0 for w in weights)
        ):
            raise ScoringError(
                f"weights are {weights} for {len(self.scorers)} scorers; give each one above 0"
            )

    def combined(self, scores: Sequence[float]) -> float:
        """The weighted mean."""
        weights = self.weights or (1.0,) * len(scores)
        return sum(w * s for w, s in zip(weights, scores, strict=True)) / sum(weights)


@final
@dataclass(frozen=True)
class Gated(Combination):
    """One measure, and another one only as far as the first is earned: g·(1 + t)/2.

    With correctness as `gate`, compliance counts only on right answers and wrong replies are all
    equal; with compliance as `gate` it is the other way round.

    Source:
        Conditioning the easy reward on the hard one: GDPO, arXiv 2601.05242, section 3.2.
    """

    label: ClassVar[str] = "gated"

    gate: Scorer
    then: Scorer

    def combined(self, scores: Sequence[float]) -> float:
        """The gated score."""
        gate, then = scores
        return gate * (1 + then) / 2


@final
@dataclass(frozen=True)
class Length(Scorer):
    """Another measure, weighted so that shorter (or longer) texts get more.

    With L the characters of thought and reply together and b = half / (half + L), the score s of
    the measure becomes s·(1 + b)/2 where short texts are favoured and s·(2 − b)/2 where long ones
    are. A score of 0 stays 0: a wrong text gains nothing by being short. Characters and not tokens,
    since both an audit and a reward know them.

    Args:
        scorer: The measure.
        favours: `short` or `long`.
        half: The length at which b is 1/2, in characters, above 0.

    Source:
        Length counted on right answers only: L1 (arXiv 2503.04697) and GDPO's conditioning (arXiv
        2601.05242). Departs: no target length is stated in the prompt, and the form is ours.

    Example:
        >>> problem = Problem(question="7 + 5 = ?", answer="12")
        >>> shorter = Length(Correct(), "short", half=10)
        >>> [v.score for v in shorter([problem], [Response(raw="It is: #12", reply="#### 12")])]
        [0.75]
    """

    scorer: Scorer
    favours: Literal["short", "long"]
    half: float = 200.0

    def __post_init__(self) -> None:
        if self.favours not in ("short", "long"):
            raise ScoringError(f"favours is {self.favours!r}; use 'short' or 'long'")
        if not self.half > 0:
            raise ScoringError(f"half is {self.half}; give a number of characters above 0")

    @property
    def name(self) -> str:
        """`short(NAME)` or `long(NAME)`."""
        return f"{self.favours}({self.scorer.name})"

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Judge by the measure, then weight by length; the measure's verdict is a part."""
        found = self.scorer(problems, responses)
        return [self._weighted(v, r) for v, r in zip(found, responses, strict=True)]

    def _weighted(self, verdict: Verdict, response: Response) -> Verdict:
        parts = {self.scorer.name: verdict}
        if verdict.score is None:
            return replace(verdict, parts=parts)
        share = self.half / (self.half + len(response.raw))
        share = share if self.favours == "short" else 1 - share
        reason = f"{self.scorer.name} {verdict.score:g}, {len(response.raw)} characters"
        return Verdict(verdict.score * (1 + share) / 2, reason, parts)
