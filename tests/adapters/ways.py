"""Every way from a problem and a reply to a reward, each asked as its trainer asks it."""

import asyncio
import inspect
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

from twofold.adapters import nemo_gym, openrlhf, problem_text, reward_function, verifiers, verl
from twofold.adapters.trl import TrlReward
from twofold.methods.rewards import reward as scorer_named
from twofold.models.thinking import ThinkingPolicy
from twofold.types import Problem

Ask = Callable[..., float | None]


@dataclass(frozen=True)
class Way:
    """A trainer: how it is asked, and whether it knows None."""

    name: str
    ask: Ask
    knows_none: bool = False


def plain(problem: Problem, text: str, *, reward: object, prefilled: bool = False) -> float | None:
    return reward_function(reward, prefilled=prefilled)(problem, text)


def trl(problem: Problem, text: str, *, reward: object, prefilled: bool = False) -> float | None:
    policy = ThinkingPolicy(prefilled=prefilled)
    rewards = TrlReward(scorer_named(reward), (problem,), policy)
    said = [[{"role": "assistant", "content": text}]]
    (found,) = rewards(
        prompts=[problem.messages()],
        completions=said,
        completion_ids=[[1]],
        problem=[problem.id],
        trainer_state=None,
        log_extra=None,
        log_metric=lambda name, value: None,
    )
    return found


def verl_loop(
    problem: Problem, text: str, *, reward: object, prefilled: bool = False, **more: Any
) -> float | None:
    """verl's `naive` manager of 0.9.1: settings bound first, then called by name in a thread."""
    bound = partial(verl.compute_score, reward=reward, prefilled=prefilled)
    assert not inspect.iscoroutinefunction(bound)
    extra_info = {"num_turns": None, "rollout_reward_scores": {}}

    async def run_single() -> Mapping[str, Any]:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1) as pool:
            call = partial(
                bound,
                data_source="twofold",
                solution_str=text,
                ground_truth=problem_text(problem),
                extra_info=extra_info,
                **more,
            )
            return await loop.run_in_executor(pool, call)

    found = asyncio.run(run_single())
    assert set(found) == {"score", "unfinished", "reason"}
    return found["score"]


def chatml(problem: Problem, prefilled: bool = False) -> str:
    turns = "".join(
        f"<|im_start|>{m['role']}\n{m['content']}<|im_end|>\n" for m in problem.messages()
    )
    return f"{turns}<|im_start|>assistant\n" + ("<think>\n" if prefilled else "")


def openrlhf_thread(
    problem: Problem, text: str, *, reward: object, prefilled: bool = False
) -> float | None:
    """OpenRLHF's executor: one query a call, in a thread; then a tensor of the number."""
    import torch

    prompt = chatml(problem, prefilled)
    call = partial(openrlhf.reward_func, reward=reward)
    found = asyncio.run(
        asyncio.to_thread(call, [f"{prompt}{text}<|im_end|>"], [prompt], [problem_text(problem)])
    )
    logged = found["extra_logs"]["unfinished"].flatten()[0].item()
    value = torch.tensor([found["rewards"]])
    assert value.shape == (1,) and torch.equal(value, torch.tensor([found["scores"]]))
    assert logged in (0.0, 1.0)
    return round(float(value), 6)


def openrlhf_body(
    problem: Problem, text: str, *, reward: object, prefilled: bool = False
) -> float | None:
    prompt = chatml(problem, prefilled)
    body = {
        "query": [f"{prompt}{text}<|im_end|>"],
        "prompts": [prompt],
        "labels": [problem_text(problem)],
    }
    found: Any = openrlhf.remote(body, reward_function(reward))
    return found["rewards"][0]


def verifiers_task(
    problem: Problem, text: str, *, reward: object, prefilled: bool = False
) -> float | None:
    message = SimpleNamespace(content=text, reasoning_content=None, tool_calls=None)
    trace = SimpleNamespace(root_reply=None, assistant_messages=[message])
    task = SimpleNamespace(problem=problem_text(problem))
    return asyncio.run(verifiers.score(trace, task, reward=reward, prefilled=prefilled))


def nemo_body(
    problem: Problem, text: str, *, reward: object, prefilled: bool = False
) -> float | None:
    said = {"type": "message", "role": "assistant", "status": "completed", "id": "m"}
    said["content"] = [{"type": "output_text", "text": text, "annotations": []}]
    body = {
        "responses_create_params": {"input": problem.messages()},
        "response": {"id": "r", "object": "response", "output": [said]},
        "verifier_metadata": {"problem": problem_text(problem)},
    }
    found = nemo_gym.verify(body, reward_function(reward, prefilled=prefilled))
    assert {key: found[key] for key in body} == body
    return found["reward"]


WAYS = (
    Way("plain", plain, knows_none=True),
    Way("trl", trl, knows_none=True),
    Way("verl", verl_loop),
    Way("openrlhf", openrlhf_thread),
    Way("openrlhf-remote", openrlhf_body),
    Way("verifiers", verifiers_task),
    Way("nemo-gym", nemo_body),
)
