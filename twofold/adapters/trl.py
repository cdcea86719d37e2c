"""How does TRL (1.16) use a scorer as its reward? By `TrlReward`, which our own GRPO uses as well.

TRL knows None: an unscored reply has no advantage, so nothing is raised and nothing is a number.

    from trl import GRPOTrainer
    from twofold.adapters.trl import TrlReward
    from twofold.methods import Grpo
    from twofold.problems import load
    from twofold.scorers import SoftGate

    problems = tuple(load("synthetic:200:train", profile="fixed"))
    reward = TrlReward(SoftGate(), problems)
    trainer = GRPOTrainer(model, reward, train_dataset=Dataset.from_list(Grpo().rows(problems)))
"""

from twofold.methods.trl.reward import TrlReward

__all__ = ["TrlReward"]
