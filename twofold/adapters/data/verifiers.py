"""How are problems written for verifiers (0.4) and prime-rl? As a taskset, and its tasks in JSON lines.

Source: verifiers 0.4.0, `verifiers/v1/taskset.py`.
"""

from collections.abc import Mapping

from twofold.adapters.data.conversion import Conversion, jsonl, own_rows

_TASKSET = '''"""A taskset of verifiers; its id is `twofold_tasks` where `PYTHONPATH=FOLDER`.

A check that failed makes the rollout an error (`task_error`), which must not be trained on.
"""

import json
from pathlib import Path

import verifiers.v1 as vf

from twofold.adapters import verifiers
REGISTER
__all__ = ["TwofoldTaskset"]


class TwofoldData(vf.TaskData):
    """A task's prompt, and its problem as twofold writes it."""

    problem: str


class TwofoldTask(vf.Task[TwofoldData]):
    """A problem, rewarded by twofold."""

    @vf.reward(weight=1.0)
    async def NAME(self, trace: vf.Trace, task: TwofoldData) -> float:
        return await verifiers.score(trace, task, reward=REWARD)


class TwofoldTaskset(vf.Taskset[TwofoldTask, vf.TasksetConfig]):
    """The problems of tasks.jsonl."""

    def load(self):
        with Path(__file__).with_name("tasks.jsonl").open(encoding="utf-8") as file:
            for line in file:
                yield TwofoldTask(TwofoldData(**json.loads(line)), self.config.task)
'''


def files(made: Conversion) -> Mapping[str, bytes]:
    """`tasks.jsonl` and `twofold_tasks.py`."""
    tasks = jsonl(own_rows(made.problems))
    return {"tasks.jsonl": tasks, "twofold_tasks.py": made.module(_TASKSET)}
