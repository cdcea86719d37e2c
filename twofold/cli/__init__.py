"""The command line: parses arguments, calls the package, prints, and turns errors into messages.

Heavy modules are imported inside the commands, so that `twofold --help` is fast.
"""

from twofold.cli import checklists, doctor, merging, publishing, results, trainers
from twofold.cli.commands import app, main

app.add_typer(checklists.app, name="checklist")
app.command()(checklists.pairs)
app.command()(results.card)
app.command()(results.compare)
app.command()(doctor.doctor)
app.command()(merging.merge)
app.command()(publishing.push)
app.command()(trainers.convert)
app.command()(trainers.serve)
