"""How are problems written for verl (0.9.1)? As Parquet, with the problem as the ground truth.

Source: verl 0.9.1, `verl/utils/dataset/rl_dataset.py`.
"""

import io
from collections.abc import Mapping

from twofold.adapters.data.conversion import Conversion, ability, source
from twofold.adapters.problems import problem_text
from twofold.errors import RunError

_REWARD = '''"""The reward of these problems in verl. Do not use its reward managers `prime` and `limited`.

    data.train_files=FOLDER/train.parquet
    reward.custom_reward_function.path=FOLDER/reward.py
    reward.custom_reward_function.name=compute_score
"""

from functools import partial

from twofold.adapters import verl
REGISTER
# More settings: prefilled=True where the chat template opens the thought in the prompt.
compute_score = partial(verl.compute_score, reward=REWARD)
'''


def files(made: Conversion) -> Mapping[str, bytes]:
    """`train.parquet` and `reward.py`. Raises a `RunError` if pyarrow is missing."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise RunError("verl reads Parquet; pip install 'twofold[hub]'") from error
    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    about = [("index", pa.int64()), ("id", pa.string()), ("split", pa.string())]
    columns = {
        "data_source": pa.string(),
        "prompt": pa.list_(message),
        "ability": pa.string(),
        "reward_model": pa.struct([("style", pa.string()), ("ground_truth", pa.string())]),
        "extra_info": pa.struct(about),
    }
    rows = [
        {
            "data_source": source(problem),
            "prompt": problem.messages(),
            "ability": ability(problem),
            "reward_model": {"style": "rule", "ground_truth": problem_text(problem)},
            "extra_info": {"index": i, "id": problem.id, "split": problem.tags.get("split", "")},
        }
        for i, problem in enumerate(made.problems)
    ]
    table = pa.Table.from_pylist(rows, schema=pa.schema(list(columns.items())))
    written = io.BytesIO()
    pq.write_table(table, written)
    return {"train.parquet": written.getvalue(), "reward.py": made.module(_REWARD)}
