"""Which command sends a model or a run to a hub?"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from twofold.cli.exits import EXIT_LOST, EXIT_STOPPED, fail
from twofold.cli.terminal import say


def push(
    folder: Annotated[
        Path,
        typer.Argument(help="An adapter, a checkpoint, or what `audit`, `score` or `study` wrote."),
    ],
    repo_id: Annotated[str, typer.Argument(help="The repository, USER/NAME; made if missing.")],
    card: Annotated[
        Path | None,
        typer.Option(help="Of a model: a finished run, whose numbers go onto the model's card."),
    ] = None,
    arm: Annotated[str | None, typer.Option(help="Of a study as --card: the arm.")] = None,
    base: Annotated[
        str, typer.Option(help="Of an adapter: its base as others name it, such as org/name.")
    ] = "",
    public: Annotated[
        bool, typer.Option("--public", help="Let everybody see it; otherwise it is private.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, and send nothing.")
    ] = False,
) -> None:
    """Send a model or a finished run to a hub, in one commit.

    A model becomes a model repository, a run a data set. A README.md there is kept; only the block of
    `twofold card` in it is replaced. The same command again repeats a push that failed.
    """
    from twofold.publishing import contents
    from twofold.publishing import push as pushed
    from twofold.publishing.hub import check_name
    from twofold.publishing.keys import keys_here, refuse_keys

    check_name(repo_id)
    sent = contents(folder, name=repo_id, card=card, arm=arm, base=base)
    if sent.is_lossy:
        fail(
            "too much was lost or failed: these numbers do not describe a model, so nothing was sent. "
            "Fix the cause and give the command that made the run again",
            EXIT_LOST,
        )
    files = sent.with_readme()
    refuse_keys(files, keys_here())
    say(f"{sent.kind} {repo_id}, {'public' if public else 'private'}, {_total(files)} bytes:")
    for name, file in files.items():
        say(f"{_size(file):>16,}  {name}")
    if sent.left_out:
        say(f"stays here: {', '.join(sent.left_out)}")
    if sent.kind == "dataset":
        say(
            "A run holds questions and replies: let others see it only if their licence allows that."
        )
    if dry_run:
        say("nothing was sent")
        return
    try:
        say(f"pushed: {pushed(sent, repo_id, public=public)}")
    except KeyboardInterrupt as stop:
        say("stopped; it is there whole or not at all, the same command repeats it", err=True)
        raise typer.Exit(EXIT_STOPPED) from stop


def _size(file: Path | bytes) -> int:
    return len(file) if isinstance(file, bytes) else file.stat().st_size


def _total(files: Mapping[str, Path | bytes]) -> str:
    return f"{sum(map(_size, files.values())):,}"
