"""What does a hybrid cost beside plain greedy decoding of its base? (SmolLM2, batch of 8, CPU)

Another network of the same size is the tuned model, here SmolLM2 itself. Steered is at every step, the worst
case, and at 12 % of the tokens, the paper's highest rate, where some row of eight is steered at two steps in
three. Only the layers above the steered one, at 0.37 of the depth, run again.
"""

from dataclasses import dataclass

import torch

from benchmarks.ratio import Ratio, in_turn
from twofold.diagnostics.elicitation.hybrid.actions import Steer
from twofold.diagnostics.elicitation.hybrid.categories import OneLabel
from twofold.diagnostics.elicitation.hybrid.gates import AtRandom, Divergence, Gate
from twofold.diagnostics.elicitation.hybrid.probe import Probe
from twofold.diagnostics.elicitation.hybrid.routed_decode import Route, RoutedRow, decode_routed
from twofold.diagnostics.elicitation.hybrid.upper_layers import default_layer
from twofold.diagnostics.elicitation.hybrid.vectors import Vectors
from twofold.models.decode import PlannedRow, decode
from twofold.models.hf import HfModel
from twofold.types import Sampling

ROWS, PROMPT, NEW, ROUNDS, HIDDEN = 8, 24, 24, 3, 512
TWO_MODELS, PROBE = 2.7, 1.7
RATE = 0.12


@dataclass(frozen=True)
class Fires(Gate):
    """A gate that costs what `of` costs, and fires at a rate, since equal models never disagree."""

    kind = "fires"
    of: Gate
    rate: float

    @property
    def base_layers(self):
        return self.of.base_layers

    @property
    def needs_tuned(self):
        return self.of.needs_tuned

    def fires(self, step):
        return (self.of.fires(step) & False) | AtRandom(rate=self.rate).fires(step)


def measure():
    network = HfModel("smollm2").network.requires_grad_(False)
    rng = torch.Generator().manual_seed(0)
    prompts = torch.randint(10, 40_000, (ROWS, PROMPT), generator=rng).tolist()
    plain = [PlannedRow(tuple(ids), i, NEW) for i, ids in enumerate(prompts)]
    rows = [RoutedRow(tuple(ids), tuple(ids), i, NEW) for i, ids in enumerate(prompts)]
    greedy = Sampling(max_tokens=NEW)
    layer, width = default_layer(network.config.num_hidden_layers), network.config.hidden_size
    vectors = Vectors(1, width, layer=layer, n_hidden=HIDDEN).requires_grad_(False)
    vectors.vectors_KD.fill_(0.01)
    probe = Probe(layer, torch.zeros(width), 0.0)

    def theirs():
        return decode(network, plain, greedy, eos=())

    found = []
    for of, rate, limit in (
        (Divergence(), 1.0, TWO_MODELS),
        (Divergence(), RATE, TWO_MODELS),
        (probe, 1.0, PROBE),
        (probe, RATE, PROBE),
    ):
        route = Route(Fires(of, rate), Steer(vectors, OneLabel()))
        tuned = network if of.needs_tuned else None

        def ours(route=route, tuned=tuned):
            return decode_routed(network, tuned, rows, route, greedy, eos=())

        with torch.inference_mode():
            share = sum(each.n_acted for each in ours()) / (ROWS * NEW)
            theirs()
            mine, base = in_turn(ours, theirs, rounds=ROUNDS)
        gate = "two-model gate" if of.needs_tuned else "probe on the base"
        found.append(
            Ratio(
                name=f"hybrid, {gate}, {share:.0%} of the tokens steered, {ROWS} rows of {NEW} tokens",
                rounds=[a / b for a, b in zip(mine, base, strict=True)],
                limit=limit,
                ours=f"{min(mine) / NEW * 1e3:.0f} ms a step",
                theirs=f"{min(base) / NEW * 1e3:.0f} ms a step, greedy",
            )
        )
    return found
