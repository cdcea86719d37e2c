"""How does a local model read a chat and how is its reply read, in token ids?

Whoever computes the network: transformers and llama.cpp share prompts, ends of replies and thinking marks.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Self, final

from twofold.models import chat_template
from twofold.models.cache import content_key
from twofold.models.thinking import ThinkingPolicy, split
from twofold.types import Message, Response


@final
@dataclass(frozen=True, kw_only=True)
class ChatTokens:
    """A tokenizer with its chat template, the model's thinking marks, and what ends a reply.

    Args:
        tokenizer: A transformers tokenizer with a chat template.
        thinking: The thinking marks.
        eos: All token ids that end a reply.
    """

    tokenizer: Any
    thinking: ThinkingPolicy
    eos: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: Any, ends: tuple[int, ...], named: ThinkingPolicy | None) -> Self:
        """Thinking marks and end of a turn as the chat template shows them.

        Args:
            tokenizer: The tokenizer.
            ends: The token ids that the model's files name as ends of a reply.
            named: The thinking marks that the user named.
        """
        end = chat_template.end_of_turn(tokenizer, ends)
        return cls(
            tokenizer=tokenizer,
            thinking=chat_template.thinking_of(tokenizer, named),
            eos=ends if end is None else tuple(sorted({*ends, end})),
        )

    def identity(self) -> dict[str, object]:
        """What of it decides replies, for a fingerprint."""
        return {
            "template_sha256": content_key(chat_template.template_of(self.tokenizer)),
            "template_sample": chat_template.sample_prompt(self.tokenizer),
            "template_date": chat_template.TEMPLATE_DAY.isoformat(),
            "thinking": asdict(self.thinking),
            "eos": list(self.eos),
        }

    def render(self, chat: Sequence[Message]) -> str:
        """The prompt for `chat`; see `chat_template.render`."""
        return chat_template.render(self.tokenizer, chat)

    def ids(self, text: str) -> tuple[int, ...]:
        """The token ids of a text, without added special tokens."""
        return tuple(self.tokenizer(text, add_special_tokens=False).input_ids)

    def response_of(self, ids: Sequence[int]) -> Response:
        """The reply that generated token ids are, at least one, with the end token if there is one."""
        spoken = [i for i in ids if i not in self._silent]
        response = split(
            self._text(spoken),
            policy=self.thinking,
            hit_limit=ids[-1] not in self.eos,
            n_tokens=len(spoken),
            tokens_before=lambda position: bisect_left(
                range(len(spoken)), position, key=lambda k: len(self._text(spoken[:k]))
            ),
        )
        return replace(response, ids=tuple(ids))

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, without tokens of the chat format."""
        return self._text([i for i in ids if i not in self._silent])

    def _text(self, ids: Sequence[int]) -> str:
        plain = {"skip_special_tokens": False, "clean_up_tokenization_spaces": False}
        return str(self.tokenizer.decode(ids, **plain))

    @cached_property
    def _silent(self) -> frozenset[int]:
        """Token ids of the chat format: special and end tokens, but no tokens of thinking marks."""
        return chat_template.silent_ids(self.tokenizer, self.thinking, self.eos)
