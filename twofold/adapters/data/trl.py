"""How are problems written for TRL (1.16)? As JSON lines with ids, and the problems beside them."""

from collections.abc import Mapping

from twofold.adapters.data.conversion import Conversion, jsonl
from twofold.problems.io import rows_of

_REWARD = '''"""The reward of these problems in TRL's GRPO and RLOO.

    from datasets import load_dataset
    from reward import NAME

    rows = load_dataset("json", data_files="FOLDER/train.jsonl", split="train")
    trainer = GRPOTrainer(model, NAME, train_dataset=rows)
"""

from pathlib import Path

from twofold.adapters import reward_function
from twofold.adapters.trl import TrlReward
from twofold.problems import read
REGISTER
_PROBLEMS = tuple(read(Path(__file__).with_name("problems.jsonl"), profile="fixed"))
NAME = TrlReward(reward_function(REWARD).scorer, _PROBLEMS)
'''


def files(made: Conversion) -> Mapping[str, bytes]:
    """`train.jsonl`, `problems.jsonl` and `reward.py`."""
    rows = [{"prompt": each.messages(), "problem": each.id} for each in made.problems]
    return {
        "train.jsonl": jsonl(rows),
        "problems.jsonl": jsonl(rows_of(made.problems)),
        "reward.py": made.module(_REWARD),
    }
