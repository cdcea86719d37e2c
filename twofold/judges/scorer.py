"""Does the reply meet its checklist? One measure of many judged criteria."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self, final

from twofold.errors import ScoringError
from twofold.judges.judge import Asked, Judge
from twofold.judges.parse_verdict import settled
from twofold.randomness import rng_for
from twofold.types import Problem, Response, Scorer, Verdict
from twofold.types.checklist import RAR_WEIGHTS, Criterion


@final
@dataclass(frozen=True)
class MeetsChecklist(Scorer):
    """Score a reply by its problem's checklist, criterion by criterion.

    The mean is weighted: the sum of w·s divided by the sum of w, with s the verdict of each
    criterion (1 = met, or avoided if it is a pitfall). If one criterion is unscored, so is the
    reply: a judge that abstains must neither lower nor raise a reward. A blank reply scores 0,
    although it avoids every pitfall.

    Args:
        judge: Who judges the criteria.
        how: `"mean"`, or `"all"`: the minimum, so 1 only if every criterion is met.
        weights: `"own"`, the criterion's; `"category"`, those of RaR by category and polarity.
        dropout: Share of the criteria left out of a group's reward in training, in [0, 1). The
            choice is the same for all replies to a problem and changes with the step, so that no
            single criterion is worth gaming. Pitfalls always stay, and an audit leaves none out.
        least: Minimum number of criteria besides the pitfalls that stay, at least 1.
        step: The training step; None = an audit. Set by `at`.

    Raises:
        ScoringError: If an argument is out of its range.

    Source:
        Weighted mean: RLCF, https://arxiv.org/abs/2507.18624, section 3, and RaR's explicit
        aggregation, https://arxiv.org/abs/2507.17746, equation 1, with its category weights.
        Dropout: arXiv 2608.11669, one mask per group by SHA-256 of problem and step. Departs: RLCF
        multiplies an abstention (-1) by the weight; here it is unscored.

    Example:
        >>> from twofold.types.checklist import Checklist
        >>> from twofold.judges.exact import ExactJudge
        >>> from twofold.constraints import from_spec
        >>> rule = from_spec("punctuation:no_comma", None, profile="fixed")
        >>> asked = Checklist(criteria=(
        ...     Criterion(text="Is the answer right?", rule="answer", weight=75),
        ...     Criterion(text="Is there no comma?", rule="punctuation:no_comma", weight=25)))
        >>> problem = Problem(question="7 + 5 = ?", answer="12", constraints=(rule,), checklist=asked)
        >>> reply = Response(raw="So, #### 12", reply="So, #### 12")
        >>> (verdict,) = MeetsChecklist(ExactJudge())([problem], [reply])
        >>> verdict.score, verdict.parts["item:2"].score
        (0.75, 0.0)
    """

    judge: Judge
    how: Literal["mean", "all"] = "mean"
    weights: Literal["own", "category"] = "own"
    dropout: float = 0.0
    least: int = 3
    step: int | None = None

    def __post_init__(self) -> None:
        if self.how not in ("mean", "all"):
            raise ScoringError(f"how is {self.how!r}; use 'mean' or 'all'")
        if self.weights not in ("own", "category"):
            raise ScoringError(f"weights is {self.weights!r}; use 'own' or 'category'")
        if not 0 <= self.dropout < 1:
            raise ScoringError(f"dropout is {self.dropout}; give 0 (none) up to below 1")
        if self.least < 1:
            raise ScoringError(f"least is {self.least}; give 1 or more")

    @property
    def name(self) -> str:
        """`checklist` for the mean, `checklist_all` for all or nothing."""
        return "checklist" if self.how == "mean" else "checklist_all"

    def at(self, step: int) -> Self:
        """The measure at a training step, with the dropout of that step."""
        return replace(self, step=step)

    def applies(self, problem: Problem) -> bool:
        """Whether the problem has a checklist."""
        return problem.checklist is not None

    def __call__(self, problems: Sequence[Problem], responses: Sequence[Response]) -> list[Verdict]:
        """Ask the judge for every criterion of every reply, in one call."""
        pairs = list(zip(problems, responses, strict=True))
        kept = [self._places(problem, response) for problem, response in pairs]
        asked = [
            Asked(problem=problem, response=response, criterion=problem.checklist.criteria[i])
            for (problem, response), places in zip(pairs, kept, strict=True)
            for i in places
            if problem.checklist
        ]
        said = self.judge(asked) if asked else []
        verdicts = iter([verdict for _, verdict in zip(asked, said, strict=True)])
        return [
            self._combined(problem, response, {i: next(verdicts) for i in places})
            for (problem, response), places in zip(pairs, kept, strict=True)
        ]

    def _places(self, problem: Problem, response: Response) -> tuple[int, ...]:
        """The criteria that are judged: one choice for all replies to a problem at a step."""
        if problem.checklist is None or not response.has_reply or not response.reply.strip():
            return ()
        criteria = problem.checklist.criteria
        if self.step is None or not self.dropout:
            return tuple(range(len(criteria)))
        positive = [i for i, criterion in enumerate(criteria) if not criterion.pitfall]
        rng = rng_for("dropout", problem.id, self.step)
        n_kept = max(round(len(positive) * (1 - self.dropout)), self.least)
        chosen = {positive[i] for i in rng.permutation(len(positive))[:n_kept]}
        return tuple(i for i, c in enumerate(criteria) if c.pitfall or i in chosen)

    def _combined(
        self, problem: Problem, response: Response, verdicts: Mapping[int, Verdict]
    ) -> Verdict:
        if (known := settled(response)) and not known.is_scored:
            return known
        if (checklist := problem.checklist) is None:
            return Verdict(None, "no checklist")
        if known:
            return known
        parts = {checklist.keys[i]: verdict for i, verdict in verdicts.items()}
        if self.step is not None:  # a trainer treats a part that has parts as a measure of its own
            parts = {key: replace(part, parts={}) for key, part in parts.items()}
        scores = {i: verdict.score for i, verdict in verdicts.items() if verdict.score is not None}
        if len(scores) < len(verdicts):
            why = next(v.reason for v in verdicts.values() if v.score is None)
            n_lost = len(verdicts) - len(scores)
            return Verdict(None, f"{n_lost} of {len(verdicts)} criteria unscored: {why}", parts)
        n_met = sum(score >= 0.5 for score in scores.values())
        told = f"{n_met} of {len(scores)} criteria met"
        if self.how == "all":
            return Verdict(min(scores.values()), told, parts)
        weight = {i: self._weight(checklist.criteria[i]) for i in scores}
        total = sum(weight[i] * score for i, score in scores.items())
        return Verdict(min(1.0, total / sum(weight.values())), told, parts)

    def _weight(self, criterion: Criterion) -> float:
        if self.weights == "own":
            return criterion.weight
        category = "pitfall" if criterion.pitfall else criterion.category
        return RAR_WEIGHTS.get(category, criterion.weight) / 100
