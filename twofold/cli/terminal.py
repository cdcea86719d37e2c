"""What reaches a terminal? Text in which every character can be shown, and none gives commands.

Replies of models and answers of servers are quoted in messages. A control character in one could move
the cursor, rename the window or hide a line; a terminal that cannot encode one would end the command.
"""

import io
import logging
import sys
import unicodedata

import typer

# What moves or turns what follows it, besides the control characters: Unicode's categories of these.
_COMMANDING = ("Cc", "Cs", "Zl", "Zp")
_TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def printable(text: str, encoding: str = "utf-8") -> str:
    r"""The text with JSON's escapes for what commands a terminal or cannot be encoded.

    Lines and tabs stay. Inside a JSON text, the escapes mean the same characters.

    Example:
        >>> printable("bold \x1b[1m", "ascii"), printable("é\n", "ascii")
        ('bold \\u001b[1m', '\\u00e9\n')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_plain(char, encoding) else _escaped(char) for char in text)


def _is_plain(char: str, encoding: str) -> bool:
    if char in "\n\t" or " " <= char <= "~":
        return True
    if unicodedata.category(char) in _COMMANDING or char in _TURNING:
        return False
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def say(text: object, *, err: bool = False) -> None:
    """Print a text and a new line, to standard output or to standard error."""
    stream = sys.stderr if err else sys.stdout
    typer.echo(printable(str(text), getattr(stream, "encoding", None) or "utf-8"), err=err)


class _Printable(logging.Formatter):
    """Messages of the log as they may reach a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        return printable(super().format(record), sys.stderr.encoding or "utf-8")


def guard() -> None:
    """Let nothing that other code prints or logs end the command or command the terminal."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Printable())
