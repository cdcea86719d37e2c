"""What does a failed request mean for the others, and what can the user do?"""

from dataclasses import dataclass, field
from typing import Literal, final

from twofold.models.openai.endpoint import Endpoint
from twofold.models.openai.redaction import KEY_VARIABLE

GIVE_UP_AFTER = 5  # requests lost in a row, each after all its retries


@final
@dataclass(frozen=True)
class Failure:
    """A request without an answer after retries: its kind, the reason without secrets, the status.

    `unreachable`: no connection. `lost`: 408, 409, 429, 5xx, time-out, connection lost. `refused`:
    wrong key, path or model. `rejected`: this request is invalid (too long ...). `answer` is the
    error's body, parsed.
    """

    kind: Literal["unreachable", "lost", "refused", "rejected"]
    reason: str
    status: int | None = None
    answer: object = field(default=None, repr=False, compare=False)

    def remedy(self, endpoint: Endpoint) -> str:
        """What went wrong, and what to do about it."""
        if self.kind == "unreachable":
            advice = "is the server up, and is this its address?"
        elif self.status in (401, 403):
            advice = f"put the server's key into the environment variable {KEY_VARIABLE}"
        elif self.kind == "refused":
            advice = "check the model's name after '#', and the path (it usually ends in /v1)"
        else:
            advice = "try again when the server is ready"
        return f"{endpoint.url}: {self.reason}; {advice}"


@final
@dataclass
class CircuitBreaker:
    """Opens after `GIVE_UP_AFTER` lost requests, so that the remaining ones need not wait for retries."""

    answered: bool = False
    lost: int = 0

    @property
    def is_open(self) -> bool:
        """Whether the server is given up."""
        return self.lost >= GIVE_UP_AFTER

    def record_answer(self) -> None:
        """The server answered, which resets the count."""
        self.answered = True
        self.lost = 0

    def record_loss(self) -> None:
        """A request failed after all its retries."""
        self.lost += 1
