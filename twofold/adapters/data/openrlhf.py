"""How are problems written for OpenRLHF (0.11.2)? As JSON lines, with the problem as the label.

Source: OpenRLHF 0.11.2, `openrlhf/datasets/prompts_dataset.py`.
"""

from collections.abc import Mapping

from twofold.adapters.data.conversion import Conversion, jsonl, source
from twofold.adapters.problems import problem_text

_REWARD = '''"""The reward of these problems in OpenRLHF.

    --data.prompt_dataset FOLDER/train.jsonl --data.input_key input --data.label_key label
    --data.apply_chat_template --reward.remote_url FOLDER/reward.py

Over HTTP: `twofold serve --reward ...` and --reward.remote_url http://HOST:PORT/openrlhf
"""

from functools import partial

from twofold.adapters import openrlhf
REGISTER
reward_func = partial(openrlhf.reward_func, reward=REWARD)
'''


def files(made: Conversion) -> Mapping[str, bytes]:
    """`train.jsonl` and `reward.py`."""
    rows = [
        {"input": each.messages(), "label": problem_text(each), "datasource": source(each)}
        for each in made.problems
    ]
    return {"train.jsonl": jsonl(rows), "reward.py": made.module(_REWARD)}
