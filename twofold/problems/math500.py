"""How are MATH-500 rows read, and others with `problem` and `answer` (the hub's AIME sets)?"""

from typing import ClassVar, final

from twofold.problems.row import ASK, AnswerText, Origin, ProblemRow
from twofold.types import Problem, Profile


@final
class Math500Row(ProblemRow):
    """A row of MATH-500, or of another set with `problem` and `answer`.

    Source: Lightman et al. 2023, https://arxiv.org/abs/2305.20050; Hendrycks et al. 2021,
    https://arxiv.org/abs/2103.03874. Departs: the published file asks for no form of the answer; we ask
    for a box.
    """

    title: ClassVar[str] = "MATH-500"

    problem: str
    answer: AnswerText
    solution: object = None  # other sets keep numbers there
    subject: str | None = None
    level: AnswerText | None = None
    unique_id: str | None = None

    def to_problem(self, *, profile: Profile, origin: Origin) -> Problem:
        """The question with our request for a box; `level` is the tag `difficulty`."""
        source = origin.file if self.unique_id is None else "math500"
        given = {"difficulty": self.level, "subject": self.subject}
        tags = origin.tags(source, self.unique_id or "")
        tags |= {key: str(value) for key, value in given.items() if value is not None}
        worked = self.solution if isinstance(self.solution, str) and self.solution else None
        return Problem(
            question=self.problem, answer=self.answer, ask=ASK, solution=worked, tags=tags
        )
