"""`python -m recipes.20_qwen_obedience.sizing MODEL`: how many tokens a second does a core sample and learn?

Counted in seconds of computing, so that other programs on the machine matter less: reading prompts, sampling
with 16, 32 and 64 rows at once, scoring, and a step of LoRA with `CompactSft`'s loss. Beside each speed is
its limit on this machine: the speed if all that is left to do is to multiply by the weights.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from peft import get_peft_model

from twofold.methods.trl.trainable_model import TrainableModel
from twofold.models import decode
from twofold.models.hf import HfModel
from twofold.types import Sampling

from . import SCALES
from .problems import files
from .warm_up import RANK, TEMPERATURE

ROWS = (16, 32, 64)
STEPS, PROMPTS, REPEATS = 16, 8, 3
LEARNED, PROMPT, REPLY = 4, 110, 200
"""Rows of a LoRA step, and tokens of each prompt and reply."""


def seconds(work: Callable[[], object]) -> float:
    """Seconds of computing of this process."""
    before = time.process_time()
    work()
    return time.process_time() - before


def multiplied(network: Any, rows: int, rows_of_head: int) -> float:
    """Seconds of multiplying `rows` vectors by every weight matrix, and `rows_of_head` by the output head."""
    head = network.get_output_embeddings()
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Linear) and m is not head]
    work = [(m.weight, rows) for m in layers] + [(head.weight, rows_of_head)]
    entering = {
        shape: torch.ones(shape, dtype=head.weight.dtype)
        for shape in {(n, weight.shape[1]) for weight, n in work if n}
    }

    def multiply() -> None:
        for weight, n in work:
            if n:
                torch.nn.functional.linear(entering[n, weight.shape[1]], weight)

    with torch.inference_mode():
        multiply()
        return min(seconds(multiply) for _ in range(REPEATS))


def sampled(model: HfModel, rows: int) -> tuple[float, float]:
    """Tokens a second of reading prompts, and of sampling from their keys and values."""
    asked = files(SCALES["cpu"])["trained"][:PROMPTS]
    ids = [model.ids(model.render(p.messages(stated=()))) for p in asked]
    planned = [
        decode.PlannedRow(ids=ids[n % PROMPTS], seed=n, limit=STEPS + 1) for n in range(rows)
    ]
    sampling = Sampling(max_tokens=STEPS + 1, temperature=TEMPERATURE)

    def drawn(limit: int) -> None:
        here = [row._replace(limit=limit) for row in planned]
        with torch.inference_mode():
            decode.decode(model.network, here, sampling, eos=())

    one, all_of_them = seconds(lambda: drawn(1)), seconds(lambda: drawn(STEPS + 1))
    return sum(map(len, ids)) / one, rows * STEPS / (all_of_them - one)


def scored(model: HfModel) -> float:
    """Tokens a second of a forward pass with the logits of all tokens."""
    ids = torch.randint(0, 1000, (LEARNED, PROMPT + REPLY))
    with torch.inference_mode():
        return ids.numel() / seconds(lambda: model.network(input_ids=ids))


def learned(spec: str) -> float:
    """Tokens a second of a forward and backward pass with adapters, logits of the reply only."""
    trainable = TrainableModel(spec, lora=RANK)
    adapter: Any = trainable.adapter
    bare: Any = get_peft_model(trainable.network, adapter).get_base_model()
    ids = torch.randint(0, 1000, (LEARNED, PROMPT + REPLY))

    def step() -> None:
        hidden = bare.base_model(input_ids=ids, use_cache=False).last_hidden_state
        logits = bare.get_output_embeddings()(
            hidden[:, PROMPT - 1 : -1].reshape(-1, hidden.shape[-1])
        )
        loss: Any = torch.nn.functional.cross_entropy(logits.float(), ids[:, PROMPT:].reshape(-1))
        loss.backward()

    return LEARNED * (PROMPT + REPLY) / seconds(step)


def main(spec: str) -> None:
    """Print a line for each kind of work."""
    torch.set_num_threads(1)
    model = HfModel(spec, use_cache=False)
    print(f"{spec}, {model.dtype}, one thread; tokens a second of computing", flush=True)
    _ = model.network
    n = LEARNED * (PROMPT + REPLY)
    limit = n / multiplied(model.network, n, 0)
    for rows in ROWS:
        read, drawn = sampled(model, rows)
        print(f"{rows} rows: reading prompts {read:.0f} (limit {limit:.0f})", end=", ")
        print(
            f"sampling {drawn:.1f} (limit {rows / multiplied(model.network, rows, rows):.1f})",
            flush=True,
        )
    limit = n / multiplied(model.network, n, n)
    print(f"scoring, logits of all tokens: {scored(model):.0f} (limit {limit:.0f})", flush=True)
    # the weights are frozen: they are multiplied by once forward and once backward
    limit = n / (2 * multiplied(model.network, n, LEARNED * REPLY))
    del model
    print(f"LoRA, forward and backward: {learned(spec):.1f} (limit {limit:.1f})", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
