"""One-pass scoring of many branches over a shared prefix: what every diagnostic of a chain stands on.

| question | piece |
|---|---|
| how likely is each branch at each cut of one chain? | `branch_logprobs` |
| the same for many chains, batched, with what the model itself would have said | `score` |
| can this network branch, and if not, why? | `why_not` |
"""

from twofold.prefix_scoring.ability import NOISE, why_not
from twofold.prefix_scoring.scoring import branch_logprobs, score
from twofold.prefix_scoring.tree import Branch, Scored, Tree

__all__ = ["NOISE", "Branch", "Scored", "Tree", "branch_logprobs", "score", "why_not"]
