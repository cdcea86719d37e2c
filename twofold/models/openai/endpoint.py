"""Where is the server, and how patient are we with it?"""

import ipaddress
import math
from dataclasses import dataclass
from typing import final
from urllib.parse import urlsplit

from twofold.errors import ModelError
from twofold.models.openai.redaction import KEY_VARIABLE


@final
@dataclass(frozen=True)
class Endpoint:
    """The base URL of an OpenAI-compatible server, such as `http://127.0.0.1:8000/v1`.

    Raises:
        ModelError: If it is not such a URL, or has a user name, password or query, which may be
            secrets, while URLs are written into files.
    """

    url: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", self.url.rstrip("/"))
        if "@" in self.url or "?" in self.url:
            raise ModelError(
                "a server's URL must not hold a user name, password or query, because URLs are "
                f"written into files; take them out and put the key into {KEY_VARIABLE}"
            )
        if not _is_web_address(self.url):
            raise ModelError(
                f"{self.url!r} is not the URL of a server; write http://host:port/v1#model"
            )

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine, so that no proxy is used."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


@final
@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits for the requests to a server.

    Args:
        concurrency: Concurrent requests, at least 1.
        max_retries: Retries of a request that failed temporarily, at least 0.
        timeout_s: Seconds of silence (an answer begins when the reply is complete); a whole answer
            may take a quarter longer.
        deadline_s: Seconds for a request with all its retries.
    """

    concurrency: int = 8
    max_retries: int = 4
    timeout_s: float = 600.0
    deadline_s: float = 4500.0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.max_retries < 0:
            raise ValueError(f"{self}: concurrency is at least 1, and max_retries at least 0")
        if not all(0 < each < math.inf for each in (self.timeout_s, self.deadline_s)):
            raise ValueError(f"{self}: time-outs are above 0 and finite")


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port_reads = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = url.isprintable() and " " not in url and not parts.fragment
    return plain and port_reads and parts.scheme in ("http", "https") and bool(parts.hostname)
