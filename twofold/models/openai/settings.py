"""How are a command's options for servers found where a server is named, however deep?

A judge's URL is read far from the command line, so the options are in force for a block of code.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import final

from twofold.models.openai.endpoint import Limits
from twofold.models.openai.request import check_parameters


@final
@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """How servers are asked, if nothing else is said.

    Args:
        limits: Concurrency, retries and time-outs.
        request: Parameters that are added to every request; None leaves one out.

    Raises:
        ModelError: If a parameter of `request` is given elsewhere.
    """

    limits: Limits = field(default_factory=Limits)
    request: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_parameters(self.request)


_in_force: ContextVar[ServerSettings | None] = ContextVar("settings of servers", default=None)


def in_force() -> ServerSettings:
    """The settings of the innermost `asking_servers` block; the defaults outside of one."""
    return _in_force.get() or ServerSettings()


@contextmanager
def asking_servers(settings: ServerSettings) -> Iterator[None]:
    """Every server that is named inside the block is asked with `settings`.

    Example:
        >>> with asking_servers(ServerSettings(request={"top_k": 20})):
        ...     in_force().request
        {'top_k': 20}
    """
    token = _in_force.set(settings)
    try:
        yield
    finally:
        _in_force.reset(token)
