"""How are problems written for Inspect (0.3.285)? As a task and its samples.

Source: inspect_ai 0.3.285, `inspect_ai/scorer`.
"""

from collections.abc import Mapping

from twofold.adapters.data.conversion import Conversion, jsonl, own_rows

_TASK = '''"""A task of Inspect, from this folder: `inspect eval task.py --model ...`.

A reply that cannot be scored has the value NaN: Inspect leaves it out of the mean and counts it as unscored.
"""

import json
from math import nan
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import Sample
from inspect_ai.model import ChatMessageUser
from inspect_ai.scorer import Score, Target, mean, scorer, stderr
from inspect_ai.solver import TaskState, generate

from twofold.adapters import problem_in, reward_function
REGISTER

@scorer(metrics=[mean(), stderr()])
def NAME():
    """REWARD of twofold."""
    reward = reward_function(REWARD)

    async def score(state: TaskState, target: Target) -> Score:
        problem = problem_in(state.metadata["problem"])
        said = state.output.message.model_dump() if state.output.choices else []
        (verdict,) = reward.verdicts([problem], [said])
        value = nan if verdict.score is None else verdict.score
        return Score(value=value, explanation=verdict.reason)

    return score


@task
def twofold_NAME():
    """The problems of samples.jsonl."""
    with Path(__file__).with_name("samples.jsonl").open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    samples = [
        Sample(
            input=[ChatMessageUser(content=turn["content"]) for turn in row["prompt"]],
            id=row["id"],
            metadata={"problem": row["problem"]},
        )
        for row in rows
    ]
    return Task(dataset=samples, solver=generate(), scorer=NAME())
'''


def files(made: Conversion) -> Mapping[str, bytes]:
    """`samples.jsonl` and `task.py`."""
    return {"samples.jsonl": jsonl(own_rows(made.problems)), "task.py": made.module(_TASK)}
