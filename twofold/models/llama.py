"""How does llama.cpp answer in this process? From a `.gguf` file as it is quantised.

For sampling only: nothing is dequantised, and no log-probability or hidden state is read. Prompts, token
ids, ends of replies and noise are those of the same file run by transformers.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from functools import cached_property
from typing import final

import llama_cpp
import transformers

from twofold.errors import ModelError
from twofold.models import gguf, loading
from twofold.models.answers import NO_NUMBERS, NO_ROOM, replies, streamed
from twofold.models.batches import Capacity, PlannedRow, capacity_of, plan, planned_row, shortage
from twofold.models.cache import Cache, cache_folder, content_key, stamp
from twofold.models.chat_tokens import ChatTokens
from twofold.models.checkpoint import Checkpoint, folder_named
from twofold.models.gumbel import row_seed
from twofold.models.llama_network import LlamaNetwork
from twofold.models.memory import main_memory_bytes
from twofold.models.thinking import ThinkingPolicy
from twofold.types import Message, Model, Response, Sampling, Share


@final
class LlamaModel(Model):
    """A `.gguf` file, run by llama.cpp in this process, on the CPU.

    It decodes several replies at once without dequantising the weights, which takes less memory than
    transformers; where it is faster depends on the processor, see `benchmarks/llama.py`. What reads
    probabilities or trains needs the file without `llama:`.

    Args:
        spec: `llama:` and the path of the file.
        use_cache: Whether to read and store replies in the cache.
        thinking: The thinking marks, if the chat template does not show them.

    Raises:
        ModelError: If the file cannot be used; see `gguf.without_weights`.

    Example: `resolve("llama:models/qwen.gguf").sample(chats, Sampling(), n=8)`; on the command line
    `twofold audit llama:models/qwen.gguf`.
    """

    def __init__(
        self, spec: str, *, use_cache: bool = True, thinking: ThinkingPolicy | None = None
    ) -> None:
        self._spec = spec
        self._named = thinking
        self._file = folder_named(spec.removeprefix(gguf.LLAMA))
        self._checkpoint = Checkpoint(spec=spec, folder=gguf.without_weights(self._file))
        self._cache = Cache(cache_folder() if use_cache else None)

    def __repr__(self) -> str:
        """Equal for equal specs, since a setting that holds a model is identified by it."""
        return f"LlamaModel({self.spec!r})"

    @property
    def spec(self) -> str:
        """The name it was requested by."""
        return self._spec

    @property
    def closed(self) -> str:
        """See `Model.closed`."""
        return (
            f"{self.spec} is run by llama.cpp, which only samples here; name the file without "
            f"`{gguf.LLAMA}` ({self._file}), which runs it by transformers"
        )

    @cached_property
    def chat_tokens(self) -> ChatTokens:
        """How chats and replies are read, in token ids."""
        tokenizer = loading.load_tokenizer(self._checkpoint)
        return ChatTokens.of(tokenizer, self._checkpoint.end_ids(tokenizer), self._named)

    @cached_property
    def network(self) -> LlamaNetwork:
        """The network, loaded when first needed.

        Raises:
            ModelError: If llama.cpp cannot load it, or the file is not the one that was hashed.
        """
        hashed = self._sha256  # before loading
        network = LlamaNetwork(self._file)
        if stamp(self._file) != self._stamp and self._cache.file_sha256(self._file) != hashed:
            raise ModelError(
                f"{self._file} was changed while it was in use; give the same command again when it is "
                "complete"
            )
        return network

    @cached_property
    def _sha256(self) -> str:
        self._stamp = stamp(self._file)
        return self._cache.file_sha256(self._file)

    @cached_property
    def capacity(self) -> Capacity:
        """What fits into main memory at once."""
        return capacity_of(
            loading.shape_of(self._checkpoint),
            n_weight_bytes=self._file.stat().st_size,
            device_bytes=main_memory_bytes(),
            on_gpu=False,
        )

    def fingerprint(self) -> dict[str, object]:
        """Everything that decides the replies except prompt and sampling; see `Model.fingerprint`."""
        return {"kind": "llama", "spec": self.spec} | self._identity

    @cached_property
    def _identity(self) -> dict[str, object]:
        """The fingerprint without the spec: the same file elsewhere is the same model."""
        return {
            "weights_sha256": self._sha256,
            **self.chat_tokens.identity(),
            "device": "cpu",
            "llama_cpp": llama_cpp.__version__,
            "transformers": transformers.__version__,
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
        """Answer batch by batch; see `Model.stream` and `answers.streamed`."""
        tokens = self.chat_tokens
        texts = [tokens.render(chat) for chat in prompts]
        ids = [tokens.ids(text) for text in texts]

        def generated(batch: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Response]:
            planned = {
                (p, g): planned_row(
                    ids[p],
                    seed=row_seed(seed, texts[p], g),
                    max_tokens=sampling.max_tokens,
                    window=self._checkpoint.window,
                    n_known=self.network.n_embedded,
                )
                for p, g in batch
            }
            return replies(
                planned,
                lambda rows: self._decoded(rows, sampling),
                lambda _, new: tokens.response_of(new),
            )

        lengths = [len(each) for each in ids]
        yield from streamed(
            plan(lengths, n=n, max_tokens=sampling.max_tokens, capacity=self.capacity),
            done=done,
            share=share,
            cache=self._cache,
            key=lambda item: content_key(
                "llama", self._identity, texts[item[0]], asdict(sampling), seed, item[1]
            ),
            generated=generated,
        )

    def _decoded(self, rows: Sequence[PlannedRow], sampling: Sampling) -> list[list[int] | str]:
        """New token ids per row, or why there are none; a batch that does not fit is halved."""
        if not rows:
            return []
        if lacks := shortage(rows, self.capacity):
            if len(rows) == 1:
                return [f"{NO_ROOM} ({lacks})"]
            half = len(rows) // 2
            return self._decoded(rows[:half], sampling) + self._decoded(rows[half:], sampling)
        new = self.network.decode(rows, sampling, eos=self.chat_tokens.eos)
        return [NO_NUMBERS if ids is None else ids for ids in new]
