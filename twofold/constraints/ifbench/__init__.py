"""The 58 test types of IFBench and the 29 training types published beside them.

Facts of allenai/IFBench (revision db69a6f) and open-instruct's IFEvalG (e6c3044), in our own code: one
family of rules a file. Source: https://arxiv.org/abs/2507.02833.
"""

from twofold.constraints.ifbench import (
    brackets,
    copies,
    counts,
    first_and_last,
    keyword_counts,
    layout,
    letter_counts,
    letters,
    lines,
    listings,
    marks,
    phrases,
    positions,
    ratios,
    sentence_shape,
    tables,
)

FAMILIES = (
    brackets,
    copies,
    counts,
    first_and_last,
    keyword_counts,
    layout,
    letter_counts,
    letters,
    lines,
    listings,
    marks,
    phrases,
    positions,
    ratios,
    sentence_shape,
    tables,
)
