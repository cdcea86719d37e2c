"""Which options does a command have for the servers that it names?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

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


def ask_servers(
    context: typer.Context, request: Sequence[str] | None, timeout: float, concurrency: int
) -> None:
    """Every server that the running command names from here on is asked with these options.

    Raises:
        ModelError: If a parameter cannot be read, or is given by another option.
    """
    from twofold.models.openai.endpoint import Limits
    from twofold.models.openai.request import parameter
    from twofold.models.openai.settings import ServerSettings, asking_servers

    limits = Limits(concurrency=concurrency, timeout_s=timeout, deadline_s=_WITH_RETRIES * timeout)
    added = dict(parameter(each) for each in request or ())
    settings = ServerSettings(limits=limits, request=added)
    context.with_resource(asking_servers(settings))
