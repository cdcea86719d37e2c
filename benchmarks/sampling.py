"""How much time does reading once save: each of 8 prompts for 8 replies, and the examples before 16 prompts?

SmolLM2 on the CPU. Without it, a prompt is read for every reply, and examples for every prompt.
"""

from unittest import mock

import torch

from benchmarks.ratio import Ratio, in_turn
from twofold.models import decode, loading
from twofold.models.hf import HfModel
from twofold.problems import synthetic
from twofold.types import Sampling

PROMPTS, REPLIES, TOKENS, LIMIT, ROUNDS = 8, 8, 48, 0.8, 3
AFTER, EXAMPLES, LIMIT_AFTER = 16, 4, 0.6


def examples():
    """Four solved problems as the turns before a problem: about 400 tokens."""
    solved = [(p.messages(), p.answer) for p in synthetic.suite(EXAMPLES, split="train")]
    asked = [p.messages() for p in synthetic.suite(AFTER, split="test")]
    before = [
        turn
        for question, answer in solved
        for turn in (*question, {"role": "assistant", "content": f"\\boxed{{{answer}}}"})
    ]
    return [[*before, *question] for question in asked]


def measure():
    model = HfModel("smollm2", use_cache=False)
    asked = [p.messages() for p in synthetic.suite(PROMPTS, split="train")]
    every_time = mock.patch.object(decode, "read_prompts", lambda *_: None)
    every_prompt = mock.patch.object(decode, "LEAST_SHARED", 10**9)
    for dtype in (torch.float32, *((torch.bfloat16,) if loading.multiplies_bfloat16() else ())):
        model.network.to(dtype)
        yield ratio(model, asked, REPLIES, every_time, "64 replies", LIMIT)
        yield ratio(model, examples(), 1, every_prompt, "16 replies after examples", LIMIT_AFTER)


def ratio(model, asked, n, without, name, limit):
    sampling = Sampling(max_tokens=TOKENS, temperature=1.0)

    def once():
        return model.sample(asked, sampling, n=n)

    def again():
        with without:
            return model.sample(asked, sampling, n=n)

    pairs = [
        (a, b)
        for one, other in zip(once(), again(), strict=True)
        for a, b in zip(one, other, strict=True)
    ]
    same = sum(a.raw == b.raw for a, b in pairs)
    tokens = sum(len(a.ids or ()) for a, _ in pairs)
    mine, theirs = in_turn(once, again, rounds=ROUNDS)
    return Ratio(
        name=f"{name} of up to {TOKENS} tokens in {str(model.network.dtype)[6:]} "
        f"({same} of {len(pairs)} the same)",
        rounds=[a / b for a, b in zip(mine, theirs, strict=True)],
        limit=limit,
        ours=f"{min(mine) / tokens * 1e3:.1f} ms a token",
        theirs=f"{min(theirs) / tokens * 1e3:.1f} ms a token",
    )
