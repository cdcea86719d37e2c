"""What else may a reward depend on: the length of the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, final

from twofold.errors import ScoringError
from twofold.types import Problem, Response, Scorer, Verdict


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

    Raises:
        ScoringError: If an argument is out of its range.

    Source:
        Length counted on right answers only: L1 (arXiv 2503.04697) and GDPO's conditioning (arXiv
        2601.05242). Departs: no target length is stated in the prompt, and the form is ours.

    Example:
        >>> from twofold.scorers import Correct
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
