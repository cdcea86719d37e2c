"""How do verifiers (0.4, `import verifiers.v1 as vf`) and prime-rl use a scorer as their reward?

    class MyTask(vf.Task[MyData]):  # MyData has a field `problem: str`
        @vf.reward
        async def soft_gate(self, trace: vf.Trace, task: MyData) -> float:
            return await score(trace, task, reward="soft_gate")

`twofold convert --to verifiers` writes such a taskset. A check that failed raises; verifiers then marks the
rollout as an error (`task_error`), and prime-rl trains on the rest of the group (prime-rl#2590). The sum
`trace.reward` of such a rollout reads 0: a loop of your own must look at `trace.ok`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Protocol

from twofold.adapters.problems import problem_in
from twofold.adapters.reward import reward_function
from twofold.errors import ScoringError


class Trace(Protocol):
    """What is read of a `vf.Trace`."""

    @property
    def root_reply(self) -> str | None:
        """The reply where a harness has named one."""

    @property
    def assistant_messages(self) -> Sequence[Any]:
        """The sampled messages, in order."""


class TaskData(Protocol):
    """What is read of a task's data: the problem, as `problem_text` writes it."""

    @property
    def problem(self) -> str:
        """The problem."""


async def score(
    trace: Trace,
    task: TaskData,
    *,
    reward: object = "soft_gate",
    prefilled: bool = False,
    thinking_marks: Sequence[str] | None = None,
) -> float:
    """The reward of a rollout's last reply, in [0, 1]; the check runs in a thread.

    A thought that the server parsed apart (`reasoning_content`) and no reply to it is unfinished: 0.

    Args:
        trace: The rollout.
        task: The task's data.
        reward: What is rewarded; see `twofold.adapters.reward_function`.
        prefilled: The chat template opens the thought in the prompt, and the server returns it unparsed.
        thinking_marks: What opens and closes a thought, if the known marks do not.

    Raises:
        ScoringError: If the reply cannot be scored, or there is none.

    Source: verifiers 0.4.0, `verifiers/v1/task.py` (`Task.score`).

    Example:
        >>> from types import SimpleNamespace
        >>> trace = SimpleNamespace(root_reply="#### 12", assistant_messages=[])
        >>> task = SimpleNamespace(problem='{"question": "7 + 5 = ?", "answer": "12"}')
        >>> asyncio.run(score(trace, task, reward="correct"))
        1.0
    """
    rewards = reward_function(reward, prefilled=prefilled, thinking_marks=thinking_marks)
    problem, said = problem_in(task.problem), _said(trace)
    (earned,) = await asyncio.to_thread(rewards.earned, [problem], [said])
    return earned.score


def _said(trace: Trace) -> object:
    """The last reply, with its thought where the server parsed it apart."""
    if trace.root_reply is not None:
        return trace.root_reply
    if not trace.assistant_messages:
        raise ScoringError("the rollout holds no reply; see its errors in traces.jsonl")
    last = trace.assistant_messages[-1]
    keys = ("content", "reasoning_content", "tool_calls")
    return {"role": "assistant"} | {key: getattr(last, key, None) for key in keys}
