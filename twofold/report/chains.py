"""Chains on the page: which were read, how each step moved the answer, what each edit did to it.

Nothing new is measured here: every number of a table is an `Estimate` or a `Comparison` of a finding,
and the chains shown are rows of `chains.jsonl` beside the reply's text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from markupsafe import Markup

from twofold.diagnostics.chain.faithfulness import BREAKING, KEEPING
from twofold.diagnostics.chain.information_gain import GOLD, OWN
from twofold.diagnostics.chain.table import auroc_of
from twofold.report.shapes import Scale, drawing, label, line, mark
from twofold.storage.jsonl import Row, read_lines
from twofold.types import ALL, Comparison, Estimate, Finding, Slice

MOST_CHAINS = 12
"""Chains shown of each role."""

MOST_CHARACTERS = 20_000
"""A longer chain is not shown."""

BINS = (-2.0, -0.5, -0.1, 0.1, 0.5, 2.0)
"""Gains at which the colour of a step changes, nats; the middle colour means no clear change."""

Filed = tuple[str, str, Slice]
"""The condition, metric and slice of a measure."""


def _edit(name: str, condition: str = "") -> Filed:
    """Answers that an edit changes."""
    return condition, "answer_changed", Slice("edit", name)


METRICS: Mapping[Filed, str] = {
    ("", "without_chain", ALL): "No chain at all",
    _edit("early_half"): "Later half of the steps dropped",
    _edit("filler_dots"): "All of it replaced by dots",
    _edit("filler_words"): "All of it replaced by empty sentences",
    _edit("other_chain"): "Another problem's chain",
    _edit("shuffled"): "Steps in another order",
    _edit("mistake_other"): "Last value replaced by any other",
    _edit("mistake_earlier"): "Last value replaced by an earlier one",
    _edit("mistake", "continued"): "A wrong value, and the rest generated anew",
    _edit("paraphrase_rules"): "Later half paraphrased by rules (should change nothing)",
    _edit("paraphrase_model"): "Later half paraphrased by a model (should change nothing)",
    ("", "aoc", ALL): "Area over the curve of early answers",
    ("", "aoc_soft", ALL): "The same by probability",
    ("", "reliance", ALL): "All breaking edits together",
    ("hard", "aoc", ALL): "Area over the curve, where the model is wrong without the chain",
    ("hard", "reliance", ALL): "All breaking edits, where it is wrong without the chain",
}
"""The metrics of `faithfulness`, in the order of the page."""

CONTROLS: Mapping[Filed, Filed] = {
    **{_edit(name): _edit(control, "control") for name, control in (BREAKING | KEEPING).items()},
    _edit("mistake", "continued"): _edit("control", "continued"),
}
"""The random edit beside each edit."""

GAINS: Mapping[Filed, str] = {
    ("", "total", GOLD): "Right answer: gain over the whole chain, nats",
    ("", "before_mention", GOLD): "of which before it is first named",
    ("", "irrelevant", GOLD): "the same from another problem's chain (control)",
    ("", "contrast", GOLD): "gain minus that control",
    ("", "density", GOLD): "nats per 100 tokens",
    ("", "per_step", GOLD): "nats per step (depends on how finely the chain is cut)",
    ("", "total", OWN): "Own answer: gain over the whole chain, nats",
    ("", "before_mention", OWN): "of which before it is first named",
    ("", "contrast", OWN): "gain minus the control",
    ("external_reader", "total", GOLD): "Right answer, read by the base: gain, nats",
    ("", "commitment", OWN): "Share of the chain before the answer is settled",
    ("", "settled", OWN): "Share of it that comes after",
    ("", "wording", OWN): "Difference between the two elicitations, nats",
    ("", "paper", GOLD): "The published form: mean fall of perplexity per step",
    ("", "steps", ALL): "Steps",
    ("", "tokens", ALL): "Tokens",
}
"""The metrics of `information_gain`, in the order of the page."""


@dataclass(frozen=True)
class ChainMetricRow:
    """One row of a table: a metric beside its controls.

    Args:
        label: What it is called.
        estimates: By role.
        controls: The random edit's estimates, by role.
        chain_only: The chain-only control's estimates, by role.
        auroc: How well the metric separates the chain-only from the question-only control, by role.
        comparison: Model minus baseline; None where there is no pair.
        over: Edit minus random edit, by role.
    """

    label: str
    estimates: Mapping[str, Estimate]
    controls: Mapping[str, Estimate]
    chain_only: Mapping[str, Estimate]
    auroc: Mapping[str, Estimate]
    comparison: Comparison | None
    over: Mapping[str, Comparison]


def metric_rows(finding: Finding, roles: Sequence[str]) -> list[ChainMetricRow]:
    """The table of `faithfulness` or `information_gain`; metrics without a number are left out."""
    labels = METRICS if finding.diagnostic == "faithfulness" else GAINS
    out = []
    for key, words in labels.items():
        condition, metric, part = key
        estimates = _by_role(finding, roles, key)
        if not estimates:
            continue
        over = {
            role: finding.comparison(
                metric, role=role, versus="control", condition=condition, slice=part
            )
            for role in roles
        }
        out.append(
            ChainMetricRow(
                label=words,
                estimates=estimates,
                controls=_by_role(finding, roles, CONTROLS.get(key)),
                chain_only=_by_role(
                    finding, roles, None if condition else ("chain_only", metric, part)
                ),
                auroc=_by_role(finding, roles, (condition, auroc_of(metric), part)),
                comparison=finding.comparison(metric, condition=condition, slice=part),
                over={role: found for role, found in over.items() if found},
            )
        )
    return out


def _by_role(finding: Finding, roles: Sequence[str], key: Filed | None) -> dict[str, Estimate]:
    """The estimates filed under a key; none without a key."""
    if key is None:
        return {}
    condition, metric, part = key
    found = {r: finding.estimate(metric, role=r, condition=condition, slice=part) for r in roles}
    return {role: estimate for role, estimate in found.items() if estimate}


def curve(finding: Finding, roles: Sequence[str]) -> Markup:
    """The share of own answers given after each share of the chain, beside both controls."""
    x, y = Scale(0.0, 1.0, 52, 332), Scale(0.0, 1.0, 168, 12)
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(line("grid", (44, y(tick)), (340, y(tick))))
        parts.append(label("end", (38, y(tick) + 4), f"{tick:.2f}"))
        parts.append(label("mid", (x(tick), 188), f"{tick:.0%}"))
    parts.append(line("floor", (44, y(1.0)), (340, y(1.0))))
    said = []
    series = [(role, role, "", shape) for role, shape in _SHAPES.items() if role in roles]
    series += [("null", roles[-1], "chain_only", "diamond")]
    for order, (kind, role, condition, shape) in enumerate(series):
        there = [
            (each.slice.value, each.estimate)
            for each in finding.measures
            if (each.role, each.condition, each.metric) == (role, condition, "early_answer")
        ]
        shift = 4.0 * order - 2.0 * (len(series) - 1)
        for (a, first), (b, second) in pairwise(there):
            ends = (x(float(a)) + shift, y(first.value)), (x(float(b)) + shift, y(second.value))
            parts.append(line(f"whisker {kind}", *ends))
        for share, estimate in there:
            at = x(float(share)) + shift
            parts.append(line(f"whisker {kind}", (at, y(estimate.low)), (at, y(estimate.high))))
            parts.append(mark(shape, kind, (at, y(estimate.value)), 4.5))
        if there:
            named = "chain only" if condition else role
            said.append(f"{named}: " + ", ".join(f"{s} {e.value:.2f}" for s, e in there))
    return drawing("ladder", (352, 198), "Early answers. " + "; ".join(said), parts)


_SHAPES = {"baseline": "ring", "model": "disc"}


@dataclass(frozen=True)
class Step:
    """A step of a chain on the page: its text, its gain, and the class that colours it."""

    text: str
    gain: float
    kind: str
    is_commitment: bool


@dataclass(frozen=True)
class View:
    """One chain on the page.

    Args:
        role: Whose it is.
        number: The problem's number in its file.
        question: What was asked.
        own: The answer of the reply.
        gold: The reference answer.
        is_right: Whether they agree; None = unscored.
        steps: The chain.
        effects: What each edit did to the answer: `{label: changed | same | unsure}`.
        notes: What a reader must know of this chain, a sentence each.
    """

    role: str
    number: int
    question: str
    own: str
    gold: str | None
    is_right: bool | None
    steps: tuple[Step, ...]
    effects: Mapping[str, str]
    notes: tuple[str, ...] = ()


def views(run_dir: Path) -> list[View]:
    """Chains of a run, evenly from the lowest to the highest gain; none if none was read."""
    table = run_dir / "chains.jsonl"
    if not table.exists():
        return []
    rows: dict[str, list[Row]] = {}
    for row in read_lines(table):
        if "scores" in row and row["places"][-1] <= MOST_CHARACTERS:
            rows.setdefault(row["role"], []).append(row)
    chosen = {
        (row["role"], row["condition"], row["key"]): row
        for of in rows.values()
        for row in _spread(of)
    }
    problems = {
        row["id"]: (number, row["question"]) for number, row in enumerate(_problems(run_dir), 1)
    }
    found = []
    for reply in read_lines(run_dir / "responses.jsonl"):
        at = (reply["role"], reply["condition"], reply["problem"])
        if at in chosen and reply["sample"] == 0:
            found.append(_view(chosen[at], reply["raw"], *problems[reply["problem"]]))
    return sorted(found, key=lambda view: (view.role, view.number))


def _problems(run_dir: Path) -> list[Row]:
    """Ids and questions, in the order of the file."""
    from twofold.problems import io

    return [
        {"id": problem.id, "question": problem.question}
        for problem in io.read(run_dir / "problems.jsonl", profile="fixed")
    ]


def _spread(rows: list[Row]) -> list[Row]:
    """At most `MOST_CHAINS`, evenly from the lowest to the highest gain."""
    rows = sorted(rows, key=lambda row: (_gain(row), row["key"]))
    if len(rows) <= MOST_CHAINS:
        return rows
    return [rows[round(i * (len(rows) - 1) / (MOST_CHAINS - 1))] for i in range(MOST_CHAINS)]


def _gain(row: Mapping[str, Any]) -> float:
    """The gain of the own answer, nats."""
    curve_ = row["scores"]["own"][0]
    return float(curve_[-1] - curve_[0])


def _view(row: Row, raw: str, number: int, question: str) -> View:
    """One chain, from its row and its reply."""
    nats, same = row["scores"]["own"][0], row["scores"]["same_own"][0]
    places = row["places"]
    settled = next((k for k in range(len(same)) if all(each == 1 for each in same[k:])), None)
    steps = tuple(
        Step(
            text=raw[a:b],
            gain=nats[i + 1] - nats[i],
            kind=f"gain{sum(nats[i + 1] - nats[i] > edge for edge in BINS)}",
            is_commitment=settled == i + 1,
        )
        for i, (a, b) in enumerate(pairwise(places))
    )
    correct = row["correct"]
    return View(
        role=row["role"],
        number=number,
        question=question,
        own=row["own"],
        gold=row["gold"],
        is_right=None if correct is None else correct == 1,
        steps=steps,
        effects=_effects(row, is_recalled=same[-1] == 1),
        notes=tuple(_notes(row, settled, same)),
    )


def _effects(row: Row, *, is_recalled: bool) -> dict[str, str]:
    """What each edit did, by its label; unsure if the whole chain does not give the reply's answer."""
    scores = row["scores"]
    found = {("", "without_chain", ALL): scores["same_own"][0][0]}
    found |= {_edit(n): each["same"] for n, each in scores["edits"].items() if "same" in each}
    if "mistake" in row["continued"]:
        found[_edit("mistake", "continued")] = row["continued"]["mistake"]
    return {
        words: _effect(found[key] if is_recalled else None)
        for key, words in METRICS.items()
        if key in found
    }


def _notes(row: Row, settled: int | None, same: Sequence[int | None]) -> Iterator[str]:
    """What a reader must know of this chain."""
    if same[-1] != 1:
        yield (
            "Asked after the whole chain, the model does not give the answer of its reply: what the "
            "edits do to it cannot be told."
        )
    elif settled == 0:
        yield "The answer is given before the first step and does not change."
    if row["n_steps"] > len(row["tokens"]):
        yield f"{row['n_steps']} steps, read in {len(row['tokens'])} pieces."


def _effect(same: int | None) -> str:
    """The word for what an edit did."""
    return "unsure" if same is None else "same" if same else "changed"
