"""How does a local model answer?

`HfModel` runs a Hugging Face checkpoint with transformers. A resumed or distributed run gives the
same replies as an uninterrupted one, because batches are planned from all the work and each reply
has its own noise. Finished replies are cached, and weights are loaded only if a reply is missing.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, final

import torch
import transformers

from twofold.errors import ModelError
from twofold.models import loading
from twofold.models.answers import NO_NUMBERS, NO_ROOM, replies, streamed
from twofold.models.batches import Capacity, SampleKey, capacity_of, plan, planned_row, shortage
from twofold.models.cache import Cache, cache_folder, content_key
from twofold.models.chat_tokens import ChatTokens
from twofold.models.checkpoint import locate
from twofold.models.decode import PlannedRow, decode
from twofold.models.guessing import continued
from twofold.models.gumbel import row_seed
from twofold.models.memory import main_memory_bytes
from twofold.models.soft_tokens import soft_tokens
from twofold.models.thinking import ThinkingPolicy
from twofold.types import Message, OpenModel, Response, Sampling, Share

_KEPT_DEFAULTS = ("eos_token_id", "bos_token_id", "pad_token_id", "transformers_version")
FORM = "with ids, any marks"  # version of the cached replies; others are sampled again


class Work(NamedTuple):
    """One call: rendered prompts, their token ids, how to sample, and the vectors of `soft_tokens`."""

    texts: Sequence[str]
    ids: Sequence[tuple[int, ...]]
    sampling: Sampling
    seed: int
    soft_SD: torch.Tensor | None = None


@final
class HfModel(OpenModel):
    """A local checkpoint, run by transformers.

    Args:
        spec: `pocket`, `smollm2`, a Hugging Face folder, a PEFT adapter's folder, a `.gguf` file, or a
            hub id.
        use_cache: Whether to read and store replies in the cache.
        thinking: The thinking marks, if the chat template does not show them.
        as_saved: Whether bfloat16 is kept on every CPU, to save memory; see `loading.dtype_for`.

    Raises:
        ModelError: If the files cannot be found or are not safe to load.
    """

    def __init__(
        self,
        spec: str,
        *,
        use_cache: bool = True,
        thinking: ThinkingPolicy | None = None,
        as_saved: bool = False,
    ) -> None:
        self._checkpoint = locate(spec)
        self._as_saved = as_saved
        self._named = thinking
        self._cache = Cache(cache_folder() if use_cache else None)
        self._too_big: int | None = None  # tokens of the smallest batch that ran out of memory

    def __repr__(self) -> str:
        """Equal for equal specs, since a setting that holds a model is identified by it."""
        return f"HfModel({self.spec!r})"

    @property
    def spec(self) -> str:
        """The name it was requested by."""
        return self._checkpoint.spec

    @cached_property
    def device(self) -> torch.device:
        """This process' GPU, else the CPU."""
        return loading.device()

    @cached_property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights in memory."""
        return loading.dtype_for(self.device, self._checkpoint, as_saved=self._as_saved)

    @cached_property
    def tokenizer(self) -> Any:
        """The transformers tokenizer, loaded when first needed."""
        return loading.load_tokenizer(self._checkpoint)

    @cached_property
    def network(self) -> Any:
        """The transformers network in evaluation mode, loaded when first needed.

        Raises:
            ModelError: If the files are broken, or are not the ones that were hashed.
        """
        hashed = self._hashes  # before loading
        network = loading.load_network(self._checkpoint, place=self.device, dtype=self.dtype)
        touched = self._checkpoint.stamps() != self._stamps
        if touched and self._checkpoint.hashes(self._cache) != hashed:
            raise ModelError(
                f"the files of {self.spec} were changed while they were in use; give the same command "
                "again when they are complete"
            )
        return network

    @cached_property
    def _hashes(self) -> dict[str, object]:
        self._stamps = self._checkpoint.stamps()
        return self._checkpoint.hashes(self._cache)

    def file_hashes(self) -> dict[str, object]:
        """SHA-256 of every file that is loaded; see `Checkpoint.hashes`."""
        return self._hashes

    def observed(self) -> dict[str, object]:
        """What training started from, where twofold trained the checkpoint; see `Model.observed`.

        `trained_from` is the hash of its base; `replaced_base` names an adapter and its base if that has
        other weights now.
        """
        return self._observed

    @cached_property
    def _observed(self) -> dict[str, object]:  # a run asks at every reply
        started = self._checkpoint.trained_from()
        base = self._checkpoint.replaced_base(self._cache)
        other = {"adapter": str(self._checkpoint.adapter), "base": base}
        return ({"trained_from": started} if started else {}) | (
            {"replaced_base": other} if base else {}
        )

    @cached_property
    def chat_tokens(self) -> ChatTokens:
        """How chats and replies are read, in token ids."""
        ends = self._checkpoint.end_ids(self.tokenizer)
        return ChatTokens.of(self.tokenizer, ends, self._named)

    @property
    def thinking(self) -> ThinkingPolicy:
        """The model's thinking marks: those that were named, else learned from its chat template."""
        return self.chat_tokens.thinking

    @property
    def eos(self) -> tuple[int, ...]:
        """All token ids that end a reply: the named ones, else also the one of the chat template."""
        return self.chat_tokens.eos

    @cached_property
    def capacity(self) -> Capacity:
        """What fits into the device's memory at once."""
        n_bytes = main_memory_bytes()
        if on_gpu := self.device.type == "cuda":
            n_bytes = torch.cuda.get_device_properties(self.device).total_memory
        return capacity_of(
            loading.shape_of(self._checkpoint),
            n_weight_bytes=self._checkpoint.n_weight_bytes,
            device_bytes=n_bytes,
            on_gpu=on_gpu,
        )

    def fingerprint(self) -> dict[str, object]:
        """Everything that decides the replies except prompt and sampling; see `Model.fingerprint`."""
        return {"kind": "hf", "spec": self.spec} | self._identity

    @cached_property
    def _identity(self) -> dict[str, object]:
        """The fingerprint without the spec: the same files elsewhere are the same model."""
        defaults = self._checkpoint.generation_defaults()
        on_gpu = self.device.type == "cuda"
        return {
            **self._hashes,
            "origin": self._checkpoint.origin,
            **self.chat_tokens.identity(),
            "defaults_not_used": {k: v for k, v in defaults.items() if k not in _KEPT_DEFAULTS},
            "dtype": str(self.dtype).removeprefix("torch."),
            "device": torch.cuda.get_device_name(self.device) if on_gpu else "cpu",
            "torch": str(torch.__version__),
            "transformers": transformers.__version__,
        }

    def render(self, chat: Sequence[Message]) -> str:
        """The prompt for `chat`; see `chat_template.render`."""
        return self.chat_tokens.render(chat)

    def ids(self, text: str) -> tuple[int, ...]:
        """The token ids of a text, without added special tokens."""
        return self.chat_tokens.ids(text)

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
        texts = [self.render(chat) for chat in prompts]
        work = Work(texts, [self.ids(text) for text in texts], sampling, seed)
        yield from streamed(
            self.batches(work, n=n),
            done=done,
            share=share,
            cache=self._cache,
            key=lambda item: self._key(item, work),
            generated=lambda items: self.generated(items, work),
        )

    def continued(
        self,
        chats: Sequence[Sequence[Message]],
        started: Sequence[Sequence[int]],
        sampling: Sampling,
        *,
        seed: int = 0,
    ) -> Iterator[tuple[int, Response]]:
        """Continue replies, batch by batch; see `OpenModel.continued`."""
        ids = [
            (*self.ids(self.render(chat)), *begun)
            for chat, begun in zip(chats, started, strict=True)
        ]
        work = Work([str(each) for each in ids], ids, sampling, seed)
        for batch in self.batches(work, n=1):
            new = self.generated(batch, work, begun={p: tuple(started[p]) for p, _ in batch})
            yield from ((p, new[p, g]) for p, g in batch)

    def batches(self, work: Work, *, n: int) -> list[tuple[SampleKey, ...]]:
        """The batches of a call; see `batches.plan`."""
        lengths, most = [len(ids) for ids in work.ids], work.sampling.max_tokens
        return plan(lengths, n=n, max_tokens=most, capacity=self.capacity)

    def _key(self, item: SampleKey, work: Work) -> str:
        p, g = item
        return content_key(FORM, self._identity, work.texts[p], asdict(work.sampling), work.seed, g)

    def generated(
        self,
        items: Sequence[SampleKey],
        work: Work,
        *,
        begun: Mapping[int, tuple[int, ...]] = MappingProxyType({}),
    ) -> dict[SampleKey, Response]:
        """The replies of a batch, always new ones; `begun` is what the reply of a prompt begins with."""
        n_known = self.n_embedded + (0 if work.soft_SD is None else len(work.soft_SD))
        planned = {
            (p, g): planned_row(
                work.ids[p],
                seed=row_seed(work.seed, work.texts[p], g),
                max_tokens=work.sampling.max_tokens,
                window=self.window,
                n_known=n_known,
            )
            for p, g in items
        }
        with soft_tokens(self.network, work.soft_SD):
            return replies(
                planned,
                lambda rows: self._decoded(rows, work.sampling, begun=bool(begun)),
                lambda item, ids: self.response_of([*begun.get(item[0], ()), *ids]),
            )

    @cached_property
    def window(self) -> int | None:
        """The context's length in tokens; None if the configuration does not say."""
        return self._checkpoint.window

    @cached_property
    def n_embedded(self) -> int:
        """How many tokens the network has embeddings for."""
        return int(self.network.get_input_embeddings().weight.shape[0])

    def _decoded(
        self, rows: Sequence[PlannedRow], sampling: Sampling, *, begun: bool
    ) -> list[list[int] | str]:
        """New token ids per row, or why there are none; a batch that does not fit is halved.

        In main memory it is halved before it asks for more than is left: the kernel would end a process.
        """
        if not rows:
            return []
        n_tokens = len(rows) * max(row.most for row in rows)
        on_cpu = (
            self.network.device.type == "cpu"
        )  # a GPU's allocator says without harm what it lacks
        lacks = shortage(rows, self.capacity) if on_cpu else ""
        if lacks and len(rows) == 1:
            return [f"{NO_ROOM} ({lacks})"]
        if not lacks and (len(rows) == 1 or self._too_big is None or n_tokens < self._too_big):
            try:
                with torch.inference_mode():
                    generate = continued if begun else decode
                    new = generate(self.network, rows, sampling, eos=self.eos)
                return [NO_NUMBERS if ids is None else ids for ids in new]
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
            loading.free_memory()  # outside the handler, which still references the failed batch
            if len(rows) == 1:
                return [NO_ROOM]
            self._too_big = n_tokens
        half = len(rows) // 2
        halves = rows[:half], rows[half:]
        return [ids for each in halves for ids in self._decoded(each, sampling, begun=begun)]

    def response_of(self, ids: Sequence[int]) -> Response:
        """The reply that generated token ids are, at least one, with the end token if there is one."""
        return self.chat_tokens.response_of(ids)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of token ids, without tokens of the chat format."""
        return self.chat_tokens.decode(ids)


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return "out of memory" in str(error) or "can't allocate memory" in str(error)
