"""How are GSM8K rows read? `question`, and a worked `answer` that ends in `#### number`."""

import re
from typing import ClassVar, final

from twofold.errors import ProblemError
from twofold.problems.row import ASK, Origin, ProblemRow
from twofold.types import Problem, Profile


@final
class Gsm8kRow(ProblemRow):
    """A row of openai/grade-school-math.

    Source: Cobbe et al. 2021, https://arxiv.org/abs/2110.14168. Departs: the published file asks for no
    form of the answer; we ask for a box, so that one scorer reads all math problems, and the solution
    ends in one; its calculator marks `<<3*2=6>>` are left out.
    """

    title: ClassVar[str] = "GSM8K, with '#### number' at the end of the answer"
    mark: ClassVar[str] = "#### "

    question: str
    answer: str

    def to_problem(self, *, profile: Profile, origin: Origin) -> Problem:
        """The question with our request for a box; the answer loses its thousands separators.

        Raises:
            ProblemError: If the answer has no `#### `.
        """
        worked, found, gold = self.answer.rpartition(self.mark)
        if not found or not worked:
            raise ProblemError(
                "the answer has no '#### number' after a solution; add it, or use our own form "
                "(a file whose first answer has no '#### ')"
            )
        answer = gold.strip().replace(",", "")
        steps = re.sub(r"<<[^<>\n]*>>", "", worked).strip()
        return Problem(
            question=self.question,
            answer=answer,
            ask=ASK,
            solution=f"{steps}\nThe answer is \\boxed{{{answer}}}.",
            tags=origin.tags("gsm8k"),
        )
