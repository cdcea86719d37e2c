"""What does a server say it serves, and what can a person mend when it says nothing?"""

from __future__ import annotations

from collections.abc import Callable

from twofold.errors import ModelError
from twofold.models.background import finished
from twofold.models.endpoint import KEY_VARIABLE, Endpoint, Limits
from twofold.models.retry import Answer, Failure, Fault

_KEEPS_NO_LIST = (404, 405, 500, 501)
_STABLE = ("id", "root", "parent", "owned_by", "max_model_len")


def listed_models(endpoint: Endpoint, limits: Limits) -> list[dict[str, object]]:
    """The models that a server lists, each with what stays the same from call to call.

    Servers put the time of the call and random ids into their lists; those are left out, because
    what is kept becomes part of a fingerprint.

    Args:
        endpoint: The server.
        limits: How long it may take.

    Returns:
        One entry a model, with `id` and, where given, `root`, `parent`, `owned_by` and
        `max_model_len`. Empty if the server keeps no list.

    Raises:
        ModelError: If the server cannot be reached, refuses the key, or is not ready yet.
    """
    from twofold.models.connection import connect

    async def ask(hand_over: Callable[[Answer | Failure], None]) -> None:
        async with connect(endpoint, limits) as connection:
            hand_over(await connection.send("GET", "/models"))

    (answer,) = finished(ask)
    if isinstance(answer, Failure):
        if answer.status in _KEEPS_NO_LIST:
            return []
        raise ModelError(remedy(endpoint, answer))
    data = answer.json.get("data") if isinstance(answer.json, dict) else None
    return [
        {key: entry[key] for key in _STABLE if entry.get(key) is not None}
        for entry in (data if isinstance(data, list) else [])
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    ]


def remedy(endpoint: Endpoint, failure: Failure) -> str:
    """What went wrong with a server, and what to do about it.

    Example:
        >>> print(remedy(Endpoint("http://127.0.0.1:1/v1"), Failure(Fault.busy, "HTTP 503")))
        http://127.0.0.1:1/v1: HTTP 503; try again when the server is ready
    """
    if failure.fault is Fault.unreachable:
        advice = "is the server up, and is this its address?"
    elif failure.status in (401, 403):
        advice = f"put the server's key into the environment variable {KEY_VARIABLE}"
    elif failure.fault is Fault.refused:
        advice = "check the model's name after '#', and the path (it usually ends in /v1)"
    else:
        advice = "try again when the server is ready"
    return f"{endpoint.url}: {failure.reason}; {advice}"
