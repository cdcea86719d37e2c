"""What does the base say most often? The majority vote over several replies.

It turns a model that is right more often than it gives any other answer into one that is right nearly
always, which is what much of reinforcement learning does to the greedy reply.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.diagnostics.elicitation.elicitor import (
    Elicited,
    Elicitor,
    added,
    answer_of,
    n_generated,
    require_drawn,
    several,
)
from twofold.types import FinishReason, Message, Response, Sampling


def elected(answers: Sequence[str | None]) -> int:
    """The place of the first reply with the commonest answer; of equally common ones, the first said.

    A reply without an answer (None) has no vote. If none has one, the first reply is taken.

    Example:
        >>> elected(["7", None, "12", "12"]), elected([None, "7", "12"]), elected([None, None])
        (2, 1, 0)
    """
    votes = Counter(answer for answer in answers if answer is not None)
    if not votes:
        return 0
    most = max(votes.values())
    return next(i for i, each in enumerate(answers) if each is not None and votes[each] == most)


@final
@dataclass(frozen=True)
class MajorityVote(Elicitor):
    r"""A model that replies with one of the replies whose answer is the commonest.

    Args:
        base: The model that is asked.
        n_votes: How many replies are drawn for each one that is given.
        temperature: At which they are drawn, if the sampling is greedy.

    Source:
        Self-consistency: Wang et al. 2022, arXiv 2203.11171. Answers are equal if they are spelled the
        same in normal form.

    Example:
        >>> from twofold.models.scripted import ScriptedModel
        >>> lines = [r"\boxed{7}", r"\boxed{12}", r"So \boxed{12}"]
        >>> model = MajorityVote(ScriptedModel({"5 + 7?": lines}), n_votes=3)
        >>> model.sample([[Message(role="user", content="5 + 7?")]], Sampling())[0][0].reply
        '\\boxed{12}'
    """

    name: ClassVar[str] = "majority"
    n_votes: int = 16
    temperature: float = 1.0

    def __post_init__(self) -> None:
        require_drawn("n_votes", self.n_votes, self.temperature)

    def elicited(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
    ) -> Iterator[Elicited]:
        """One reply for each `n_votes` of the model; failed calls have no vote."""
        of, at = self.n_votes, self.temperature
        found = several(
            self.base, prompts, sampling, each=of, temperature=at, n=n, seed=seed, done=done
        )
        for p, g, replies in found:
            yield Elicited(p, g, _chosen(replies), added([n_generated(r) for r in replies]))


def _chosen(replies: Sequence[Response]) -> Response:
    there = [each for each in replies if each.finish_reason is not FinishReason.failed]
    return there[elected([answer_of(each) for each in there])] if there else replies[0]
