"""How fast can a step be at best, and how much memory does it need?

`python -m recipes.10_smollm2_study.floor` prints the minimal time of a GRPO step on an H200 and of a round
of rejection sampling on one core of this machine. A phase takes at least the larger of its operations at peak
speed and its bytes at full bandwidth (a roofline); `phases` counts them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from .phases import SMOLLM2, Machine, Shape, Step, phases, saved_bytes

H200 = Machine(name="one H200, bfloat16", operations=989e12, bandwidth=4.8e12)
"""From its data sheet: dense bfloat16, HBM3e."""


GRPO = Step(prompts=64, replies=8, prompt_tokens=83, reply_tokens=128, lora=8)
"""A step of `gpu.yaml`: prompts of the generated problems' length, replies of the full budget."""

REJECTION = Step(
    prompts=250,
    replies=8,
    prompt_tokens=83,
    reply_tokens=64,
    lora=8,
    learned=0.3,
    updates=38,
    at_once=64,
)
"""A round on a CPU: 2,000 short replies, 64 at a time; three of ten are kept, trained on once, 16 a step."""

N_STARTED = {"full": 1_409, "lora": 2_669}
"""Kernels that transformers 5.23 launches for one token of SmolLM2, without and with adapters (counted)."""


def table(
    shape: Shape, step: Step, machine: Machine, measured: Mapping[str, float] = MappingProxyType({})
) -> str:
    """The floor of every phase, and the ratio of measured seconds (by phase) to it.

    Example:
        >>> print(table(SMOLLM2, GRPO, H200, {"sampling": 2.0}).splitlines()[3])
        sampling                          18.5    255.9   0.0533  2.0 s, 38 x the floor
    """
    lines = [
        f"{step.rows} replies of {step.reply_tokens} tokens on {machine.name}",
        f"{'phase':28} {'10^12 ops':>9} {'GB':>8} {'floor s':>8}",
    ]
    whole = 0.0
    for work in phases(shape, step):
        least = work.seconds(machine)
        whole += least
        line = f"{work.phase:28} {work.operations / 1e12:9.1f} {work.moved / 1e9:8.1f} {least:8.4f}"
        if work.phase in measured:
            took = measured[work.phase]
            line += f"  {took:.1f} s, {took / least:.0f} x the floor"
        lines.append(line)
    return "\n".join([*lines, f"{'all':28} {'':9} {'':8} {whole:8.4f}"])


def started(step: Step) -> int:
    """Kernels that sampling launches in sequence without compilation; see `N_STARTED`.

    Example:
        >>> started(Step(prompts=1, replies=1, prompt_tokens=9, reply_tokens=10))
        14090
    """
    return step.reply_tokens * N_STARTED["lora" if step.lora else "full"]


def memory(shape: Shape, step: Step, *, pieces: int) -> dict[str, float]:
    """Bytes that a step holds at the same time, except the cache, which is freed before the update.

    `pieces` are the micro-batches of the update (`accumulation`).
    """
    tuned = shape.adapters(step.lora) if step.lora else shape.n_weights
    length = step.prompt_tokens + step.reply_tokens
    a_piece = step.rows * length / pieces / (1 - step.padding)
    inputs = shape.layers * shape.hidden * step.width
    kept = inputs if step.checkpointing else saved_bytes(shape, lora=step.lora)
    return {
        "weights": shape.n_weights * (2 if step.lora else 4) + (4 * tuned if step.lora else 0),
        "gradients and moments": 12.0 * tuned,
        "activations": a_piece * kept,
        "cache": float(step.rows * length * shape.kv_bytes(step.width)),
    }


def measured_machine(*, size: int = 1024, repeats: int = 5) -> Machine:
    """One core of this machine: a bfloat16 or float32 product, whichever is faster, and a copy.

    The fastest of `repeats` timings counts; the matrices are `size` x `size`.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        peaks = {}
        for dtype in (torch.float32, torch.bfloat16):
            a = torch.ones(size, size, dtype=dtype)
            product = _best(partial(torch.matmul, a, a), repeats)
            peaks[str(dtype).removeprefix("torch.")] = 2 * size**3 / product
        source = torch.ones(16 * size * size)  # 64 MB at the default size: no cache holds it
        target = torch.empty_like(source)
        copied = 2 * source.nbytes / _best(partial(target.copy_, source), repeats)
    finally:
        torch.set_num_threads(threads)
    best = max(peaks, key=lambda name: peaks[name])
    return Machine(
        name=f"one core of this machine, {best}", operations=peaks[best], bandwidth=copied
    )


def _best(work: Callable[[], object], repeats: int) -> float:
    """Seconds of the fastest repeat, after one warm-up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print the floors of a GRPO step and of a round of rejection sampling."""
    print(table(SMOLLM2, GRPO, H200))
    print(
        f"Sampling launches {started(GRPO):,} kernels in sequence: at 8 microseconds each, ", end=""
    )
    print(f"{started(GRPO) * 8e-6:.1f} s.")
    for name, n_bytes in memory(SMOLLM2, GRPO, pieces=8).items():
        print(f"  {name:24} {n_bytes / 1e9:6.2f} GB")
    print()
    print(table(SMOLLM2, REJECTION, measured_machine()))


if __name__ == "__main__":
    main()
