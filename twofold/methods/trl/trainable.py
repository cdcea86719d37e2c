"""What does a training run need of the thing that it trains?"""

from abc import ABC, abstractmethod
from typing import Any

from peft import PeftConfig

from twofold.models.chat_template import template_of, thinking_of, with_fixed_day
from twofold.models.thinking import ThinkingPolicy


class Trainable(ABC):
    """A network that a trainer can train, loaded when it is first needed."""

    @abstractmethod
    def hashes(self) -> dict[str, object]:
        """SHA-256 of all files that decide what it is; a run is bound to them."""

    def base_weights(self) -> list[str]:
        """Hashes of the base's weights, if what is trained is an adapter; see `Checkpoint.base_weights`."""
        return []

    @property
    @abstractmethod
    def source(self) -> str:
        """What an adapter names as its base, if not the folder that was loaded; else ""."""

    @property
    @abstractmethod
    def tokenizer(self) -> Any:
        """The base's tokenizer."""

    @property
    @abstractmethod
    def network(self) -> Any:
        """The network whose weights the trainer changes and saves."""

    @property
    @abstractmethod
    def adapter(self) -> PeftConfig | None:
        """The adapter that the trainer puts on it; None = none."""

    def ids(self, text: str) -> list[int]:
        """The token ids of a text, without added special tokens."""
        return list(self.tokenizer(text, add_special_tokens=False).input_ids)

    @property
    def policy(self) -> ThinkingPolicy:
        """The base's thinking tags, detected as in an audit."""
        return thinking_of(self.tokenizer)

    @property
    def template(self) -> str:
        """The chat template as in an audit, with a fixed date."""
        return with_fixed_day(template_of(self.tokenizer))

    def reference(self) -> Any:
        """A copy of the untrained network; None if that can be had without one."""
        return None
