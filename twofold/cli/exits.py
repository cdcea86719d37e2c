"""What do the exit statuses mean, and when does a command end with which?

One rule for what was lost: more than 5 % of the replies in a condition, of the rows of a diagnostic, or of
what a judge, a writer or a server was asked, is status 3 (`twofold.runs.losses`).
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer

from twofold.cli.terminal import guard, say
from twofold.errors import TwofoldError

EXIT_BAD_INPUT = 2  # the input is wrong; the message names the remedy
EXIT_LOST = 3  # too many responses were lost for the numbers to be meaningful
EXIT_FAULTS = 4  # a check found faults
EXIT_STOPPED = 130  # stopped by the keyboard


def fail(message: str, status: int) -> NoReturn:
    """Print an error and exit with a status."""
    say(f"error: {message}", err=True)
    raise typer.Exit(status)


def fail_if_lost(n: int, of: int, message: str) -> None:
    """Exit with `EXIT_LOST` and a message if more than 5 % was lost."""
    from twofold.runs.losses import is_too_many

    if is_too_many(n, of):
        fail(message, EXIT_LOST)


def require(*modules: str) -> None:
    """Refuse a long command at once if modules are missing; one message names all their extras."""
    from importlib.util import find_spec

    from twofold.cli.doctor import extra_of

    if missing := [name for name in modules if find_spec(name) is None]:
        extras = ",".join(sorted({extra_of(name) or name for name in missing}))
        told = f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed"
        fail(f"{told}: pip install 'twofold[{extras}]'", EXIT_BAD_INPUT)


def finite(value: float | None) -> float | None:
    """Refuse NaN and infinity, which no range excludes; the callback of every option with a fraction."""
    if value is not None and not abs(value) < float("inf"):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


@contextmanager
def resumable(out: Path) -> Iterator[None]:
    """Turn an interrupt by the keyboard into a message that says how to resume."""
    try:
        yield
    except KeyboardInterrupt as stop:
        say(f"stopped; {out} keeps what is finished, the same command resumes it", err=True)
        raise typer.Exit(EXIT_STOPPED) from stop


def run(app: Callable[[], object]) -> None:
    """Run the command line: what a user can mend is one message with its remedy and status 2.

    That is a `TwofoldError`, an error of the operating system about a named file, or a package of an extra
    that is not installed. Everything else is a bug, and shows where it is.
    """
    from twofold.cli.doctor import extra_of
    from twofold.storage.os_errors import in_words

    guard()
    try:
        app()
    except TwofoldError as error:
        say(f"error: {error}", err=True)
        sys.exit(EXIT_BAD_INPUT)
    except ModuleNotFoundError as error:
        if (extra := extra_of(error.name or "")) is None:
            raise
        say(f"error: {error.name} is not installed: pip install 'twofold[{extra}]'", err=True)
        sys.exit(EXIT_BAD_INPUT)
    except OSError as error:
        if error.filename is None:
            raise
        say(f"error: {in_words(error, error.filename, 'use')}", err=True)
        sys.exit(EXIT_BAD_INPUT)
