"""How much time do whole rows save at the output head, which slices of hidden states would reach? (SmolLM2)

Without them each row is multiplied by itself, with the matrix read, on some CPUs copied, once a row.
The worst are CPUs with bfloat16 instructions.
"""

from contextlib import contextmanager

import torch

from benchmarks.ratio import Ratio, in_turn
from twofold.models import loading
from twofold.models.hf import HfModel

ROWS, PROMPT, NEW, LIMIT, ROUNDS = 32, 8, 2, 1.0, 5


@contextmanager
def _without(head):
    hooks = dict(head._forward_pre_hooks)
    head._forward_pre_hooks.clear()
    try:
        yield
    finally:
        head._forward_pre_hooks.update(hooks)


def measure():
    network = HfModel("smollm2").network.requires_grad_(False)
    head = network.get_output_embeddings()
    rng = torch.Generator().manual_seed(0)
    ids = torch.randint(10, 40_000, (ROWS, PROMPT), generator=rng)
    found = []

    def ratio(name, work):
        def bare():
            with _without(head):
                return work()

        with torch.inference_mode():
            apart = float((work().float() - bare().float()).abs().max())
            mine, theirs = in_turn(work, bare, rounds=ROUNDS)
        found.append(
            Ratio(
                name=f"{name} (differ by {apart:.1e})",
                rounds=[a / b for a, b in zip(mine, theirs, strict=True)],
                limit=LIMIT,
                ours=f"{min(mine):.3f} s",
                theirs=f"{min(theirs):.3f} s",
            )
        )

    for dtype in (torch.bfloat16, torch.float32):
        network.to(dtype)
        states = torch.randn(ROWS, PROMPT, head.in_features, generator=rng).to(dtype)
        ratio(
            f"the head on the last of {PROMPT} positions, {ROWS} rows, {str(dtype)[6:]}",
            lambda states=states: head(states[:, -1:]),
        )
    if loading.multiplies_bfloat16():
        network.to(torch.bfloat16)
    ratio(
        f"`generate`, as TRL calls it: {ROWS} prompts of {PROMPT} tokens, {NEW} new ones",
        lambda: network.generate(ids, max_new_tokens=NEW, do_sample=False, pad_token_id=2),
    )
    return found
