"""How are problems written for NeMo-Gym? As JSON lines, with the problem in `verifier_metadata`.

IFEval's problems also get NeMo-Gym's own fields of instruction following, so its own server reads them too.
"""

from collections.abc import Mapping

from twofold.adapters.data.conversion import Conversion, jsonl
from twofold.adapters.problems import problem_text
from twofold.storage.jsonl import dumps
from twofold.types import Problem

_SERVE = """#!/bin/sh
# The reward of these problems for NeMo-Gym: its agents post rollouts to /verify of this server.
exec twofold serve --reward REWARD "$@"
"""


def files(made: Conversion) -> Mapping[str, bytes]:
    """`train.jsonl` and `serve.sh`."""
    reward = made.reward if isinstance(made.reward, str) else f"'{dumps(dict(made.reward))}'"
    rows = [
        {
            "id": i,
            "responses_create_params": {"input": each.messages()},
            "verifier_metadata": {"problem": problem_text(each), **_instructions(each)},
        }
        for i, each in enumerate(made.problems)
    ]
    return {"train.jsonl": jsonl(rows), "serve.sh": _SERVE.replace("REWARD", reward).encode()}


def _instructions(problem: Problem) -> dict[str, object]:
    """NeMo-Gym's own fields, where the question states its constraints."""
    if not problem.question_states_constraints:
        return {}
    return {
        "prompt": problem.question,
        "instruction_id_list": [each.name for each in problem.constraints],
        "kwargs": [each.args() for each in problem.constraints],
    }
