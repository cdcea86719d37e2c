"""What is served?"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

from twofold.adapters.reward import RewardFunction, reward_function


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


@final
@dataclass(frozen=True, kw_only=True)
class ServeSettings:
    """A reward that is served, and the limits of the service.

    Args:
        reward: A name, `package.module:Name`, or a mapping with a judge, as in a training file.
        problems: What `--problems` of `audit` takes, for requests that name a problem by its id; "" =
            every request brings its problem.
        concurrency: Checks at the same time, at least 1; each has a process of its own.
        timeout_s: Seconds for one check, above 0; then its process is killed and the reply unscored.
        prefilled: The chat template opens the thought in the prompt.
        thinking_marks: What opens and closes a thought, if the known marks do not.
        constraints: Constraints from outside the package that problems may name.
        log_texts: Whether the log holds what was asked; else it holds counts and times alone.
    """

    reward: str | Mapping[str, object] = "soft_gate"
    problems: str = ""
    concurrency: int = 1
    timeout_s: float = 60.0
    prefilled: bool = False
    thinking_marks: tuple[str, str] | None = None
    constraints: tuple[str, ...] = ()
    log_texts: bool = False

    def function(self) -> RewardFunction:
        """The reward. Raises a `ScoringError` if there is none of that name."""
        return reward_function(
            self.reward, prefilled=self.prefilled, thinking_marks=self.thinking_marks
        )
