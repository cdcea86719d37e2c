"""Which options does a command have for the servers that it names?"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

RequestOption = Annotated[
    list[str] | None,
    typer.Option(
        "--request",
        help="Parameter added to every request to a server, key=value with a JSON value or a text; "
        "null leaves one out. May be repeated.",
    ),
]
TimeoutOption = Annotated[
    float, typer.Option(min=0.1, max=1e6, help="Seconds that a server may take for one answer.")
]
ConcurrencyOption = Annotated[
    int, typer.Option(min=1, max=1024, help="Requests to a server at the same time.")
]

# The time for a request with all its retries, in time-outs.
_WITH_RETRIES = 7.5


def asks_servers(command: Callable[..., None]) -> Callable[..., None]:
    """The command with the options of `_settings`, which hold for every server that it names."""
    ours = inspect.signature(_settings, eval_str=True).parameters
    theirs = inspect.signature(command, eval_str=True).parameters

    @wraps(command)
    def asking(*given: Any, **options: Any) -> None:
        from twofold.models.openai.settings import asking_servers

        options |= zip(theirs, given, strict=False)
        with asking_servers(_settings(**{n: options.pop(n) for n in ours if n in options})):
            command(**options)

    by_name = [each.replace(kind=each.KEYWORD_ONLY) for each in theirs.values()]
    asking.__signature__ = inspect.Signature([*by_name, *ours.values()])  # type: ignore[attr-defined]
    return asking


def _settings(
    *,
    request: RequestOption = None,
    timeout: TimeoutOption = 600.0,
    concurrency: ConcurrencyOption = 8,
) -> Any:
    """The `ServerSettings` that the options stand for; a `ModelError` if a parameter cannot be read."""
    from twofold.models.openai.endpoint import Limits
    from twofold.models.openai.request import parameter
    from twofold.models.openai.settings import ServerSettings

    deadline = _WITH_RETRIES * timeout
    limits = Limits(concurrency=concurrency, timeout_s=timeout, deadline_s=deadline)
    return ServerSettings(limits=limits, request=dict(parameter(each) for each in request or ()))
