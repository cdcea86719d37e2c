r"""How is a model asked for its answer in the middle of a chain?

The thought is closed with the tokens that the model itself wrote between thought and reply, so that it
is asked in a state that it knows; then come an elicitation and the answer, closed by any token that
starts with `}`. There are two wordings, because a result should not depend on one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, final

from twofold.diagnostics.chain.trace import Chain
from twofold.types import OpenModel

if TYPE_CHECKING:
    from twofold.prefix_scoring import Branch, Scored

ELICITATIONS = ("The answer is \\boxed{", "It is \\boxed{")

Ids = tuple[int, ...]


@final
@dataclass(frozen=True)
class Asker:
    """Asks one model, with its own tokenizer."""

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
        """The branch that leaves `chain` after step `at` and scores `answer`; see `before`."""
        from twofold.prefix_scoring import Branch

        before = self.before(chain, at, instead, words)
        return Branch(
            cut=len(chain.prompt) + chain.cuts[at],
            ids=before + self.encode(answer),
            given=len(before),
            stops=self.stops,
        )

    def before(self, chain: Chain, at: int, instead: Ids | None, words: int) -> Ids:
        """The tokens between `chain`, left after step `at`, and an answer.

        `instead` are the tokens of a changed chain from there on; None = the chain is cut there. `words`
        is an index into `ELICITATIONS`.
        """
        spoken = bool(instead) or chain.places[at] > 0 or bool(chain.closing)
        elicitation = ELICITATIONS[words]
        if spoken and not self._ends_blank(chain, at, instead or ()):
            elicitation = " " + elicitation
        return (*(instead or ()), *chain.closing, *self.encode(elicitation))

    def _ends_blank(self, chain: Chain, at: int, instead: Ids) -> bool:
        last = (*chain.ids[: chain.cuts[at]], *instead, *chain.closing)[-4:]
        text = self.model.decode(last)
        return not text or text[-1].isspace()

    def same(self, scored: Scored, answer: str) -> int | None:
        r"""Whether greedy decoding gives this answer: 1, 0, or None if unknown.

        If each token of the answer is the argmax, greedy decoding gives it. Otherwise it gives another
        answer, which may still be the same in another spelling: a blank, a command (`\frac`), other
        token boundaries, a unit after a number.
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
        """The chain of another model in this model's tokens, cut at the same places."""
        head = self.encode(chain.raw[: chain.places[0]])
        cuts, ids = [len(head)], [*head]
        for text in chain.texts:
            ids += self.encode(text)
            cuts.append(len(ids))
        tail = self.encode(chain.between) if chain.closing else ()
        own = self.encode(prompt)
        return replace(chain, prompt=own, ids=tuple(ids), cuts=tuple(cuts), closing=tail)


def _otherwise(text: str, rest: str, answer: str) -> int | None:
    r"""The value of `same` if decoding continues with `text` instead of `rest`.

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
