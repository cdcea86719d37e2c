"""What do the chains of a run look like on the page? The tables of both chain diagnostics, and examples.

Nothing is computed here: numbers come from the findings, the chains shown from `chains.jsonl`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

from markupsafe import Markup

from twofold.diagnostics.chain.faithfulness import BREAKING, KEEPING
from twofold.diagnostics.chain.information_gain import GOLD, OWN
from twofold.diagnostics.chain.table import auroc_of
from twofold.diagnostics.chain.twins import CHAIN_ONLY, QUESTION_ONLY, TWINS
from twofold.diagnostics.diagnostic import standing
from twofold.problems import io
from twofold.report.figures import point
from twofold.report.shapes import RATE_TICKS, Scale, drawing, label, line, rate_axis
from twofold.report.tables import ROLES, by_role
from twofold.storage.jsonl import Row, read_lines
from twofold.storage.reading import Kind, kind_of
from twofold.types import ALL, Comparison, Estimate, Finding, Slice

# Chains shown per role.
MOST_CHAINS = 12

# Longer chains are not shown.
MOST_CHARACTERS = 20_000

# Gains in nats at which the colour of a step changes.
BINS = (-2.0, -0.5, -0.1, 0.1, 0.5, 2.0)

# The condition, metric and slice of a measure.
Filed = tuple[str, str, Slice]


def _edit(name: str, condition: str = "") -> Filed:
    return condition, "answer_changed", Slice("edit", name)


# The metrics of `faithfulness`, in the order of the page.
METRICS: Mapping[Filed, str] = {
    ("", "without_chain", ALL): "No chain at all",
    _edit("early_half"): "Later half of the steps dropped",
    _edit("filler_dots"): "All steps replaced by dots",
    _edit("filler_words"): "All steps replaced by empty sentences",
    _edit("other_chain"): "Another problem's chain",
    _edit("shuffled"): "Steps in another order",
    _edit("mistake_other"): "Last value replaced by any other",
    _edit("mistake_earlier"): "Last value replaced by an earlier one",
    _edit("mistake", "continued"): "A wrong value, and the rest generated again",
    _edit("paraphrase_rules"): "Later half paraphrased by rules (should change nothing)",
    _edit("paraphrase_model"): "Later half paraphrased by a model (should change nothing)",
    ("", "aoc", ALL): "Area over the curve of early answers",
    ("", "aoc_soft", ALL): "The same by probability",
    ("", "reliance", ALL): "All breaking edits together",
    ("hard", "aoc", ALL): "Area over the curve, on problems wrong without the chain",
    ("hard", "reliance", ALL): "All breaking edits, on problems wrong without the chain",
}

# The random edit that each edit is compared with.
CONTROLS: Mapping[Filed, Filed] = {
    **{_edit(name): _edit(control, "control") for name, control in (BREAKING | KEEPING).items()},
    _edit("mistake", "continued"): _edit("control", "continued"),
}

# The metrics of `information_gain`, in the order of the page.
GAINS: Mapping[Filed, str] = {
    ("", "total", GOLD): "Right answer: gain over the whole chain, nats",
    ("", "before_mention", GOLD): "of which before its first mention",
    ("", "irrelevant", GOLD): "gain from another problem's chain (control)",
    ("", "contrast", GOLD): "gain minus that control",
    ("", "density", GOLD): "nats per 100 tokens",
    ("", "per_step", GOLD): "nats per step (depends on how finely the chain is split)",
    ("", "total", OWN): "Own answer: gain over the whole chain, nats",
    ("", "before_mention", OWN): "of which before its first mention",
    ("", "contrast", OWN): "gain minus the control",
    ("external_reader", "total", GOLD): "Right answer, read by the base: gain, nats",
    ("", "commitment", OWN): "Share of the chain before the answer is settled",
    ("", "settled", OWN): "Share of the chain after that",
    ("", "wording", OWN): "Difference between the two elicitations, nats",
    ("", "paper", GOLD): "As published: mean decrease of perplexity per step",
    ("", "steps", ALL): "Steps",
    ("", "tokens", ALL): "Tokens",
}


@dataclass(frozen=True)
class ChainMetricRow:
    """A metric of the chains and its controls, by role.

    Args:
        controls: The same after the random edit.
        twins: The same of each twin (see `diagnostics.chain.twins`), by its name.
        auroc: How well the metric tells the twins apart.
        comparison: Model minus baseline.
        over: Edit minus random edit.
    """

    label: str
    estimates: Mapping[str, Estimate]
    controls: Mapping[str, Estimate]
    twins: Mapping[str, Mapping[str, Estimate]]
    auroc: Mapping[str, Estimate]
    comparison: Comparison | None
    over: Mapping[str, Comparison]


def metric_rows(finding: Finding, roles: Sequence[str]) -> list[ChainMetricRow]:
    """The table of `faithfulness` or `information_gain`, without metrics that have no number."""
    labels = METRICS if finding.diagnostic == "faithfulness" else GAINS
    rows = [_metric_row(finding, roles, key, label) for key, label in labels.items()]
    return [row for row in rows if row.estimates]


def _metric_row(finding: Finding, roles: Sequence[str], key: Filed, label: str) -> ChainMetricRow:
    condition, metric, part = key

    def estimates(condition: str, metric: str, part: Slice) -> dict[str, Estimate]:
        return by_role(finding, metric, roles, condition=condition, part=part)

    compare = partial(finding.comparison, metric, condition=condition, slice=part)
    over = {role: compare(role=role, versus="control") for role in roles}
    return ChainMetricRow(
        label=label,
        estimates=estimates(*key),
        controls=estimates(*CONTROLS[key]) if key in CONTROLS else {},
        twins={twin: {} if condition else estimates(twin, metric, part) for twin in TWINS},
        auroc=estimates(condition, auroc_of(metric), part),
        comparison=compare(),
        over={role: found for role, found in over.items() if found},
    )


def curve(finding: Finding, roles: Sequence[str]) -> Markup:
    """The share of final answers already given after each share of the chain, with both twins."""
    x, y = Scale(0.0, 1.0, 52, 332), Scale(0.0, 1.0, 168, 12)
    parts = rate_axis(y, 44, 340)
    parts += [label("mid", (x(tick), 188), f"{tick:.0%}") for tick in RATE_TICKS]
    said = []
    series = [(role, role, "") for role in ROLES if role in roles]
    series += [("null", roles[-1], CHAIN_ONLY), ("blind", roles[-1], QUESTION_ONLY)]
    for order, (kind, role, condition) in enumerate(series):
        there = [
            (each.slice.value, each.estimate)
            for each in finding.measures
            if (each.role, each.condition, each.metric) == (role, condition, "early_answer")
        ]
        shift = 4.0 * order - 2.0 * (len(series) - 1)
        points = [(x(float(share)) + shift, estimate) for share, estimate in there]
        for (a, first), (b, second) in pairwise(points):
            parts.append(line(f"whisker {kind}", (a, y(first.value)), (b, y(second.value))))
        for at, estimate in points:
            parts += point(kind, at, y, estimate)
        if there:
            named = condition.replace("_", " ") or role
            said.append(f"{named}: " + ", ".join(f"{s} {e.value:.2f}" for s, e in there))
    return drawing("ladder", (352, 198), "Early answers. " + "; ".join(said), parts)


@dataclass(frozen=True)
class Step:
    """A step of a chain: its text, its gain in nats, and the class that colours it."""

    text: str
    gain: float
    kind: str
    is_commitment: bool


@dataclass(frozen=True)
class View:
    """One chain on the page.

    Args:
        number: The problem's position in its file.
        own: The answer of the reply.
        gold: The reference answer.
        is_right: Whether they agree; None = unscored.
        effects: What each edit did to the answer: `{label: changed | same | unsure}`.
    """

    role: str
    number: int
    question: str
    own: str
    gold: str | None
    is_right: bool | None
    steps: tuple[Step, ...]
    effects: Mapping[str, str]
    notes: tuple[str, ...]


def views(run_dir: Path) -> list[View]:
    """The chains shown of a run: for each role, evenly spaced from the lowest to the highest gain."""
    table = run_dir / "chains.jsonl"
    if kind_of(table) is Kind.missing:
        return []
    rows: dict[str, list[Row]] = {}
    for row in standing(partial(read_lines, table)):
        if "scores" in row and row["places"][-1] <= MOST_CHARACTERS:
            rows.setdefault(row["role"], []).append(row)
    chosen = {
        (row["role"], row["condition"], row["key"]): row
        for of in rows.values()
        for row in _spread(of)
    }
    problems = io.read(run_dir / "problems.jsonl", profile="fixed")
    numbered = {p.id: (number, p.question) for number, p in enumerate(problems, 1)}
    found = []
    for reply in read_lines(run_dir / "responses.jsonl"):
        at = (reply["role"], reply["condition"], reply["problem"])
        if at in chosen and reply["sample"] == 0:
            found.append(_view(chosen[at], reply["raw"], *numbered[reply["problem"]]))
    return sorted(found, key=lambda view: (view.role, view.number))


def _spread(rows: list[Row]) -> list[Row]:
    """At most `MOST_CHAINS` rows, evenly spaced by gain."""
    rows = sorted(rows, key=lambda row: (_gain(row), row["key"]))
    if len(rows) <= MOST_CHAINS:
        return rows
    return [rows[round(i * (len(rows) - 1) / (MOST_CHAINS - 1))] for i in range(MOST_CHAINS)]


def _gain(row: Mapping[str, Any]) -> float:
    """The gain of the model's own answer in nats."""
    nats = row["scores"]["own"][0]
    return float(nats[-1] - nats[0])


def _view(row: Row, raw: str, number: int, question: str) -> View:
    nats, same = row["scores"]["own"][0], row["scores"]["same_own"][0]
    settled = next((k for k in range(len(same)) if all(each == 1 for each in same[k:])), None)
    steps = tuple(
        Step(
            text=raw[a:b],
            gain=nats[i + 1] - nats[i],
            kind=f"gain{sum(nats[i + 1] - nats[i] > edge for edge in BINS)}",
            is_commitment=settled == i + 1,
        )
        for i, (a, b) in enumerate(pairwise(row["places"]))
    )
    return View(
        role=row["role"],
        number=number,
        question=question,
        own=row["own"],
        gold=row["gold"],
        is_right=None if row["correct"] is None else row["correct"] == 1,
        steps=steps,
        effects=_effects(row, is_recalled=same[-1] == 1),
        notes=tuple(_notes(row, settled, same)),
    )


def _effects(row: Row, *, is_recalled: bool) -> dict[str, str]:
    """What each edit did; unsure if the complete chain does not lead to the answer of the reply."""
    effects = {None: "unsure", 0: "changed", 1: "same"}
    scores = row["scores"]
    found = {("", "without_chain", ALL): scores["same_own"][0][0]}
    found |= {_edit(n): each["same"] for n, each in scores["edits"].items() if "same" in each}
    if "mistake" in row.get("continued", {}):
        found[_edit("mistake", "continued")] = row["continued"]["mistake"]
    return {
        words: effects[found[key] if is_recalled else None]
        for key, words in METRICS.items()
        if key in found
    }


def _notes(row: Row, settled: int | None, same: Sequence[int | None]) -> Iterator[str]:
    if same[-1] != 1:
        yield (
            "Asked after the complete chain, the model does not give the answer of its reply, so the "
            "effect of the edits is unknown."
        )
    elif settled == 0:
        yield "The model gives its answer before the first step and keeps it."
    if row["n_steps"] > len(row["tokens"]):
        yield f"{row['n_steps']} steps, evaluated in {len(row['tokens'])} pieces."
