r"""How is a network asked for its answer where a chain is broken off?

The thought is closed with the tokens that the model itself wrote between its thought and its
reply, then comes an elicitation, then the answer, closed by any token that starts with `}`. Without
the closing, a model would be asked for an answer in a state that it is never in. Two wordings, since a
result that hangs on the words of the question is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

from twofold.diagnostics.chain.trace import Chain
from twofold.models.thinking import detect_in
from twofold.types import OpenModel

if TYPE_CHECKING:
    from twofold.prefix_scoring import Branch, Scored

ELICITATIONS = ("The answer is \\boxed{", "It is \\boxed{")
"""What is said before the answer."""

Ids = tuple[int, ...]


@final
@dataclass(frozen=True)
class Asker:
    """Asks one model; its tokenizer spells what is added to a chain.

    Args:
        model: Whose probabilities are asked for.
    """

    model: OpenModel

    def encode(self, text: str) -> Ids:
        """Token ids of `text`, nothing added."""
        return tuple(self._tokenizer(text, add_special_tokens=False).input_ids)

    @cached_property
    def _tokenizer(self) -> Any:
        return self.model.tokenizer

    @cached_property
    def stops(self) -> Ids:
        """Every token whose text starts with the brace that closes an answer."""
        ids = range(len(self._tokenizer))
        return tuple(i for i in ids if self._tokenizer.decode([i]).startswith("}"))

    def branch(self, chain: Chain, at: int, instead: Ids | None, answer: str, words: int) -> Branch:
        """The branch that leaves `chain` after step `at` and asks for `answer`.

        Args:
            chain: The chain.
            at: After which step, an index into `chain.cuts`.
            instead: Tokens of a changed chain from there on; None = it is broken off there.
            answer: What is scored.
            words: Which of `ELICITATIONS`.
        """
        from twofold.prefix_scoring import Branch

        spoken = bool(instead) or chain.places[at] > 0 or bool(chain.closing)
        elicitation = ELICITATIONS[words]
        if spoken and not self._ends_blank(chain, at, instead or ()):
            elicitation = " " + elicitation
        before = (*(instead or ()), *chain.closing, *self.encode(elicitation))
        return Branch(
            cut=len(chain.prompt) + chain.cuts[at],
            ids=before + self.encode(answer),
            given=len(before),
            stops=self.stops,
        )

    def _ends_blank(self, chain: Chain, at: int, instead: Ids) -> bool:
        last = (*chain.ids[: chain.cuts[at]], *instead, *chain.closing)[-4:]
        text = self.model.decode(last)
        return not text or text[-1].isspace()

    def same(self, scored: Scored, answer: str) -> int | None:
        r"""Whether the network, left alone, would have given just this answer: 1, 0, or None = unsure.

        Exact without generating: if each token of the answer is the likeliest one, greedy decoding
        says it. If another one is, it says something else; what that is worth is unsure only where
        it may be the same in another spelling: a blank, a command (`\frac`), the answer cut
        into other tokens, a unit behind a number.
        """
        ids = self.encode(answer)
        for j, token in enumerate(scored.greedy.tolist()):
            if token in (ids[j : j + 1] or self.stops):
                continue
            text: str = self._tokenizer.decode([token]).strip()
            rest: str = self._tokenizer.decode(list(ids[j:])).strip()
            return _otherwise(text, rest, answer)
        return 1

    def translated(self, chain: Chain, prompt: str) -> Chain:
        """The same chain as this model reads it: cut at the same places, spelt in its own tokens.

        For a model that did not write the chain, there are no tokens of its own to keep.
        """
        head = self.encode(chain.raw[: chain.places[0]])
        cuts, ids = [len(head)], [*head]
        for text in chain.texts:
            ids += self.encode(text)
            cuts.append(len(ids))
        tail = self.encode(_between(chain)) if chain.closing else ()
        return Chain(
            prompt=self.encode(prompt),
            ids=tuple(ids),
            cuts=tuple(cuts),
            places=chain.places,
            closing=tail,
            answer=chain.answer,
            n_steps=chain.n_steps,
            raw=chain.raw,
        )


def _otherwise(text: str, rest: str, answer: str) -> int | None:
    r"""Whether an answer is given that goes on with `text` where `rest` of it is still to come.

    Example:
        >>> [_otherwise(text, "12", "12") for text in ("12}", "1", "", "\\frac", "13")]
        [1, None, None, None, 0]
        >>> [_otherwise(text, "", answer) for text, answer in (("km", "5"), ("0", "5"), ("east", "south"))]
        [None, 0, 0]
    """
    if not text or text.startswith(("\\", "$")):
        return None
    if rest:
        return 1 if text.startswith(rest + "}") else None if rest.startswith(text) else 0
    is_unit = answer[-1:].isdigit() and (text[0].isalpha() or text[0] in "%°€")
    return None if is_unit else 0


def _between(chain: Chain) -> str:
    """The text between a thought and its reply: the closing tag and the blanks around it."""
    rest = chain.raw[chain.places[-1] :]
    tag = detect_in(chain.raw).close_tag
    end = rest.lower().find(tag.lower()) + len(tag)
    return rest[: end + len(rest[end:]) - len(rest[end:].lstrip())]


def product(values: Sequence[float]) -> list[float]:
    """Numbers as they are saved: six digits tell more than any number format here can."""
    return [round(float(value), 6) for value in values]
