"""How does a local model answer?

`HfModel` runs a Hugging Face checkpoint with transformers. A resumed or distributed run gives the
same replies as an uninterrupted one, because batches are planned from all the work and each reply
has its own noise. Finished replies are cached, and weights are loaded only if a reply is missing.
"""

import json
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, final

import torch
import transformers

from twofold.errors import ModelError
from twofold.models import chat_template, loading
from twofold.models.batches import SHAPE, Capacity, SampleKey, capacity_of, plan
from twofold.models.cache import Cache, cache_folder, content_key
from twofold.models.checkpoint import locate
from twofold.models.decode import PlannedRow, decode
from twofold.models.gumbel import row_seed
from twofold.models.memory import available_bytes, main_memory_bytes
from twofold.models.soft_tokens import soft_tokens
from twofold.models.thinking import ThinkingPolicy, split
from twofold.types import FinishReason, Message, OpenModel, Response, Sampling, Share

_KEPT_DEFAULTS = ("eos_token_id", "bos_token_id", "pad_token_id", "transformers_version")
_NO_ROOM = "out of memory with this prompt alone; lower max_tokens or take a smaller model"
NO_NUMBERS = (
    "the network's logits are not numbers (an overflow, or broken weights); run it in a dtype with a "
    "larger range, or copy the model again"
)
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

    Raises:
        ModelError: If the files cannot be found or are not safe to load.
    """

    def __init__(
        self, spec: str, *, use_cache: bool = True, thinking: ThinkingPolicy | None = None
    ) -> None:
        self._checkpoint = locate(spec)
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
        return loading.dtype_for(self.device, self._checkpoint)

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

    @cached_property
    def thinking(self) -> ThinkingPolicy:
        """The model's thinking marks: those that were named, else learned from its chat template."""
        return chat_template.thinking_of(self.tokenizer, self._named)

    @cached_property
    def eos(self) -> tuple[int, ...]:
        """All token ids that end a reply: the named ones, else also the one of the chat template."""
        named = self._checkpoint.end_ids(self.tokenizer)
        end = chat_template.end_of_turn(self.tokenizer, named)
        return named if end is None else tuple(sorted({*named, end}))

    @cached_property
    def capacity(self) -> Capacity:
        """What fits into the device's memory at once."""
        config = loading.load_config(self._checkpoint)
        n_bytes = main_memory_bytes()
        if on_gpu := self.device.type == "cuda":
            n_bytes = torch.cuda.get_device_properties(self.device).total_memory
        return capacity_of(
            {name: getattr(config, name, None) for name in SHAPE},
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
            "template_sha256": content_key(chat_template.template_of(self.tokenizer)),
            "template_sample": chat_template.sample_prompt(self.tokenizer),
            "template_date": chat_template.TEMPLATE_DAY.isoformat(),
            "thinking": asdict(self.thinking),
            "eos": list(self.eos),
            "defaults_not_used": {k: v for k, v in defaults.items() if k not in _KEPT_DEFAULTS},
            "dtype": str(self.dtype).removeprefix("torch."),
            "device": torch.cuda.get_device_name(self.device) if on_gpu else "cpu",
            "torch": str(torch.__version__),
            "transformers": transformers.__version__,
        }

    def render(self, chat: Sequence[Message]) -> str:
        """The prompt for `chat`; see `chat_template.render`."""
        return chat_template.render(self.tokenizer, chat)

    def ids(self, text: str) -> tuple[int, ...]:
        """The token ids of a text, without added special tokens."""
        return tuple(self.tokenizer(text, add_special_tokens=False).input_ids)

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
        """Answer batch by batch; see `Model.stream`.

        Finished batches are skipped, partly finished ones are regenerated as a whole, and batches
        are distributed over the processes in turn.
        """
        texts = [self.render(chat) for chat in prompts]
        work = Work(texts, [self.ids(text) for text in texts], sampling, seed)
        batches = self.batches(work, n=n)
        for batch in batches[share.rank :: share.world]:
            if not set(batch) <= done:
                found = self._answers(batch, work, done)
                yield from ((p, g, found[p, g]) for p, g in batch if (p, g) not in done)

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

    def _answers(
        self, batch: Sequence[SampleKey], work: Work, done: AbstractSet[SampleKey]
    ) -> dict[SampleKey, Response]:
        """The replies of a batch, from the cache if possible."""
        keys = {item: self._key(item, work) for item in batch}
        known = self._cache.get(keys.values())
        found = {
            item: Response.from_json(json.loads(known[key]))
            for item, key in keys.items()
            if key in known
        }
        missing = [item for item in batch if item not in found]
        if not set(missing) <= done:
            fresh = self.generated(missing, work)
            found |= fresh
            entries = {
                keys[item]: json.dumps(response.to_json())
                for item, response in fresh.items()
                if response.finish_reason is not FinishReason.failed
            }
            self._cache.put(entries)
        return found

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
        window = self.window
        n_known = self.n_embedded + (0 if work.soft_SD is None else len(work.soft_SD))
        found: dict[SampleKey, Response] = {}
        rows: dict[SampleKey, PlannedRow] = {}
        for p, g in items:
            ids, limit = work.ids[p], work.sampling.max_tokens
            if window is not None:
                limit = min(limit, window - len(ids))
            if max(ids) >= n_known:
                found[p, g] = _failed(
                    f"the prompt has the token {max(ids)} and the network has embeddings for "
                    f"{n_known}; take the tokenizer that belongs to these weights"
                )
            elif limit < 1:
                found[p, g] = _failed(
                    f"the prompt has {len(ids)} tokens and the model's context has {window}; "
                    "shorten the prompt"
                )
            else:
                seed = row_seed(work.seed, work.texts[p], g)
                rows[p, g] = PlannedRow(ids=ids, seed=seed, limit=limit)
        with soft_tokens(self.network, work.soft_SD):
            new = self._decoded(list(rows.values()), work.sampling)
        return found | {
            item: _failed(ids)
            if isinstance(ids, str)
            else self.response_of([*begun.get(item[0], ()), *ids])
            for item, ids in zip(rows, new, strict=True)
        }

    @cached_property
    def window(self) -> int | None:
        """The context's length in tokens; None if the configuration does not say."""
        length = self._checkpoint.config().get("max_position_embeddings")
        return length if type(length) is int and length > 0 else None

    @cached_property
    def n_embedded(self) -> int:
        """How many tokens the network has embeddings for."""
        return int(self.network.get_input_embeddings().weight.shape[0])

    def _decoded(self, rows: Sequence[PlannedRow], sampling: Sampling) -> list[list[int] | str]:
        """New token ids per row, or why there are none; a batch that does not fit is halved.

        In main memory it is halved before it asks for more than is left: the kernel would end a process.
        """
        if not rows:
            return []
        n_tokens = len(rows) * _longest(rows)
        shortage = self._shortage(rows)
        if shortage and len(rows) == 1:
            return [f"{_NO_ROOM} ({shortage})"]
        if not shortage and (len(rows) == 1 or self._too_big is None or n_tokens < self._too_big):
            try:
                with torch.inference_mode():
                    new = decode(self.network, rows, sampling, eos=self.eos)
                return [NO_NUMBERS if ids is None else ids for ids in new]
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
            loading.free_memory()  # outside the handler, which still references the failed batch
            if len(rows) == 1:
                return [_NO_ROOM]
            self._too_big = n_tokens
        half = len(rows) // 2
        return self._decoded(rows[:half], sampling) + self._decoded(rows[half:], sampling)

    def _shortage(self, rows: Sequence[PlannedRow]) -> str:
        """By how much a batch exceeds the main memory that is left now; "" if it fits."""
        if self.network.device.type != "cpu":  # whose allocator says so without harm
            return ""
        needed, left = self.capacity.needed(len(rows), _longest(rows)), available_bytes()
        return f"it may need {needed:,} bytes, and {left:,} are left" if needed > left else ""

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


def _longest(rows: Sequence[PlannedRow]) -> int:
    """Tokens of the longest row, prompt and reply."""
    return max(len(row.ids) + row.limit for row in rows)


def _failed(error: str) -> Response:
    return Response(raw="", reply="", finish_reason=FinishReason.failed, error=error)


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return "out of memory" in str(error) or "can't allocate memory" in str(error)
