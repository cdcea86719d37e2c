"""How does verl (0.9.1) use a scorer as its reward? By `compute_score`.

    reward.custom_reward_function.path=pkg://twofold.adapters.verl
    reward.custom_reward_function.name=compute_score
    reward.custom_reward_function.reward_kwargs.reward=soft_gate

verl has no word for "unscored". `compute_score` raises, and the reward managers `naive`, `dapo` and `gdpo`
let that stop the step. `prime` and `limited` catch every error and train on 0: do not use these two, nor
`compute_score_timeout`.
"""

from collections.abc import Sequence

from twofold.adapters.problems import problem_in
from twofold.adapters.reward import reward_function


def compute_score(
    data_source: object,
    solution_str: str,
    ground_truth: str,
    extra_info: object = None,
    *,
    reward: object = "soft_gate",
    prefilled: bool = False,
    thinking_marks: Sequence[str] | None = None,
    **_: object,
) -> dict[str, float | str]:
    """The reward of one reply, as verl calls it, with the same keys every time: verl stacks them.

    verl decodes replies without special tokens. Where the marks of a thought are special tokens, thought
    and reply cannot be told apart; then let verl's tokenizer keep them, or train without a thought.

    Args:
        data_source: Not read; verl logs by it.
        solution_str: The reply, thought included.
        ground_truth: The problem, as `twofold convert --to verl` writes it.
        extra_info: Not read.
        reward: What is rewarded; see `twofold.adapters.reward_function`.
        prefilled: The chat template opens the thought in the prompt.
        thinking_marks: What opens and closes a thought, if the known marks do not.

    Returns:
        `score` in [0, 1]; `unfinished`, 1 if the thought did not end (the score is then 0); `reason`.

    Raises:
        ScoringError: If the reply cannot be scored, or the ground truth is no problem.

    Source: verl 0.9.1, `verl/experimental/reward_loop/reward_manager/naive.py`.

    Example:
        >>> problem = '{"question": "7 + 5 = ?", "answer": "12"}'
        >>> compute_score("hand", "#### 12", problem, reward="correct")
        {'score': 1.0, 'unfinished': 0.0, 'reason': '12 = 12 (####)'}
    """
    rewards = reward_function(reward, prefilled=prefilled, thinking_marks=thinking_marks)
    (earned,) = rewards.earned([problem_in(ground_truth)], [solution_str])
    unfinished = float(earned.is_unfinished)
    return {"score": earned.score, "unfinished": unfinished, "reason": earned.reason}
