"""Where is the server, and which key opens it, without the key ever being seen?"""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass
from typing import final
from urllib.parse import urlsplit

from pydantic import SecretStr

from twofold.errors import ModelError

KEY_VARIABLE = "OPENAI_API_KEY"
"""The environment variable that holds the server's key."""

_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+")


@final
@dataclass(frozen=True)
class Endpoint:
    """The base URL of an OpenAI-compatible server, without any secret in it.

    Args:
        url: Such as `http://127.0.0.1:8000/v1`; a slash at its end is dropped.

    Raises:
        ModelError: If it is no such URL, or holds a user name, password or query (a query may hold
            a key, and URLs end up in files).

    Example:
        >>> Endpoint("http://127.0.0.1:8000/v1/").url
        'http://127.0.0.1:8000/v1'
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
        """Whether the server is on this machine, where no proxy may come between."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"


@final
@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many requests a server gets, and how long each may take.

    Args:
        concurrency: Requests under way at once, at least 1.
        max_retries: Further tries of a request that failed for a passing reason, at least 0.
        timeout_s: Seconds between two pieces of the answer; the first comes when the whole reply
            is made.
        deadline_s: Seconds for one request with all its retries, so that an answer that trickles
            in cannot hold up a run.

    Raises:
        ValueError: If a number is out of range.
    """

    concurrency: int = 8
    max_retries: int = 4
    timeout_s: float = 600.0
    deadline_s: float = 4500.0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.max_retries < 0:
            raise ValueError(f"{self}: concurrency is at least 1, and max_retries at least 0")


def api_key() -> SecretStr:
    """The key in `OPENAI_API_KEY`; blank if it is not set.

    A plain string would show up in tracebacks that print local variables.

    Raises:
        ModelError: If the key has characters that a header cannot carry.
    """
    key = SecretStr(os.environ.get(KEY_VARIABLE, "").strip())
    if not re.fullmatch(r"[\x21-\x7e]*", key.get_secret_value()):
        raise ModelError(
            f"the key in {KEY_VARIABLE} has a blank or a character beyond ASCII in it, which "
            "no key has; copy it again"
        )
    return key


def redact(text: str) -> str:
    """`text` without the key, and without whatever else is sent as a credential.

    Example:
        >>> redact("refused: Bearer secret-value")
        'refused: Bearer ***'
    """
    if key := api_key():
        text = text.replace(key.get_secret_value(), "***")
    return _BEARER.sub(r"\1 ***", text)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        port_reads = parts.port is None or parts.port > 0
    except ValueError:
        return False
    plain = url.isprintable() and " " not in url and not parts.fragment
    return plain and port_reads and parts.scheme in ("http", "https") and bool(parts.hostname)
