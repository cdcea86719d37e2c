"""`make bench`: time and memory, as ratios measured in one run on this machine.

Each figure is a ratio of two measurements taken alternately (A B A B ...), so that a noisy machine
affects both; the table has the median over the rounds and their range. A limit that does not hold
is printed as such, and the exit status is then 1. `python -m benchmarks coverage` simulates intervals and
tests instead; it takes some minutes and is not among the others.
"""

import sys

from benchmarks import (
    audit_overhead,
    battery,
    branch_scoring,
    grpo_step,
    head,
    hybrid,
    judging,
    llama,
    memory,
    merging,
    peers,
    rlag_step,
    sae_training,
    sampling,
    scoring,
    scoring_ifbench,
    sft_step,
    softcot,
    startup,
    verifiers,
)
from benchmarks.coverage.__main__ import main as simulate
from benchmarks.ratio import table

MODULES = {
    m.__name__.split(".")[1]: m
    for m in (
        startup,
        scoring,
        scoring_ifbench,
        peers,
        memory,
        merging,
        branch_scoring,
        battery,
        judging,
        verifiers,
        audit_overhead,
        sampling,
        llama,
        head,
        hybrid,
        sft_step,
        softcot,
        grpo_step,
        rlag_step,
        sae_training,
    )
}

if __name__ == "__main__":
    if sys.argv[1:2] == ["coverage"]:
        simulate(sys.argv[2:])
        sys.exit()
    chosen = sys.argv[1:] or list(MODULES)
    ratios = [ratio for name in chosen for ratio in MODULES[name].measure()]
    print(table(ratios))
    sys.exit(any(not ratio.holds for ratio in ratios))
