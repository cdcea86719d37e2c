"""The command line: it parses, calls, prints, and turns an error into its message.

Heavy modules are imported inside the commands, so that `twofold --help` answers at once.
"""

from twofold.cli import checklists
from twofold.cli.commands import app, main

app.add_typer(checklists.app, name="checklist")
app.command()(checklists.pairs)

__all__ = ["app", "main"]
