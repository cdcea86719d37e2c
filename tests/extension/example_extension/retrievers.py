"""A retriever: which passages `rlag` reads beside each question."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from twofold.methods import Retriever

PASSAGES = ("two and two is four", "it is what it is")


@final
@dataclass(frozen=True)
class SharedWords(Retriever):
    """The passages with the most words of the question."""

    def found(self, questions: Sequence[str], *, n: int) -> list[list[str]]:
        return [sorted(PASSAGES, key=lambda text: -self._shared(text, q))[:n] for q in questions]

    def _shared(self, text: str, question: str) -> int:
        return len(set(text.split()) & set(question.split()))
