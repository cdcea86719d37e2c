"""What does the base do if it is only asked better? A hint behind the question, or examples before it.

A gain of training that a sentence in the prompt has as well is no gain in what the model can do.
"""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.diagnostics.elicitation.elicitor import Elicited, Elicitor, n_generated
from twofold.errors import ModelError
from twofold.types import Message, Sampling

# What is added to a prompt, by the name of the arm.
HINTS = {
    "boxed": "Put the final answer in \\boxed{}.",
    "steps": "Think step by step, then put the final answer in \\boxed{}.",
}


class Reprompted(Elicitor):
    """A model that is asked something longer than the prompt; only new tokens count as cost."""

    @abstractmethod
    def asked(self, chat: Sequence[Message]) -> list[Message]:
        """What the model is asked in place of a prompt."""

    @final
    def elicited(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
    ) -> Iterator[Elicited]:
        """The model's replies to the longer prompts."""
        longer = [self.asked(chat) for chat in prompts]
        for p, g, reply in self.base.stream(longer, sampling, n=n, seed=seed, done=done):
            yield Elicited(p, g, reply, n_generated(reply))


@final
@dataclass(frozen=True)
class Hinted(Reprompted):
    r"""The model, with a sentence behind each prompt.

    Args:
        base: The model that is asked.
        hint: The sentence.

    Example:
        >>> from twofold.models.scripted import ScriptedModel
        >>> echo = ScriptedModel(lambda prompt, sample: prompt)
        >>> asked = [[Message(role="user", content="2 + 2?")]]
        >>> Hinted(echo, hint="Be brief.").sample(asked, Sampling())[0][0].reply
        '2 + 2?\nBe brief.'
    """

    name: ClassVar[str] = "hinted"
    hint: str = HINTS["boxed"]

    def asked(self, chat: Sequence[Message]) -> list[Message]:
        """The chat, with the hint behind its last message."""
        *before, last = chat
        longer = f"{last['content'].rstrip()}\n{self.hint}"
        return [*before, Message(role=last["role"], content=longer)]


@final
@dataclass(frozen=True)
class FewShot(Reprompted):
    """The model, after examples as earlier turns of the chat.

    Args:
        base: The model that is asked.
        shots: Questions with replies. One whose question is in the prompt is left out there, so that no
            problem is asked with its own answer.
        n_shots: How many of them stand before each prompt.

    Source:
        Brown et al. 2020, arXiv 2005.14165.
    """

    name: ClassVar[str] = "few_shot"
    shots: tuple[tuple[str, str], ...] = ()
    n_shots: int = 3

    def __post_init__(self) -> None:
        if not self.shots or self.n_shots < 1:
            raise ModelError(
                f"few_shot has {len(self.shots)} examples and shows {self.n_shots}; give at least one of "
                "`shots`, each a question and a reply, and show at least one"
            )

    def asked(self, chat: Sequence[Message]) -> list[Message]:
        """The chat after the examples."""
        return [*self._turns(chat), *chat]

    def _turns(self, chat: Sequence[Message]) -> Iterator[Message]:
        asked = "\n\n".join(message["content"] for message in chat)
        others = [shot for shot in self.shots if shot[0].strip() not in asked]
        for question, reply in others[: self.n_shots]:
            yield Message(role="user", content=question)
            yield Message(role="assistant", content=reply)
