"""How do tests and examples get a model with known replies? From a script, through the real code path."""

import hashlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, field
from typing import final

from twofold.errors import ModelError
from twofold.models.thinking import ThinkingPolicy, split
from twofold.models.work_share import missing_pairs
from twofold.types import Message, Model, Response, Sampling, Share

Line = str | Response
# Replies (raw texts or responses) by prompt text, or a pure function of prompt text and sample
# index.
Script = Mapping[str, Sequence[Line]] | Callable[[str, int], Line]


@final
@dataclass(frozen=True, eq=False)
class ScriptedModel(Model):
    """A model that replies according to a script, whatever the seed and the sampling.

    Args:
        script: Lines by prompt text (its messages, joined by blank lines), of which sample `g` gets
            line `g`, cyclically; or a pure function `(prompt text, sample index) -> line`.
        name: Its spec, part of the fingerprint.
        thinking: The thinking tags of raw texts.

    Example:
        >>> model = ScriptedModel({"2 + 2?": ["4", "<think>2 and 3</think>5"]})
        >>> asked = [[Message(role="user", content="2 + 2?")]]
        >>> [reply.reply for reply in model.sample(asked, Sampling(), n=3)[0]]
        ['4', '5', '4']
    """

    script: Script
    name: str = "scripted"
    thinking: ThinkingPolicy = field(default_factory=ThinkingPolicy)

    @property
    def spec(self) -> str:
        """The model's name; `resolve` cannot load a script."""
        return self.name

    def fingerprint(self) -> dict[str, object]:
        """Name, thinking tags and the SHA-256 of the script (of a function: its source or name)."""
        return {
            "kind": "scripted",
            "name": self.name,
            "script_sha256": hashlib.sha256(_script_text(self.script).encode()).hexdigest(),
            "thinking": asdict(self.thinking),
        }

    def stream(
        self,
        prompts: Sequence[Sequence[Message]],
        sampling: Sampling,
        *,
        n: int = 1,
        seed: int = 0,
        done: AbstractSet[tuple[int, int]] = frozenset(),
        share: Share = Share(),
    ) -> Iterator[tuple[int, int, Response]]:
        """Reply with the lines, in order; see `Model.stream`."""
        for p, g in missing_pairs(len(prompts), n, done=done, share=share):
            line = self._line("\n\n".join(message["content"] for message in prompts[p]), g)
            if isinstance(line, str):
                line = split(line, policy=self.thinking, hit_limit=False)
            yield p, g, line

    def _line(self, text: str, sample: int) -> Line:
        if not isinstance(self.script, Mapping):
            return self.script(text, sample)
        lines = self.script.get(text)
        if not lines:
            raise ModelError(
                f"the script has no line for the prompt {text[:80]!r}; add at least one under the "
                "prompt's exact text, or give a function instead of a mapping"
            )
        return lines[sample % len(lines)]


def _script_text(script: Script) -> str:
    if isinstance(script, Mapping):
        script_lines = {
            prompt: [line if isinstance(line, str) else line.to_json() for line in lines]
            for prompt, lines in script.items()
        }
        return json.dumps(script_lines, sort_keys=True)
    try:
        return inspect.getsource(script)
    except (OSError, TypeError):
        named = script if inspect.isroutine(script) else type(script)
        return f"{named.__module__}.{named.__qualname__}"
