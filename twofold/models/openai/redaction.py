"""How does a key never reach a file or a screen? Whatever a server sends is rid of it, here alone.

A server may echo the key: raw, escaped for JSON or HTML, encoded for a URL, or in base64 (basic
authentication). The key is looked for in all these spellings, character by character, in every text
and every name of an answer.
"""

import base64
import html
import os
import re
from functools import lru_cache

from pydantic import SecretStr

from twofold.errors import ModelError

KEY_VARIABLE = "OPENAI_API_KEY"
HIDDEN = "***"

# Shorter keys are what servers without authentication are given ("EMPTY", "none", "x"). They are no
# secrets, and hiding them would change replies that hold such a word.
_SHORTEST = 8
_SHORTEST_MIXED = 4  # of a key that mixes letters with other characters

_CREDENTIALS = re.compile(r"(?i)\b(bearer|basic)\s+[^\s\"',;]+")


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


def without_key(value: object) -> object:
    """A JSON value whose texts and names are without the key, in any spelling."""
    pattern = _spellings(api_key())
    return value if pattern is None else _hidden(value, pattern)


def without_credentials(text: str) -> str:
    """A message without the key, and without what follows `Bearer` or `Basic`."""
    return _CREDENTIALS.sub(rf"\1 {HIDDEN}", str(without_key(text)))


def _hidden(value: object, pattern: re.Pattern[str]) -> object:
    if isinstance(value, str):
        return pattern.sub(HIDDEN, value)
    if isinstance(value, list):
        return [_hidden(each, pattern) for each in value]
    if isinstance(value, dict):
        return {pattern.sub(HIDDEN, k): _hidden(each, pattern) for k, each in value.items()}
    return value


@lru_cache(maxsize=1)
def _spellings(secret: SecretStr) -> re.Pattern[str] | None:
    """All spellings of the key; None if it is no secret."""
    key = secret.get_secret_value()
    mixed = any(c.isalpha() for c in key) and not key.isalpha()
    if len(key) < (_SHORTEST_MIXED if mixed else _SHORTEST):
        return None
    escaped = "".join(map(_character, key))
    hexadecimal = f"(?i:{key.encode().hex()})"
    return re.compile("|".join([escaped, hexadecimal, *_base64(key)]))


def _character(c: str) -> str:
    r"""One character: as it is, behind backslashes, as `\u0041`, `%41` or `&#65;`."""
    code = ord(c)
    named = html.escape(c)
    forms = [
        rf"\\*{re.escape(c)}",
        rf"(?i:\\+(?:u00|x){code:02x})",
        rf"(?i:%(?:25)*{code:02x})",
        rf"(?i:&(?:amp;)*#(?:0*{code}|x0*{code:x});)",
    ]
    return f"(?:{'|'.join([*forms, re.escape(named)] if named != c else forms)})"


def _base64(key: str) -> list[str]:
    """The base64 of any text that holds the key, by where in three bytes it begins."""
    found = []
    for n_before in range(3):
        coded = base64.b64encode(b"\0" * n_before + key.encode()).decode().rstrip("=")
        first = -(-8 * n_before // 6)  # characters that also depend on what is before
        last = len(coded) - bool((n_before + len(key)) % 3)
        core = re.escape(coded[first:last]).replace(r"\+", "[+-]").replace("/", "[/_]")
        core = core.replace("[+-]", "(?:[+-]|%2[Bb])").replace("[/_]", r"(?:\\*[/_]|%2[Ff])")
        found.append(f"[A-Za-z0-9+/_-]{{0,2}}{core}[A-Za-z0-9+/_-]{{0,2}}")
    return found
