"""How much time does reading each prompt once, not once a reply, save for 8 x 8 replies? (SmolLM2, CPU)"""

from unittest import mock

import torch

from benchmarks.ratio import Ratio, in_turn
from twofold.models import decode, loading
from twofold.models.hf import HfModel
from twofold.problems import synthetic
from twofold.types import Sampling

PROMPTS, REPLIES, TOKENS, LIMIT, ROUNDS = 8, 8, 48, 0.8, 3


def measure():
    model = HfModel("smollm2", use_cache=False)
    asked = [p.messages() for p in synthetic.suite(PROMPTS, split="train")]
    sampling = Sampling(max_tokens=TOKENS, temperature=1.0)
    found = []
    for dtype in (torch.float32, *((torch.bfloat16,) if loading.multiplies_bfloat16() else ())):
        model.network.to(dtype)

        def once():
            return model.sample(asked, sampling, n=REPLIES)

        def every_time():
            with mock.patch.object(decode, "read_prompts", lambda *_: None):
                return model.sample(asked, sampling, n=REPLIES)

        pairs = [
            (a, b)
            for one, other in zip(once(), every_time(), strict=True)
            for a, b in zip(one, other, strict=True)
        ]
        same = sum(a.raw == b.raw for a, b in pairs)
        n = sum(len(a.ids or ()) for a, _ in pairs)
        mine, theirs = in_turn(once, every_time, rounds=ROUNDS)
        found.append(
            Ratio(
                name=f"64 replies of up to {TOKENS} tokens in {str(dtype)[6:]} ({same} of 64 the same)",
                rounds=[a / b for a, b in zip(mine, theirs, strict=True)],
                limit=LIMIT,
                ours=f"{min(mine) / n * 1e3:.1f} ms a token",
                theirs=f"{min(theirs) / n * 1e3:.1f} ms a token",
            )
        )
    return found
