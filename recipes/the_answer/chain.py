"""`python -m recipes.the_answer.chain [OUT] [--seeds N ...] [--saved STUDY]`: does an arm use its chain?

Trains every tuned arm whose model is not in OUT (a folder of `python -m recipes.the_answer`), merges what is
merged, and reads the chains of each (`faithfulness`, `information_gain`). What the table needs is in
`OUT/chain/values.jsonl`. The same command goes on. STUDY has the replies of the same arms, trained before: it
is said how many are equal.

    python -m recipes.archive unpack runs/the_answer recipes/the_answer/replies.tar.xz
    python -m recipes.the_answer.chain runs/answer_chain --saved runs/the_answer/study
    python -m recipes.archive pack runs/answer_chain/chain recipes/the_answer/chain.tar.xz
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from twofold import study
from twofold.diagnostics import diagnostics_named
from twofold.diagnostics.chain.faithfulness import reliance
from twofold.diagnostics.chain.information_gain import total
from twofold.diagnostics.chain.table import Chains
from twofold.errors import StatsError
from twofold.methods.merge.merge import merge
from twofold.models import resolve
from twofold.problems import load
from twofold.report.wording import p_value, spread
from twofold.runs.audit import audit
from twofold.stats import auroc, corrected
from twofold.storage.jsonl import Row, dumps, read_lines, replaced
from twofold.study.scores import Matrix, difference, estimate
from twofold.types import Sampling

from .arms import BASE, TRAINED, plan
from .derived import MERGES, PARENT, REASONER

FILE = "values.jsonl"
# Arms whose chains are not written by one network that reads tokens alone
UNREAD = {
    "softcot_worked": "vectors, no tokens",
    "softcot_obedient": "vectors, no tokens",
    "hybrid": "steered as it writes",
}
ARMS = ("base", *(arm for arm in TRAINED if arm not in UNREAD), *MERGES)

# The measures of a chain, of the model's own reading and of its two twins'
MEASURES = {"reliance": reliance, "information": lambda reading: total(reading, "own")}
READERS = ("scores", "question_only", "chain_only")

HEAD = ["arm", "runs", "chains read"]
for title in ("reliance", "information, nats"):
    HEAD += [
        title,
        "minus the base",
        "of a twin that ignores it; of one that sees it alone",
        "AUROC",
    ]


def models(out: Path, seed: int) -> Iterator[tuple[str, str]]:
    """Each arm and its MODEL, trained or merged when it is asked for."""
    out.mkdir(parents=True, exist_ok=True)
    made = study.read(plan(out / "plan.yaml", [seed]))
    folders = {arm: out / "study" / "arms" / arm / f"seed-{seed}" / "model" for arm in TRAINED}
    yield "base", BASE
    for arm in made.trained_here:
        if arm.name in ARMS:
            if not (folders[arm.name] / "training.json").exists():
                method = replace(cast(Any, arm.trainer), seed=seed)
                method.train(BASE, made.load(made.training(arm, seed)), out=folders[arm.name])
            yield arm.name, str(folders[arm.name])
    for arm, recipe in MERGES.items():
        pair = (str(folders[each]) for each in (REASONER, PARENT))
        to = out / "derived" / arm / f"seed-{seed}"
        yield arm, str(merge(*pair, base=BASE, recipe=recipe(out / "data", seed), out=to).folder)


def read(out: Path, seed: int) -> Iterator[tuple[str, Path]]:
    """Read the chains of every arm, on the problems and with the sampling of the study."""
    for arm, model in models(out, seed):
        folder = out / "audits" / arm / f"seed-{seed}"
        audit(
            resolve(model),
            load(str(out / "data" / "test.jsonl"), profile="fixed"),
            sampling=Sampling(max_tokens=96, temperature=1.0),
            seed=seed,
            out=folder,
            diagnostics=diagnostics_named("joint,faithfulness,information_gain"),
        )
        yield arm, folder


def equal(audited: Path, saved: Path) -> str:
    """How many replies of an audit are those of a saved one."""
    mine, theirs = (
        {
            (row["problem"], row["condition"]): row["raw"]
            for row in read_lines(at / "responses.jsonl")
        }
        for at in (audited, saved)
    )
    return f"{sum(mine[key] == theirs.get(key) for key in mine)} of {len(mine)} replies as saved"


def note(out: Path) -> None:
    """Write what the finished audits measured: a row for each reply that was to be read."""
    with replaced(out / "chain" / FILE) as lines:
        for folder in sorted((out / "audits").glob("*/seed-*")):
            if (folder / "findings.json").exists():
                head = {"arm": folder.parent.name, "run": int(folder.name.removeprefix("seed-"))}
                lines.writelines(dumps(head | row) + "\n" for row in _measured(folder))


def _measured(folder: Path) -> Iterator[Row]:
    problems = load(str(folder / "problems.jsonl"), profile="fixed")
    chains = Chains(read_lines(folder / "chains.jsonl"), problems)
    found: dict[str, Row] = {row["key"]: {} for row in chains.table.rows}
    for reader in READERS:
        for reading in chains.readings("model", reader):
            values = {name: of(reading) for name, of in MEASURES.items()}
            found[reading.row["key"]][reader] = {
                name: None if value is None else round(value, 6) for name, value in values.items()
            }
    yield from ({"problem": key, **row} for key, row in found.items())


def table(place: Path) -> str:
    """The measures of each arm over problems and runs, beside those of its two twins.

    The differences to the base are of problems to which both show a chain; p by Holm over the arms.
    """
    rows: dict[str, list[Row]] = {}
    for row in read_lines(place / FILE):
        rows.setdefault(row["arm"], []).append(row)
    arms = [arm for arm in ARMS if arm in rows]
    changes = {name: _changes(name, rows) for name in MEASURES}
    lines = [HEAD, ["---"] * len(HEAD)]
    for arm in arms:
        n_read = sum("scores" in row for row in rows[arm])
        n_runs = len({row["run"] for row in rows[arm]})
        line = [arm, str(n_runs), f"{n_read} of {len(rows[arm])}"]
        for name in MEASURES:
            own, *twins = (_matrix(rows[arm], reader, name) for reader in READERS)
            n = min(int((~np.isnan(each)).any(axis=0).sum()) for each in twins)
            both = "; ".join(_said(each, arm) for each in twins)
            line += [_said(own, arm), changes[name].get(arm, ""), f"{both} (n={n})", _auroc(*twins)]
        lines.append(line)
    missing = {arm: "not trained again" for arm in ARMS if arm not in rows} | UNREAD
    lines += [[arm, "–", f"– ({why})", *["–"] * (len(HEAD) - 3)] for arm, why in missing.items()]
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in lines)


def _changes(name: str, rows: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """Each arm minus the base."""
    found = {}
    for arm in rows.keys() - {"base"} if "base" in rows else ():
        before, after = (
            _matrix(rows[mine], "scores", name, rows[other])
            for mine, other in (("base", arm), (arm, "base"))
        )
        with suppress(StatsError):  # fewer problems than an interval needs
            change = difference(before, after, np.ones(before.shape[1], dtype=bool))
            if change is not None:
                found[arm] = change
    return {
        arm: f"{spread(each.difference, sign=True)} (n={each.difference.n}, "
        f"p {p_value(each.with_adjusted_p().p)})"
        for arm, each in corrected(found).items()
    }


def _matrix(rows: Sequence[Row], reader: str, name: str, others: Sequence[Row] = ()) -> Matrix:
    """A measure by run and problem (those of `others`, too); not a number where it is unscored."""
    runs = sorted({row["run"] for row in rows})
    problems = sorted({row["problem"] for row in (*rows, *others)})
    values = np.full((len(runs), len(problems)), np.nan)
    places: dict[int | str, int] = {run: at for at, run in enumerate(runs)}
    places |= {problem: at for at, problem in enumerate(problems)}
    for row in rows:
        value = row.get(reader, {}).get(name)
        if value is not None:
            values[places[row["run"]], places[row["problem"]]] = value
    return values


def _said(values: Matrix, arm: str) -> str:
    asked = ~np.isnan(values).all(axis=0)
    try:
        return spread(estimate(values, asked, is_trained=arm != "base"))
    except StatsError:
        return "–"


def _auroc(ignores: Matrix, alone: Matrix) -> str:
    """How well a measure tells the twins apart, by each problem's mean over the runs."""
    both = ~(np.isnan(ignores).all(axis=0) | np.isnan(alone).all(axis=0))
    if not both.any():
        return "–"
    high, low = (np.nanmean(each[:, both], axis=0).tolist() for each in (alone, ignores))
    return spread(auroc(high, low, paired=True))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m recipes.the_answer.chain")
    parser.add_argument("out", type=Path, nargs="?", default=Path("runs/answer_chain"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--saved", type=Path, help="a study with the replies of the same arms")
    asked = parser.parse_args()
    for seed in asked.seeds:
        for arm, folder in read(asked.out, seed):
            theirs = asked.saved / "arms" / arm / f"seed-{seed}" / "test" if asked.saved else None
            print(arm, seed, equal(folder, theirs) if theirs else "", flush=True)
            note(asked.out)
    print(table(asked.out / "chain"))
