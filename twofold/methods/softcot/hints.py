"""What if the assistant just writes its hints? The control that needs no training."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

from twofold.diagnostics.elicitation.elicitor import Elicited, Elicitor, added, n_generated
from twofold.methods.softcot.prompts import request
from twofold.types import Message, Model, Response, Sampling


@final
@dataclass(frozen=True)
class TextHints(Elicitor):
    r"""A base that gets the assistant's hints as text behind the question.

    Args:
        base: Who answers.
        assistant: Who writes the hints, greedily.
        max_tokens: Budget of the hints, in tokens.

    Source:
        The control Assist-CoT of https://arxiv.org/abs/2502.12134, which is on average 0.85 points below
        SoftCoT there (69.67 and 70.52).

    Example:
        >>> from twofold.models.scripted import ScriptedModel
        >>> echo = ScriptedModel(lambda prompt, sample: prompt)
        >>> model = TextHints(echo, ScriptedModel(lambda prompt, sample: "Count twice."))
        >>> model.sample([[Message(role="user", content="2 + 2?")]], Sampling())[0][0].reply
        '2 + 2?\n\nHints: Count twice.'
    """

    name: ClassVar[str] = "text_hints"
    assistant: Model
    max_tokens: int = 64

    def fingerprint(self) -> dict[str, object]:
        """See `Elicitor.fingerprint`; the assistant by its own fingerprint."""
        models: dict[str, Any] = {
            "base": self.base.fingerprint(),
            "assistant": self.assistant.fingerprint(),
        }
        return {"kind": self.name, "settings": {"max_tokens": self.max_tokens}, **models}

    def elicited(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
    ) -> Iterator[Elicited]:
        """The base's replies to the longer prompts; where no hint came, the call has failed."""
        written = Sampling(max_tokens=self.max_tokens)
        hints = [row[0] for row in self.assistant.sample([request(c) for c in prompts], written)]
        longer = [_with_hint(chat, hint) for chat, hint in zip(prompts, hints, strict=True)]
        for p, g, reply in self.base.stream(longer, sampling, n=n, seed=seed, done=done):
            cost = added([n_generated(hints[p]), n_generated(reply)])
            if failed := hints[p].error:
                yield Elicited(p, g, replace(hints[p], error=f"no hint: {failed}"), cost)
            else:
                yield Elicited(p, g, reply, cost)


def _with_hint(chat: Sequence[Message], hint: Response) -> list[Message]:
    *before, last = chat
    said = (hint.thinking or hint.reply if not hint.reply.strip() else hint.reply).strip()
    return [*before, Message(role=last["role"], content=f"{last['content']}\n\nHints: {said}")]
