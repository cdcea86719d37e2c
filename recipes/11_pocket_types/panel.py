"""`python -m recipes.11_pocket_types.panel OUT ARM [SEED ...]`: what did the base have, does it obey then?

The `elicitation` diagnostic on new problems, four of each type: the base asked and decoded in other ways,
with the obedience of the same replies beside their accuracy. The runs are kept in `panel.tar.xz`. The files
`panel.jsonl` and `panel-train.jsonl` are for a hybrid, see `recipes.elicitation.hybrid`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import yaml

from recipes.archive import pack
from twofold import problems as problem_files
from twofold.diagnostics.elicitation.analysis import Elicitation
from twofold.models import resolve
from twofold.report.findings import read_findings
from twofold.report.wording import spread
from twofold.runs.audit import audit
from twofold.types import Finding, Sampling, Slice

from .problems import N_PER_TYPE, test, train
from .rules import trained

N_NEW = 4
"""New problems of each type."""

N_TRAIN, N_SEED = 300, 9
"""Problems that a hybrid may be fitted on, of no run's seed."""

KEPT = Path(__file__).parent / "panel.tar.xz"

ROWS = [
    *(("baseline", arm) for arm in ("as_asked", "greedy", "sampled", "majority", "cot_decoding")),
    *(("baseline", arm) for arm in ("forced_tokens", "forced_other_tokens")),
    *(("baseline", arm) for arm in ("cross_sampling", "random_positions")),
    ("model", "as_asked"),
]

HEAD = ["replies of", "accuracy", "obedience", "recovery of accuracy", "tokens a reply"]
HEAD += ["of them the tuned model's"]


def audited(out: Path, arm: str, seed: int) -> Path:
    """Audit one trained model against its base, once; returns the file of the findings."""
    base = yaml.safe_load((out / "plan.yaml").read_text(encoding="utf-8"))["base"]
    audit(
        resolve(str(out / "study" / "arms" / arm / f"seed-{seed}" / "model")),
        test(N_PER_TYPE, N_NEW),
        out=out / "panel" / f"{arm}-{seed}",
        baseline=resolve(base),
        sampling=Sampling(max_tokens=96, temperature=1.0),
        diagnostics=(Elicitation(),),
    )
    return out / "panel" / f"{arm}-{seed}" / "findings.json"


def found(file: Path) -> Finding:
    """What the diagnostic found."""
    findings, _ = read_findings(file)
    (mine,) = (each for each in findings if each.diagnostic == Elicitation.name)
    return mine


def table(of: Finding) -> str:
    """The arms that decode otherwise: accuracy, obedience, recovery, cost."""
    rows = [HEAD, ["---"] * len(HEAD)]
    for role, arm in ROWS:
        cells = ["tuned model" if role == "model" else f"base, {arm}"]
        for metric, scale in (("accuracy", ""), ("obedience", ""), ("recovery", "as_asked")):
            part = Slice("scale", scale) if scale else Slice("", "")
            value = of.estimate(metric, role=role, condition=arm, slice=part)
            cells.append("" if value is None else str(value))
        for metric in ("n_tokens", "acted"):
            value = of.estimate(metric, role=role, condition=arm)
            cells.append("" if value is None else spread(value))
        if cells[1]:
            rows.append(cells)
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in rows)


def fired(of: Finding) -> list[str]:
    """The conditions that fired."""
    return [c.metric.removeprefix("fired:") for c in of.counts if c.n and c.metric[:6] == "fired:"]


def main() -> None:
    """Audit, keep the findings and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m recipes.11_pocket_types.panel")
    parser.add_argument("out", type=Path, help="a folder of `recipes.11_pocket_types`")
    parser.add_argument("arm", metavar="REWARD_N")
    parser.add_argument("seeds", type=int, nargs="*", default=[0])
    asked = parser.parse_args()
    data = asked.out / "data"
    problem_files.write(data / "panel.jsonl", test(N_PER_TYPE, N_NEW))
    problem_files.write(data / "panel-train.jsonl", train(trained(16, N_SEED), N_SEED)[:N_TRAIN])
    for seed in asked.seeds:
        one = found(audited(asked.out, asked.arm, seed))
        print(f"\n{asked.arm}, seed {seed}: {', '.join(fired(one))} fired\n\n{table(one)}")
    pack(asked.out / "panel", KEPT)


if __name__ == "__main__":
    main()
