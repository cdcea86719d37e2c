"""How are many continuations of one chain scored after reading it once?

`branch_logprobs` scores branches at the cuts of one chain, `score` those of many chains in batches,
and `why_not` says why a network does not support it.
"""

from twofold.prefix_scoring.ability import NOISE, why_not
from twofold.prefix_scoring.scoring import branch_logprobs, score
from twofold.prefix_scoring.tree import Branch, Scored, Tree
