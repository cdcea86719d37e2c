"""What does a failed request mean for the others, and what can a person mend?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import final

from twofold.models.openai.endpoint import KEY_VARIABLE, Endpoint


class FailureKind(StrEnum):
    """What kind of failure a request met, after the retries that it was worth."""

    unreachable = "unreachable"  # no connection: nothing else will work either
    lost = "lost"  # 408, 409, 429, 5xx, time-out, connection lost
    refused = "refused"  # wrong key, path or model: a setting is wrong
    rejected = "rejected"  # this request is wrong (too long ...)


@final
@dataclass(frozen=True)
class Failure:
    """A request that gave no answer.

    Args:
        kind: What kind of failure it was.
        reason: One line, without secrets.
        status: The HTTP status; None if there was no HTTP answer.
    """

    kind: FailureKind
    reason: str
    status: int | None = None

    def remedy(self, endpoint: Endpoint) -> str:
        """What went wrong with the server, and what to do about it.

        Example:
            >>> failure = Failure(FailureKind.lost, "HTTP 503", 503)
            >>> print(failure.remedy(Endpoint("http://127.0.0.1:1/v1")))
            http://127.0.0.1:1/v1: HTTP 503; try again when the server is ready
        """
        if self.kind is FailureKind.unreachable:
            advice = "is the server up, and is this its address?"
        elif self.status in (401, 403):
            advice = f"put the server's key into the environment variable {KEY_VARIABLE}"
        elif self.kind is FailureKind.refused:
            advice = "check the model's name after '#', and the path (it usually ends in /v1)"
        else:
            advice = "try again when the server is ready"
        return f"{endpoint.url}: {self.reason}; {advice}"
