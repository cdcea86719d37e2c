"""How are MathIF rows read? A question, its reference answer, and one to three worded constraints."""

from pathlib import Path
from typing import Any, ClassVar, final

from twofold.constraints import from_spec
from twofold.errors import ProblemError
from twofold.problems.row import AnswerText, Origin, ProblemRow
from twofold.storage.reading import Kind, kind_of
from twofold.types import Problem, Profile

# The published prompt is question, this sentence and the wordings, with nothing in between.
ASK = "Let's think step by step and output the final answer within \\boxed{}."

SOURCES = {
    "HuggingFaceH4/gsm8k": "gsm8k",
    "HuggingFaceH4/MATH-500": "math500",
    "zwhe99/simplerl-minerva-math": "minerva",
    "zwhe99/simplerl-OlympiadBench": "olympiad",
    "aime": "aime",
}


@final
class MathIfRow(ProblemRow):
    """A row of MathIF; its prompt is the published one, verbatim.

    Source: Fu et al. 2025, https://arxiv.org/abs/2505.14810. Departs: the published ids are not unique
    (390 for 420 rows), so `source_id` is the file's name and the row's position; the published id is the
    tag `published_id`.
    """

    title: ClassVar[str] = "MathIF"

    source: str
    id: str
    question: str
    answer: AnswerText
    constraint_desc: list[str]
    constraint_name: list[str]
    constraint_args: list[dict[str, Any] | None]

    def to_problem(self, *, profile: Profile, origin: Origin) -> Problem:
        """The problem with its published wordings.

        Raises:
            ProblemError: If the three lists differ in length.
        """
        counts = {len(self.constraint_name), len(self.constraint_args), len(self.constraint_desc)}
        if len(counts) > 1:
            raise ProblemError(
                "constraint_name, constraint_args and constraint_desc differ in length; give each "
                "constraint one entry in all three"
            )
        specs = zip(self.constraint_name, self.constraint_args, strict=True)
        tags = origin.tags(SOURCES.get(self.source, self.source))
        return Problem(
            question=self.question,
            answer=self.answer,
            constraints=tuple(from_spec(name, args, profile=profile) for name, args in specs),
            wordings=tuple(self.constraint_desc),
            ask=ASK,
            tags={**tags, "file": origin.file, "published_id": self.id},
        )


def files(directory: Path) -> list[Path]:
    """MathIF's files in `directory` (some of the 15, or none), in the published order."""
    counts = ("single", "double", "triple")
    published = [directory / f"{s}_{count}.jsonl" for s in SOURCES.values() for count in counts]
    return [path for path in published if kind_of(path, ProblemError) is Kind.file]
