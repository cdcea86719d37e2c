"""How long does a small autoencoder take on 200,000 activations of width 576?

The states are planted: three of 32 directions each, and noise. The time is process time, which other
programs hardly affect: on two cores that are free the clock shows less. The limit is 180 s.
"""

import time

import torch

from benchmarks.ratio import Ratio
from twofold.diagnostics.elicitation.sae.training import SaeTraining

N_STATES, WIDTH, N, K, LIMIT_S, ROUNDS = 200_000, 576, 32, 3, 180.0, 2


def states(noise: float) -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(N, WIDTH, generator=rng), dim=-1)
    found = noise * torch.randn(N_STATES, WIDTH, generator=rng) / WIDTH**0.5
    for part in found.split(20_000):
        chosen = torch.rand(len(part), N, generator=rng).topk(K).indices
        much = torch.rand(len(part), K, generator=rng) + 0.5
        part += torch.zeros(len(part), N).scatter_(1, chosen, much) @ directions
    return found + torch.randn(WIDTH, generator=rng)


def measure() -> list[Ratio]:
    found = []
    for noise in (0.3, 3.0):
        hidden, taken, told = states(noise), [], {}
        for _ in range(ROUNDS):
            start = time.process_time()
            told = dict(SaeTraining(n=N, k=K).train(hidden, layer=0).trained)
            taken.append(time.process_time() - start)
        found.append(
            Ratio(
                name=f"an autoencoder on {N_STATES:,} states of width {WIDTH}, noise {noise:g}",
                rounds=[each / LIMIT_S for each in taken],
                limit=1.0,
                ours=f"{min(taken):.0f} to {max(taken):.0f} s of process time, {told['n_epochs']} epochs, "
                f"{torch.get_num_threads()} thread(s), unexplained {told['unexplained_held_out']:.3f}",
                theirs=f"the limit, {LIMIT_S:.0f} s",
            )
        )
    return found
