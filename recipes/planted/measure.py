"""How well does each metric separate the planted models, and is the rate of a mixture estimated right?"""

from __future__ import annotations

import json
from pathlib import Path

from recipes.planted.demonstrations import KINDS, Kind, demonstrations, is_bound, start_of
from twofold.diagnostics import diagnostics_named
from twofold.diagnostics.chain.faithfulness import METRICS, continued
from twofold.diagnostics.chain.information_gain import METRICS as GAINS
from twofold.diagnostics.chain.information_gain import OWN
from twofold.diagnostics.chain.table import Chains, Metric, MetricKey, Reading
from twofold.diagnostics.chain.twins import CHAIN_ONLY, QUESTION_ONLY
from twofold.methods.sft import Sft
from twofold.models import resolve
from twofold.problems import pocket
from twofold.runs.audit import audit
from twofold.stats import auroc, mean
from twofold.storage.jsonl import dumps, read_lines
from twofold.types import Estimate, Problem, Sampling, Slice

# The twin that a planted model should be like
TWIN: dict[Kind, str] = {"bound": CHAIN_ONLY, "post_hoc": QUESTION_ONLY}

MISTAKE = ("answer_changed", Slice("edit", "mistake_other"))
MEASURED: dict[MetricKey, Metric] = {
    **{key: m for key, m in METRICS.items() if key[1] != Slice("edit", "paraphrase_rules")},
    ("continued", Slice("edit", "mistake")): continued("mistake"),
    ("total", OWN): GAINS["total", OWN],
    ("contrast", OWN): GAINS["contrast", OWN],
}


def plant(kind: Kind, out: Path, *, n: int, epochs: float, seed: int) -> Path:
    """Train a planted model from `pocket`; returns the folder of its checkpoint."""
    problems = pocket.suite(n, split="train")
    out.mkdir(parents=True, exist_ok=True)
    lines = out / f"{kind}-{seed}.jsonl"
    lines.write_text("".join(dumps(row) + "\n" for row in demonstrations(kind, problems, seed)))
    method = Sft(
        demonstrations=lines,
        instructions="empty",
        learning_rate=1e-3,
        batch=32,
        epochs=epochs,
        seed=seed,
    )
    return method.train("pocket", problems, out=out / f"{kind}-{seed}").folder


def read(folder: Path, problems: list[Problem], out: Path) -> list[Reading]:
    """Audit a planted model with `faithfulness`; returns the readings of its chains."""
    audit(
        resolve(str(folder)),
        problems,
        out=out,
        sampling=Sampling(max_tokens=96),
        diagnostics=diagnostics_named("faithfulness"),
    )
    return Chains(read_lines(out / "chains.jsonl"), problems).readings("model")


def obeys(kind: Kind, readings: list[Reading], problems: list[Problem]) -> Estimate:
    """How often the model answers as it was trained to: the check of the labels."""
    by_id = {problem.id: problem for problem in problems}
    held = []
    for reading in readings:
        problem = by_id[reading.row["key"]]
        end = reading.row["places"][-1]
        raw = reading.row.get("raw", "")
        last = raw[:end].rstrip(".").rsplit(" ", 1)[-1] if raw else None
        says = last if is_bound(kind, problem) else start_of(problem)
        held.append(float(reading.row["own"] == says))
    return mean(held)


def told_apart(bound: list[Reading], post_hoc: list[Reading]) -> dict[MetricKey, Estimate]:
    """AUROC of every metric between bound and post-hoc answers."""
    out = {}
    for key, metric in MEASURED.items():
        high, low = ([metric(reading) for reading in group] for group in (bound, post_hoc))
        scored = [[v for v in values if v is not None] for values in (high, low)]
        if all(scored):
            lost = len(high) + len(low) - sum(map(len, scored))
            out[key] = auroc(*scored, n_unscored=lost)
    return out


def like_its_twin(kind: Kind, out: Path, problems: list[Problem]) -> dict[MetricKey, Estimate]:
    """AUROC of every metric between a planted model and the twin that it should be like: 0.5 is alike."""
    chains = Chains(read_lines(out / "chains.jsonl"), problems)
    found = {}
    for key, metric in MEASURED.items():
        own, twin = (
            chains.column(metric, chains.readings("model", r)).values
            for r in ("scores", TWIN[kind])
        )
        both = sorted(own.keys() & twin.keys())
        if both and key[0] != "continued":  # no twin goes on writing
            lost = len(own.keys() | twin.keys()) - len(both)
            values = ([of[unit] for unit in both] for of in (own, twin))
            found[key] = auroc(*values, paired=True, n_unscored=lost)
    return found


def rate(readings: list[Reading]) -> Estimate:
    """The estimated share of answers that follow their chain: a wrong value in it changes them."""
    values = [METRICS[MISTAKE](reading) for reading in readings]
    scored = [value for value in values if value is not None]
    return mean(scored, n_unscored=len(values) - len(scored))


def measure(
    out: Path, *, n: int = 1500, epochs: float = 4, n_asked: int = 100, seed: int = 0
) -> dict:
    """Train, audit and compare; everything is saved under `out`.

    Returns:
        `{"auroc": {metric: Estimate}, "mixed_auroc": ..., "twins": {kind: {metric: ...}}, "rate": (found,
        true), "planted": {kind: ...}}`.
    """
    problems = pocket.suite(n_asked, split="test")
    readings = {}
    for kind in KINDS:
        folder = plant(kind, out, n=n, epochs=epochs, seed=seed)
        readings[kind] = read(folder, problems, out / f"audit-{kind}-{seed}")
    by_id = {problem.id: problem for problem in problems}
    mixed = {
        side: [r for r in readings["mixed"] if is_bound("mixed", by_id[r.row["key"]]) == side]
        for side in (True, False)
    }
    true = len(mixed[True]) / max(1, len(readings["mixed"]))
    return {
        "planted": {kind: str(obeys_in(kind, out, problems, seed)) for kind in KINDS},
        "auroc": told_apart(readings["bound"], readings["post_hoc"]),
        "mixed_auroc": told_apart(mixed[True], mixed[False]),
        "twins": {
            kind: like_its_twin(kind, out / f"audit-{kind}-{seed}", problems) for kind in TWIN
        },
        "rate": (rate(readings["mixed"]), true),
    }


def obeys_in(kind: Kind, out: Path, problems: list[Problem], seed: int) -> Estimate:
    """`obeys` for the replies of a planted model's audit."""
    folder = out / f"audit-{kind}-{seed}"
    raw = {
        r["problem"]: r["raw"]
        for r in read_lines(folder / "responses.jsonl")
        if r["condition"] == "unconstrained"
    }
    readings = Chains(read_lines(folder / "chains.jsonl"), problems).readings("model")
    for reading in readings:
        reading.row["raw"] = raw[reading.row["key"]]
    return obeys(kind, readings, problems)


def table(found: dict) -> str:
    """The result in markdown."""
    lines = [
        "| metric | `bound` versus `post_hoc` | the mixed model's own answers "
        "| `bound` versus its chain-only twin | `post_hoc` versus its question-only twin |",
        "|---|---|---|---|---|",
    ]
    for (metric, part), estimate in found["auroc"].items():
        name = f"{metric} {part.value}".strip()
        mixed = found["mixed_auroc"].get((metric, part), "")
        twins = [found["twins"][kind].get((metric, part), "") for kind in TWIN]
        lines.append(f"| `{name}` | {estimate} | {mixed} | {twins[0]} | {twins[1]} |")
    share, true = found["rate"]
    lines.append("")
    lines.append(f"Share of bound answers in the mixed model: {share}, truly {true:.3f}.")
    lines.append(f"Answers as planted: {json.dumps(found['planted'])}")
    return "\n".join(lines)
