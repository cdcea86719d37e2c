"""Branches at many cuts of one chain: how much faster is one pass than a forward for each cut? (SmolLM2)"""

import json
import subprocess
import sys

import numpy as np
import torch

from benchmarks.ratio import Ratio, in_turn

SIZES = ((400, 24, 1 / 8), (1600, 100, 1 / 25))
N_BRANCH, N_PROMPT = 8, 80  # SmolLM2's own prompt for a word problem has about 80 tokens

CHILD = """
import json, sys
import torch
from benchmarks.branch_scoring import chain, ours
from twofold.models.hf import HfModel
torch.set_num_threads(1)
model, n, n_cuts = HfModel("smollm2"), int(sys.argv[2]), int(sys.argv[3])
model.network
high = lambda: int(next(l for l in open("/proc/self/status") if l.startswith("VmHWM")).split()[1])
before = high()
if sys.argv[1] == "forward":
    with torch.inference_mode():
        model.network(torch.tensor([chain(n)]))
else:
    ours(model, n, n_cuts)
print(json.dumps([before / 1024, high() / 1024]))
"""


def chain(n):
    """Random token ids for a prompt and a chain of `n` tokens; the cost does not depend on them."""
    return [int(i) for i in np.random.default_rng(0).integers(10, 40_000, N_PROMPT + n)]


def cuts(n, n_cuts):
    """Cuts evenly spaced over the chain, from its beginning to its end."""
    return [N_PROMPT + int(c) for c in np.linspace(0, n, n_cuts)]


BRANCH = [int(i) for i in np.random.default_rng(1).integers(10, 40_000, N_BRANCH)]


def ours(model, n, n_cuts):
    from twofold.prefix_scoring import branch_logprobs

    return [at[0] for at in branch_logprobs(model, chain(n), cuts(n, n_cuts), [BRANCH])]


def per_cut(model, n, n_cuts):
    """One forward for each cut, as usual implementations do; logits for the branch only."""
    found = []
    with torch.inference_mode():
        for cut in cuts(n, n_cuts):
            ids = torch.tensor([[*chain(n)[:cut], *BRANCH]])
            logits = model.network(ids, logits_to_keep=N_BRANCH + 1).logits[0, :-1]
            logprobs = logits.float().log_softmax(-1)
            found.append(logprobs[range(N_BRANCH), BRANCH].numpy())
    return found


def measure():
    from twofold.models.hf import HfModel
    from twofold.prefix_scoring import why_not

    model = HfModel("smollm2")
    assert not why_not(model.network)
    out = []
    for n, n_cuts, limit in SIZES:
        rounds = 3 if n < 1000 else 1
        apart = max(
            float(np.abs(a - b).max())
            for a, b in zip(ours(model, n, n_cuts), per_cut(model, n, n_cuts), strict=True)
        )
        mine, theirs = in_turn(
            lambda n=n, k=n_cuts: ours(model, n, k),
            lambda n=n, k=n_cuts: per_cut(model, n, k),
            rounds=rounds,
        )
        out.append(
            Ratio(
                name=f"branches at {n_cuts} cuts of {n} tokens (differ by {apart:.1e} nats a token)",
                rounds=[a / b for a, b in zip(mine, theirs, strict=True)],
                limit=limit,
                ours=f"{min(mine):.2f} s",
                theirs=f"{min(theirs):.2f} s, a forward a cut",
            )
        )
        out.append(_memory(n, n_cuts))
    return out


def _memory(n, n_cuts):
    """Peak memory above the loaded model."""
    grown = {}
    for way in ("ours", "forward"):
        asked = [sys.executable, "-c", CHILD, way, str(n), str(n_cuts)]
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
        before, after = json.loads(done.stdout.strip().splitlines()[-1])
        grown[way] = (after, after - before)
    return Ratio(
        name=f"peak memory of the process, {n_cuts} cuts of {n} tokens",
        rounds=[grown["ours"][0] / grown["forward"][0]],
        limit=1.5,
        ours=f"{grown['ours'][0]:.0f} MiB ({grown['ours'][1]:.0f} above the loaded model)",
        theirs=f"{grown['forward'][0]:.0f} MiB, one forward ({grown['forward'][1]:.0f} above)",
    )
