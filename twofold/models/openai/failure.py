"""What does a failed request mean for the others, and what can the user do?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import final

from twofold.models.openai.endpoint import KEY_VARIABLE, Endpoint


class FailureKind(StrEnum):
    """The kind of a failure, after retries."""

    unreachable = "unreachable"  # no connection
    lost = "lost"  # 408, 409, 429, 5xx, time-out, connection lost
    refused = "refused"  # wrong key, path or model
    rejected = "rejected"  # this request is invalid (too long ...)


@final
@dataclass(frozen=True)
class Failure:
    """A request without an answer: its kind, a reason without secrets, and the HTTP status if any."""

    kind: FailureKind
    reason: str
    status: int | None = None

    def remedy(self, endpoint: Endpoint) -> str:
        """What went wrong, and what to do about it."""
        if self.kind is FailureKind.unreachable:
            advice = "is the server up, and is this its address?"
        elif self.status in (401, 403):
            advice = f"put the server's key into the environment variable {KEY_VARIABLE}"
        elif self.kind is FailureKind.refused:
            advice = "check the model's name after '#', and the path (it usually ends in /v1)"
        else:
            advice = "try again when the server is ready"
        return f"{endpoint.url}: {self.reason}; {advice}"
