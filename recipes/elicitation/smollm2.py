"""`python -m recipes.elicitation.smollm2 RUN`: the panel of SmolLM2 with an adapter, as a short table.

RUN is what the command of the README's section wrote, or `smollm2_panel.tar.xz` unpacked.
"""

from __future__ import annotations

import sys
from pathlib import Path

from twofold.report.elicitation import arms, said
from twofold.report.findings import read_findings
from twofold.report.wording import spread

METRICS = ("accuracy", "compliance", "obedience", "both")
HEAD = (
    "| whose | arm | accuracy | rules met, stated | obedience | both | recovery of the sampled gain "
    "| tokens |"
)


def table(run: Path) -> str:
    """Every arm with its intervals, and then what the conditions say."""
    findings, _ = read_findings(run / "findings.json")
    (found,) = (each for each in findings if each.diagnostic == "elicitation")
    lines = [HEAD, "|---|---|---|---|---|---|---|---|"]
    for row in arms(found):
        cells = [spread(row.estimates.get(metric)) for metric in METRICS]
        tokens = row.estimates["n_tokens"].value
        whose = "tuned" if row.role == "model" else "base"
        cells = [whose, row.label, *cells, spread(row.recovery.get("sampled")), f"{tokens:.0f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", *(f"- {each}" for each in said(found))])


if __name__ == "__main__":
    print(table(Path(sys.argv[1])))
