"""How does NeMo-Gym use a scorer as its reward? It posts a rollout to `/verify` of `twofold serve`.

NeMo-Gym needs a newer Python than a trainer beside us has, so nothing of it is imported. It has no word
for "unscored": the server answers 503, and no reward is in the body.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from twofold.adapters.problems import problem_in, problem_of_row
from twofold.adapters.reward import RewardFunction, reward_function
from twofold.errors import ProblemError, ScoringError
from twofold.problems.ifeval import IfevalRow
from twofold.problems.row import Origin, problem_of
from twofold.types import Problem

# What `grading_mode` of an instruction-following body asks for.
GRADING = {"binary": "compliant_all", "fraction": "compliant"}


def verify(body: Mapping[str, Any], rewards: RewardFunction) -> dict[str, Any]:
    """The answer to a body of `/verify`: the body with its reward.

    Args:
        body: `response`, an object of the Responses API, and `verifier_metadata` with either `problem` (as
            `twofold convert --to nemo-gym` writes it) or `instruction_id_list`, `prompt`, `kwargs` of
            NeMo-Gym's own instruction-following data; `grading_mode` (`binary` or `fraction`) then says
            how instructions count, in place of the reward.
        rewards: What is rewarded.

    Returns:
        The body, `reward` in [0, 1], `unfinished` (the thought did not end, so the reward is 0) and
        `reason`.

    Raises:
        ScoringError: If the reply cannot be scored, or the body holds no problem or no reply.

    Source: NeMo-Gym 07d6b0d, `resources_servers/instruction_following/app.py`.

    Example:
        >>> said = {"type": "message", "content": [{"type": "output_text", "text": "#### 12"}]}
        >>> asked = {"problem": '{"question": "7 + 5 = ?", "answer": "12"}'}
        >>> body = {"response": {"output": [said]}, "verifier_metadata": asked}
        >>> verify(body, reward_function("correct"))["reward"]
        1.0
    """
    return {**body, **judged(body, rewards)}


def judged(body: Mapping[str, Any], rewards: RewardFunction) -> dict[str, Any]:
    """What `verify` adds to a body; raises as it does."""
    rewards, problem = _asked(body, rewards)
    (earned,) = rewards.earned([problem], [said_in(body)])
    return {"reward": earned.score, "unfinished": earned.is_unfinished, "reason": earned.reason}


def _asked(body: Mapping[str, Any], rewards: RewardFunction) -> tuple[RewardFunction, Problem]:
    """What is rewarded, and the problem."""
    metadata = body.get("verifier_metadata")
    given = {**body, **metadata} if isinstance(metadata, Mapping) else body
    if isinstance(text := given.get("problem"), str):
        return rewards, problem_in(text)
    if isinstance(given.get("problem"), Problem):  # named by its id, and found
        return rewards, given["problem"]
    if isinstance(given.get("problem"), dict):
        return rewards, problem_of_row(given["problem"])
    if "instruction_id_list" not in given:
        raise ScoringError(
            "the body holds neither `problem` nor `instruction_id_list`; write the data with "
            "`twofold convert --to nemo-gym`"
        )
    mode = given.get("grading_mode")
    if mode is not None and mode not in [*GRADING]:
        raise ScoringError(f"grading_mode is {mode!r:.40}; use binary or fraction")
    if mode is not None:
        rewards = RewardFunction(reward_function(GRADING[mode]).scorer, rewards.policy)
    return rewards, _instructions(given)


def _instructions(given: Mapping[str, Any]) -> Problem:
    """The problem of NeMo-Gym's own instruction-following data, which are IFEval's."""
    row = {key: given.get(key) for key in ("prompt", "instruction_id_list", "kwargs")}
    if isinstance(row["kwargs"], Sequence):
        row["kwargs"] = [{} if each is None else each for each in row["kwargs"]]
    origin = Origin(where="verifier_metadata", file="", number=0)
    try:
        return problem_of(IfevalRow, row | {"key": 0}, profile="fixed", origin=origin)
    except (ProblemError, ValidationError) as error:
        raise ScoringError(str(error)) from error


def said_in(body: Mapping[str, Any]) -> dict[str, Any]:
    """The reply in a body: its last message, with the thoughts since the last call of a tool.

    Raises:
        ScoringError: If there is no output, or it is none of the Responses API.

    Example:
        >>> said_in({"response": {"output": [{"type": "reasoning", "summary": []}]}})
        {'role': 'assistant', 'content': [{'type': 'reasoning', 'summary': []}]}
    """
    response = body.get("response")
    output = response.get("output") if isinstance(response, Mapping) else None
    if not isinstance(output, list) or not all(isinstance(each, Mapping) for each in output):
        raise ScoringError(
            "response.output is no list of items; send an object of the Responses API"
        )
    if not output:
        raise ScoringError("response.output is empty, so there is no reply to score")
    kinds = [str(item.get("type", "message")) for item in output]
    other = [i for i, kind in enumerate(kinds) if kind not in ("message", "reasoning")]
    own = output[other[-1] + 1 :] if other else output
    if not own:
        return {"role": "assistant", "content": [output[-1]]}  # the call of a tool, or its result
    parts: list[Any] = [item for item in own[:-1] if item.get("type") == "reasoning"]
    content = own[-1].get("content")
    if kinds[-1] == "message":
        parts += content if isinstance(content, list) else [content]
    else:
        parts.append(own[-1])
    return {"role": "assistant", "content": parts}
