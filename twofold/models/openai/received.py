"""What of a server's answer gets in? One gate: bounded, decoded, parsed, without the key.

Everything that is saved or shown of a server goes through `received` (bodies) or `line` (other
messages). So no later code meets a number that no counter holds, a NaN, or the key.
"""

import json
import math
import zlib

from twofold.models.openai.redaction import without_credentials, without_key

# The longest body that is read, in bytes after decompression. A reply of 100,000 tokens takes half a
# megabyte, three if every character is escaped.
MOST_BYTES = 8 * 2**20
# The most values in a body, counted by brackets and commas (also those inside texts). Parsed, 8 MiB
# of empty lists would take 370 MB.
MOST_VALUES = 500_000
# No count of tokens and no length of a context is larger.
MOST = 2**31 - 1
# Of a message that is shown, in characters.
_SHOWN = 300

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}  # zlib's names for the formats


class Unreadable(Exception):
    """A body that is too large, or is compressed in a way that was not asked for."""


class Body:
    """A body that is read piece by piece, decompressed, and never larger than `most` bytes."""

    def __init__(self, encoding: str, *, most: int = MOST_BYTES) -> None:
        self._most = most
        self._encoding = encoding.strip().lower()
        self._content = bytearray()
        self._inflate = None
        if self._encoding in _WINDOWS:
            self._inflate = zlib.decompressobj(_WINDOWS[self._encoding])
        elif self._encoding not in ("", "identity"):
            raise Unreadable("the answer is compressed in a way that was not asked for")

    def add(self, piece: bytes) -> None:
        """Append a piece as received; `Unreadable` if it cannot be, or is too much."""
        room = self._most + 1 - len(self._content)
        if self._inflate is not None:
            try:
                piece = self._inflate.decompress(piece, room)
            except zlib.error as error:
                raise Unreadable("the answer's compression is broken") from error
        self._content += piece[:room]
        if len(self._content) > self._most:
            raise Unreadable(f"the answer is larger than {self._most >> 20} MiB")

    def content(self) -> bytes:
        """What was read."""
        return bytes(self._content)


def received(body: bytes) -> object:
    """The JSON value in `body`, None if it is not complete JSON or has more than `MOST_VALUES` values.

    Numbers that are not finite or beyond `MOST` become None (minus infinity, which is the logarithm of
    a probability, becomes `-MOST`); the key is hidden.
    """
    if sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES:
        return None
    try:
        return without_key(
            json.loads(body, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
        )
    except (ValueError, RecursionError):
        return None


def line(what: str, message: str) -> str:
    """One short line about a failure. The key is hidden before cutting, so no part of it remains."""
    printable = (c if c.isprintable() else " " for c in without_credentials(message))
    text = " ".join("".join(printable).split())
    return f"{what}: {text[:_SHOWN]}" if text else what


def error_message(answer: object) -> str:
    """A server's error message, from the usual places; "" if there is none."""
    if isinstance(answer, list) and answer:
        answer = answer[0]
    if not isinstance(answer, dict):
        return ""
    error = answer.get("error") or answer
    if isinstance(error, str):
        return error
    message = error.get("message") or error.get("detail") if isinstance(error, dict) else None
    return message if isinstance(message, str) else json.dumps(message) if message else ""


def _whole(text: str) -> int | None:
    # longer than any count, and Python refuses to read 4300 digits
    return n if len(text) < 20 and abs(n := int(text)) <= MOST else None


def _finite(text: str) -> float | None:
    number = float(text)
    if number == -math.inf:
        return float(-MOST)
    return number if math.isfinite(number) else None
