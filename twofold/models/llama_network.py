"""How does llama.cpp decode several rows at once, in this process?

Each row is a sequence of one context, with keys and values of its own, so that a step attends to a row's own
tokens only: with one store for all, 64 rows of SmolLM2 took 2.8 times as long, 16 rows 1.1 times. Prompts
that are alike are read once. A row that has ended leaves; the last one takes its place, so that the sequences
stay in one block.

llama.cpp does not promise that a reply is the same bit by bit beside other replies; on the CPUs that were
tried it was (`tests/models/test_llama.py`).
"""

import ctypes
import os
import weakref
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import llama_cpp
import numpy as np
import torch

from twofold.errors import ModelError
from twofold.models.batches import PlannedRow
from twofold.models.gumbel import samplers
from twofold.models.loading import leave_a_core_free
from twofold.types import Sampling

_CHUNK = 512  # tokens of a prompt that are read at once
_CELLS = 256  # llama.cpp makes a sequence's length a multiple of it
_ERROR = 4  # llama.cpp's level of a log line
_said: deque[str] = deque(maxlen=3)  # its last errors


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _hear(level: int, text: bytes, _: object) -> None:
    """Keeps llama.cpp's own log off the terminal; what went wrong is told in our error."""
    if level == _ERROR:
        _said.append(text.decode(errors="replace").strip())


@final
class LlamaNetwork:
    """The weights of a GGUF file as llama.cpp computes them, on the CPU and as they are quantised.

    Args:
        file: The GGUF file, whose header is sound; see `header_of`.

    Raises:
        ModelError: If llama.cpp does not know the architecture, or a weight is no finite number.
    """

    def __init__(self, file: Path) -> None:
        leave_a_core_free()
        llama_cpp.llama_log_set(_hear, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = 0
        params.check_tensors = True
        self._model: Any = llama_cpp.llama_model_load_from_file(os.fsencode(file), params)
        if not self._model:
            raise ModelError(
                f"llama.cpp cannot load {file} ({_why()}); update it (pip install -U llama-cpp-python), "
                "download the file again, or name it without `llama:`, which runs it by transformers"
            )
        weakref.finalize(self, llama_cpp.llama_model_free, self._model)
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)

    @property
    def n_embedded(self) -> int:
        """How many tokens the network has embeddings for."""
        return int(llama_cpp.llama_vocab_n_tokens(self._vocab))

    def decode(
        self, rows: Sequence[PlannedRow], sampling: Sampling, *, eos: Sequence[int]
    ) -> list[list[int] | None]:
        """Generate a reply for every row; returns the new token ids, including the end token.

        None stands for a row whose logits were not numbers at some token. The noise of a row is that of
        `models.decode`: where the logits are alike, so are the replies.
        """
        generators = [torch.Generator().manual_seed(row.seed) for row in rows]
        new: list[list[int]] = [[] for _ in rows]
        broken: set[int] = set()
        alive = list(range(len(rows)))  # alive[s] = the row of sequence s
        with self._context(rows) as context:
            context.read([row.ids[:-1] for row in rows])
            while alive:
                last = [(new[r] or rows[r].ids)[-1] for r in alive]
                at = [len(rows[r].ids) + len(new[r]) - 1 for r in alive]
                logits_RV = context.step(last, at)
                finite_R = torch.isfinite(logits_RV.amax(-1))  # NaN if any is
                noisy = samplers(sampling, [generators[r] for r in alive])
                chosen_R = noisy(None, logits_RV).argmax(-1)  # type: ignore[arg-type]
                for r, token, finite in zip(
                    alive, chosen_R.tolist(), finite_R.tolist(), strict=True
                ):
                    new[r].append(token)
                    if not finite:
                        broken.add(r)
                for s in reversed(range(len(alive))):
                    r = alive[s]
                    if r in broken or new[r][-1] in eos or len(new[r]) >= rows[r].limit:
                        context.move(len(alive) - 1, s)
                        alive[s] = alive[-1]
                        alive.pop()
        return [None if r in broken else ids for r, ids in enumerate(new)]

    @contextmanager
    def _context(self, rows: Sequence[PlannedRow]) -> Iterator["_Context"]:
        params = llama_cpp.llama_context_default_params()
        longest = max(row.most for row in rows)
        params.n_seq_max = len(rows)
        params.n_ctx = len(rows) * -(-longest // _CELLS) * _CELLS
        params.n_batch = params.n_ubatch = max(_CHUNK, len(rows))
        params.n_threads = params.n_threads_batch = torch.get_num_threads()
        params.kv_unified = False  # each row attends to its own cells only
        made: Any = llama_cpp.llama_init_from_model(self._model, params)
        if not made:
            raise ModelError(
                f"llama.cpp has no room for {len(rows)} rows of {longest} tokens ({_why()}); lower "
                "max_tokens, or take a smaller model"
            )
        batch = llama_cpp.llama_batch_init(params.n_batch, 0, 1)
        try:
            yield _Context(made, batch, self.n_embedded)
        finally:
            llama_cpp.llama_batch_free(batch)
            llama_cpp.llama_free(made)


class _Context:
    """The keys and values of a batch's rows; row `s` is llama.cpp's sequence `s`."""

    def __init__(self, made: Any, batch: Any, n_vocab: int) -> None:
        self._made, self._batch, self._n_vocab = made, batch, n_vocab
        self._memory = llama_cpp.llama_get_memory(made)

    def read(self, prompts: Sequence[tuple[int, ...]]) -> None:
        """Read the prompts; of those that are alike the first, whose keys and values the others get."""
        first: dict[tuple[int, ...], int] = {}
        for s, ids in enumerate(prompts):
            if ids in first:
                llama_cpp.llama_memory_seq_cp(self._memory, first[ids], s, -1, -1)
                continue
            first[ids] = s
            for start in range(0, len(ids), _CHUNK):
                part = ids[start : start + _CHUNK]
                self._compute(
                    part, range(start, start + len(part)), [s] * len(part), with_logits=False
                )

    def step(self, last: Sequence[int], at: Sequence[int]) -> torch.Tensor:
        """Read a token of each sequence at its position; the logits after it, valid until the next call."""
        self._compute(last, at, range(len(last)), with_logits=True)
        found = llama_cpp.llama_get_logits(self._made)
        return torch.from_numpy(np.ctypeslib.as_array(found, shape=(len(last), self._n_vocab)))

    def move(self, source: int, target: int) -> None:
        """Give the place of a row that has ended to another one, or to none if it is its own."""
        llama_cpp.llama_memory_seq_rm(self._memory, target, -1, -1)
        if source != target:
            llama_cpp.llama_memory_seq_cp(self._memory, source, target, -1, -1)
            llama_cpp.llama_memory_seq_rm(self._memory, source, -1, -1)

    def _compute(
        self, ids: Sequence[int], at: Sequence[int], rows: Sequence[int], *, with_logits: bool
    ) -> None:
        batch = self._batch
        batch.n_tokens = len(ids)
        for i, (token, position, row) in enumerate(zip(ids, at, rows, strict=True)):
            batch.token[i], batch.pos[i] = token, position
            batch.n_seq_id[i], batch.seq_id[i][0] = 1, row
            batch.logits[i] = with_logits
        code = llama_cpp.llama_decode(self._made, batch)
        if code:
            raise ModelError(
                f"llama.cpp stopped with the code {code} ({_why()}); give the same command again, or name "
                "the file without `llama:`, which runs it by transformers"
            )


def _why() -> str:
    """llama.cpp's last errors."""
    words = " ".join(" ".join(_said).split())[:300] or "it does not say why"
    _said.clear()
    return words
