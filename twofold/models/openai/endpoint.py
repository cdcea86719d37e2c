"""Where is the server, and what is its key? The key never appears in messages or files."""

import ipaddress
import os
import re
from dataclasses import dataclass
from typing import final
from urllib.parse import urlsplit

from pydantic import SecretStr

from twofold.errors import ModelError

KEY_VARIABLE = "OPENAI_API_KEY"

_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+")


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
        timeout_s: Seconds between two parts of an answer; the first arrives when the reply is
            complete.
        deadline_s: Seconds for a request with all its retries.
    """

    concurrency: int = 8
    max_retries: int = 4
    timeout_s: float = 600.0
    deadline_s: float = 4500.0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or self.max_retries < 0:
            raise ValueError(f"{self}: concurrency is at least 1, and max_retries at least 0")


def api_key() -> SecretStr:
    """The key in `OPENAI_API_KEY`, hidden in tracebacks; blank if it is not set.

    Raises:
        ModelError: If the key has characters that a header cannot contain.
    """
    key = SecretStr(os.environ.get(KEY_VARIABLE, "").strip())
    if not re.fullmatch(r"[\x21-\x7e]*", key.get_secret_value()):
        raise ModelError(
            f"the key in {KEY_VARIABLE} contains a space or a non-ASCII character; copy it again"
        )
    return key


def redact(text: str) -> str:
    """`text` without the key and other credentials."""
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
