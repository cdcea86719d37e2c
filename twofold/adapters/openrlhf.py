"""How does OpenRLHF (0.11.2) use a scorer as its reward? By `reward_func`, in its process or over HTTP.

OpenRLHF has no word for "unscored". `reward_func` raises; OpenRLHF logs that, leaves the sample without
a reward, and stops when the batch is put together. Over HTTP (`twofold serve`) a reply that cannot be
scored is an answer 503, which is asked for five times and then ends in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from twofold.adapters.problems import problem_in
from twofold.adapters.reward import Earned, RewardFunction, reward_function
from twofold.errors import ScoringError
from twofold.models.thinking.marks import BRACKETS
from twofold.models.thinking.templates import detect

if TYPE_CHECKING:
    import torch

# What ends a turn or a text in the usual tokenizers. OpenRLHF decodes with special tokens.
END_MARKS = (
    *("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "</s>"),
    *("<end_of_turn>", "<eos>", "<|end|>", "<|return|>", "<|eot|>", "<|END_OF_TURN_TOKEN|>"),
    *("<｜end▁of▁sentence｜>", "<|end_of_role|>", "<|user|>", "<|eos|>", "<pad>", "<|pad|>"),
)

# What ends a mark: a prompt whose last character is another opens no thought.
_BRACKETS = frozenset(right[-1] for right in BRACKETS.values())

# Characters of a prompt that was cut which must be left, so that they are not found by chance.
_LEAST_PROMPT = 20


def reward_func(
    queries: Sequence[str],
    prompts: Sequence[str],
    labels: Sequence[str],
    *,
    reward: object = "soft_gate",
    prefilled: bool = False,
    thinking_marks: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The rewards of some replies, as OpenRLHF calls it.

    Args:
        queries: Prompt and reply, with special tokens.
        prompts: The prompts. One that opens a thought at its end is recognised.
        labels: The problems, as `twofold convert --to openrlhf` writes them (`--data.label_key label`).
        reward: What is rewarded; see `twofold.adapters.reward_function`.
        prefilled: The chat template opens the thought in the prompt, in a way that is not recognised.
        thinking_marks: What opens and closes a thought, if the known marks do not.

    Returns:
        `rewards` and `scores`, one number in [0, 1] each, and `extra_logs` with `unfinished`: 1 where
        the thought did not end (the reward is then 0). All are float tensors.

    Raises:
        ScoringError: If a reply cannot be scored, a label is no problem, torch is missing, or a query does
            not begin with its prompt.

    Source: OpenRLHF 0.11.2, `openrlhf/utils/agent.py`.

    Example:
        >>> label = '{"question": "7 + 5 = ?", "answer": "12"}'
        >>> reward_func(["7 + 5 = ?#### 12</s>"], ["7 + 5 = ?"], [label])["rewards"]  # needs torch
        tensor([1.])
    """
    rewards = reward_function(reward, prefilled=prefilled, thinking_marks=thinking_marks)
    return answer(earned(rewards, queries, prompts, labels), _tensor)


def remote(body: Mapping[str, Sequence[str]], rewards: RewardFunction) -> dict[str, object]:
    """The answer to the body that OpenRLHF posts to `--reward.remote_url`: `query`, `prompts`, `labels`.

    Raises:
        ScoringError: As `reward_func`; the caller answers with a status of failure, not with a number.

    Example:
        >>> label = '{"question": "7 + 5 = ?", "answer": "12"}'
        >>> body = {"query": ["Q#### 12</s>"], "prompts": ["Q"], "labels": [label]}
        >>> remote(body, reward_function("correct"))["rewards"]
        [1.0]
    """
    return answer(earned(rewards, body["query"], body["prompts"], body["labels"]), list)


def answer(found: Sequence[Earned], column: Any) -> dict[str, Any]:
    """The mapping that OpenRLHF reads; `column` makes each list of numbers what the caller needs."""
    scores = [each.score for each in found]
    logs = {"unfinished": column([float(each.is_unfinished) for each in found])}
    return {"rewards": column(scores), "scores": column(scores), "extra_logs": logs}


def earned(
    rewards: RewardFunction, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[str]
) -> list[Earned]:
    """What each reply earned; raises as `reward_func`."""
    if not len(queries) == len(prompts) == len(labels):
        raise ScoringError(
            f"{len(queries)} queries, {len(prompts)} prompts and {len(labels)} labels; give one of each"
        )
    found = []
    for query, prompt, label in zip(queries, prompts, labels, strict=True):
        policy = rewards.policy
        if prompt.rstrip()[-1:] in _BRACKETS and not policy.prefilled:
            policy = detect("", prompt, named=policy)
        read = replace(rewards, policy=policy)
        found += read.earned([problem_in(label)], [reply_in(query, prompt)])
    return found


def reply_in(query: str, prompt: str) -> str:
    """The reply in a query: what follows the prompt, without the marks at its end.

    OpenRLHF cuts a long prompt at its front, so the query may begin with the end of the prompt only.

    Raises:
        ScoringError: If the query does not begin with the prompt or with an end of it.

    Example:
        >>> reply_in("<|user|>Hi<|assistant|>Hello.<|im_end|>", "<|user|>Hi<|assistant|>")
        'Hello.'
    """
    cuts = range(max(1, len(prompt) - _LEAST_PROMPT + 1))
    start = next((i for i in cuts if query.startswith(prompt[i:])), None)
    if start is None:
        raise ScoringError(
            f"the query {query!r:.40} does not begin with its prompt {prompt!r:.40}, so the reply in it "
            "is not known; do not change the prompt after the chat template"
        )
    reply = query[len(prompt) - start :]
    while ended := next((mark for mark in END_MARKS if reply.rstrip().endswith(mark)), ""):
        reply = reply.rstrip().removesuffix(ended)
    return reply


def _tensor(values: list[float]) -> torch.Tensor:
    try:
        import torch
    except ImportError as error:
        raise ScoringError("OpenRLHF takes tensors; pip install 'twofold[hf]'") from error
    return torch.tensor(values, dtype=torch.float32)
