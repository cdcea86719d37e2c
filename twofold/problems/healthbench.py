"""How are HealthBench rows read? A conversation, and a rubric whose criteria add or subtract points."""

from collections.abc import Sequence
from typing import ClassVar, Literal, final

from pydantic import BaseModel, ConfigDict, Field

from twofold.errors import ProblemError
from twofold.problems.row import Origin, ProblemRow
from twofold.types import Problem, Profile
from twofold.types.checklist import Checklist, Criterion

SPEAKERS = {"system": "System", "user": "User", "assistant": "Assistant"}

# The text before a conversation of several turns, in our words.
ASK = "This is a conversation so far. Write what the assistant says next, and nothing else."


@final
class Turn(BaseModel):
    """One turn of the published conversation."""

    model_config = ConfigDict(strict=True, frozen=True)

    role: Literal["system", "user", "assistant"]
    content: str


@final
class RubricItem(BaseModel):
    """One published criterion and its points."""

    model_config = ConfigDict(strict=True, frozen=True)

    criterion: str
    points: float
    tags: list[str] = Field(default_factory=list)

    def to_criterion(self) -> Criterion:
        """Positive points become the weight, negative ones the weight of a pitfall."""
        weight, tags = abs(self.points), tuple(self.tags)
        return Criterion(text=self.criterion, weight=weight, pitfall=self.points < 0, tags=tags)


@final
class HealthBenchRow(ProblemRow):
    """A row of HealthBench.

    Example tags (`theme:hedging`) become tags of the problem, several of a kind joined by ", "; the
    canary is kept as a tag.

    Source: Arora et al. 2025, https://arxiv.org/abs/2505.08775; data and formula of openai/simple-evals.
    Departs: the published run sends the turns as a chat; a `Problem` is one message, so several turns are
    written out in it (`conversation`). A criterion of 0 points is left out: it cannot move the score.
    """

    title: ClassVar[str] = "HealthBench"

    prompt: list[Turn]
    prompt_id: str
    rubrics: list[RubricItem]
    example_tags: list[str] = Field(default_factory=list)
    canary: str = ""

    def to_problem(self, *, profile: Profile, origin: Origin) -> Problem:
        """The problem, without constraints.

        Raises:
            ProblemError: If the last turn is not the user's, or no criterion has points.
        """
        tags: dict[str, str] = {}
        for tag in self.example_tags:
            name, colon, value = tag.partition(":")
            if colon:
                tags[name] = f"{tags[name]}, {value}" if name in tags else value
        if self.canary:
            tags["canary"] = self.canary
        criteria = tuple(item.to_criterion() for item in self.rubrics if item.points)
        return Problem(
            question=conversation(self.prompt),
            checklist=Checklist(criteria=criteria, writer="HealthBench"),
            tags=tags | origin.tags("healthbench", self.prompt_id),
        )


def conversation(turns: Sequence[Turn]) -> str:
    r"""A conversation as one question: a single turn as it is, several below their speakers' names.

    Raises:
        ProblemError: If there is no turn, or the last one is not the user's.

    Example:
        >>> ask, hello = Turn(role="user", content="Hi"), Turn(role="assistant", content="Hello!")
        >>> conversation([ask]), conversation([ask, hello, ask]).split("\n\n")[1:]
        ('Hi', ['[User]\nHi', '[Assistant]\nHello!', '[User]\nHi'])
    """
    if not turns or turns[-1].role != "user":
        raise ProblemError("the prompt does not end with a turn of the user; fix or drop the row")
    if len(turns) == 1:
        return turns[0].content
    told = [f"[{SPEAKERS[turn.role]}]\n{turn.content}" for turn in turns]
    return "\n\n".join([ASK, *told])
