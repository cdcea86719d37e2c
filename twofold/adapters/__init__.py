"""How does a trainer outside this package use one of our scorers as its reward?

One file a trainer, each over the same `RewardFunction`: `trl`, `verl`, `openrlhf`, `verifiers`,
`nemo_gym`, and `server` for everything that speaks HTTP. No file imports its trainer, and importing this
package does not import torch. `data` writes problems in each trainer's form.
"""

from twofold.adapters.problems import problem_in, problem_text
from twofold.adapters.reward import Earned, RewardFunction, reward_function
