"""The rules once more where the thought ends, which is where the reply begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.diagnostics.elicitation.elicitor import added, n_generated
from twofold.errors import ModelError
from twofold.methods.remedies.by_chunks import ByChunks
from twofold.methods.remedies.stated import Stated, stated
from twofold.models.thinking import thought_span
from twofold.randomness import rng_for
from twofold.types import Message, OpenModel, Response, Sampling


@final
@dataclass(frozen=True)
class RepeatAfterThinking(ByChunks):
    """A model that is reminded of the rules when its thought is over, and then writes its reply.

    The reminder is forced as the last words of the thought, before its closing mark: behind the mark it would
    be part of the reply. A reply without a closed thought stands as it is. The rest has the whole token
    budget; the forced words are read, not generated, and are not in the cost.

    Args:
        base: The model, with local weights: a reply that has begun must be continued.
        control: The question is repeated instead of the rules.

    Source:
        MathIF, arXiv 2505.14810, section 5: repeating the constraint behind the chain raises Qwen3-32B's
        HAcc from 43.8 to 59.3 and lowers its correctness from 70.0 to 63.8.

    Example: a YAML file with `kind: repeat_after_thinking` and `base: MODEL` is a model.
    """

    name: ClassVar[str] = "repeat_after_thinking"
    control: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.base, OpenModel):
            raise ModelError(
                f"a reply that has begun can only be continued by a model with local weights: "
                f"{self.base.closed}, or use two_passes or rewrite"
            )

    def answered(
        self, chats: Sequence[Sequence[Message]], sampling: Sampling, *, n: int, seed: int
    ) -> dict[tuple[int, int], tuple[Response, int | None]]:
        """See `ByChunks.answered`; the first replies, thrown away, are in the cost."""
        assert isinstance(self.base, OpenModel)
        told = [stated(chat) for chat in chats]
        first = {(p, g): r for p, g, r in self.base.stream(chats, sampling, n=n, seed=seed)}
        found = {at: (reply, n_generated(reply)) for at, reply in first.items()}
        for g in range(n):
            mine = [
                p
                for p in range(len(chats))
                if told[p].rules and first[p, g].has_reply and first[p, g].thinking
            ]
            begun = [self._ids(self._begun(first[p, g], told[p])) for p in mine]
            drawn = int(rng_for("reminder", seed, g).integers(2**31))
            rest = self.base.continued([chats[p] for p in mine], begun, sampling, seed=drawn)
            for i, reply in rest:
                own = None if reply.ids is None else len(reply.ids) - len(begun[i])
                found[mine[i], g] = reply, added([n_generated(first[mine[i], g]), own])
        return found

    def _begun(self, reply: Response, told: Stated) -> str:
        """The text up to where the reply begins, with the reminder in it."""
        _, stop, at = thought_span(reply)
        again = told.question if self.control else told.rules_text
        return f"{reply.raw[:stop]}\n\nBefore I answer, once more: {again}{reply.raw[stop:at]}"

    def _ids(self, text: str) -> tuple[int, ...]:
        assert isinstance(self.base, OpenModel)
        return tuple(self.base.tokenizer(text, add_special_tokens=False).input_ids)
