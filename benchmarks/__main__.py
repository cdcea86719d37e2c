"""`make bench`: what speed and memory cost, as ratios measured in one run on this machine.

Every figure is a ratio of two things measured in turn, A B A B ..., so that it holds on a noisy
machine; the median over the rounds is printed beside their spread. Nothing is asserted here: a
limit that does not hold is printed as such, and the exit status says so.
"""

import sys

from benchmarks import (
    audit_overhead,
    battery,
    branch_scoring,
    grpo_step,
    judging,
    memory,
    sampling,
    scoring,
    sft_step,
    startup,
    verifiers,
)
from benchmarks.ratio import table

MODULES = {
    m.__name__.split(".")[1]: m
    for m in (
        startup,
        scoring,
        memory,
        branch_scoring,
        battery,
        judging,
        verifiers,
        audit_overhead,
        sampling,
        sft_step,
        grpo_step,
    )
}

if __name__ == "__main__":
    chosen = sys.argv[1:] or list(MODULES)
    ratios = [ratio for name in chosen for ratio in MODULES[name].measure()]
    print(table(ratios))
    sys.exit(any(not ratio.holds for ratio in ratios))
