"""What do the exit statuses mean?"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import typer

EXIT_BAD_INPUT = 2  # the input is wrong; the message names the remedy
EXIT_LOST = 3  # too many responses were lost for the numbers to be meaningful
EXIT_FAULTS = 4  # a check found faults
EXIT_STOPPED = 130  # stopped by the keyboard


def fail(message: str, status: int) -> NoReturn:
    """Print an error and exit with a status."""
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(status)


@contextmanager
def resumable(out: Path) -> Iterator[None]:
    """Turn an interrupt by the keyboard into a message that says how to resume."""
    try:
        yield
    except KeyboardInterrupt as stop:
        typer.echo(f"stopped; {out} keeps what is finished, the same command resumes it", err=True)
        raise typer.Exit(EXIT_STOPPED) from stop
