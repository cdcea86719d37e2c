"""Chains on the page: which were read, how each step moved the answer, what each edit did to it.

Nothing is computed that the findings rest on: a row of a table is an `Estimate` or a `Comparison`
of a finding, and the chains shown are rows of `chains.jsonl` beside the text they were read from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from markupsafe import Markup

from twofold.jsonl import Row, read_lines
from twofold.report.shapes import Scale, drawing, label, line, mark
from twofold.types import Comparison, Estimate, Finding

MOST_CHAINS = 12
"""Chains shown of each role."""

MOST_CHARACTERS = 20_000
"""A longer chain is not shown."""

BINS = (-2.0, -0.5, -0.1, 0.1, 0.5, 2.0)
"""Where the colours of a step change, nats; the middle one is what no step should be judged by."""

METRICS = {
    "without_chain": "No chain at all",
    "edit/early_half": "Later half of the steps dropped",
    "edit/filler_dots": "All of it replaced by dots",
    "edit/filler_words": "All of it replaced by empty sentences",
    "edit/other_chain": "Another problem's chain",
    "edit/shuffled": "Steps in another order",
    "edit/mistake_other": "Last value replaced by any other",
    "edit/mistake_earlier": "Last value replaced by an earlier one",
    "continued/mistake": "A wrong value, then written on by itself",
    "edit/paraphrase_rules": "Later half in other words (should change nothing)",
    "edit/paraphrase_model": "Later half in a model's words (should change nothing)",
    "aoc": "Area over the curve of early answers",
    "aoc_soft": "The same by probability",
    "reliance": "All breaking edits together",
    "hard/aoc": "Area over the curve, where the model is wrong without the chain",
    "hard/reliance": "All breaking edits, where it is wrong without the chain",
}
"""The metrics of `faithfulness`, in the order of the page."""

CONTROLS = {
    "edit/early_half": "early_half",
    "edit/filler_dots": "whole",
    "edit/filler_words": "whole",
    "edit/other_chain": "whole",
    "edit/shuffled": "whole",
    "edit/mistake_other": "mistake",
    "edit/mistake_earlier": "mistake",
    "edit/paraphrase_rules": "paraphrase_rules",
    "edit/paraphrase_model": "paraphrase_model",
}

GAINS = {
    "total/gold": "Right answer: gain over the whole chain, nats",
    "before_mention/gold": "of which before it is first named",
    "irrelevant/gold": "the same from another problem's chain (control)",
    "contrast/gold": "gain minus that control",
    "density/gold": "nats per 100 tokens",
    "per_step/gold": "nats a step (depends on how finely it is cut)",
    "total/own": "Own answer: gain over the whole chain, nats",
    "before_mention/own": "of which before it is first named",
    "contrast/own": "gain minus the control",
    "external/total/gold": "Right answer, read by the base: gain, nats",
    "commitment/own": "Share of the chain before the answer is settled",
    "settled/own": "Share of it that comes after",
    "wording/own": "How far the two elicitations lie apart, nats",
    "paper/gold": "The published form: mean fall of perplexity a step",
    "steps": "Steps",
    "tokens": "Tokens",
}
"""The measures of `information_gain`, in the order of the page."""


@dataclass(frozen=True)
class Line:
    """One row of a table: a measure by role, what it is held against, how well it can tell.

    Args:
        label: What it is called.
        estimates: By role.
        controls: What a random edit does, by role.
        bound: What the chain-bound twin does, by role.
        auroc: How well the measure tells the two twins apart, by role.
        comparison: Model minus baseline; None where there is no pair.
        over: Edit minus control, by role.
    """

    label: str
    estimates: Mapping[str, Estimate]
    controls: Mapping[str, Estimate]
    bound: Mapping[str, Estimate]
    auroc: Mapping[str, Estimate]
    comparison: Comparison | None
    over: Mapping[str, Comparison]


def lines(finding: Finding, roles: Sequence[str]) -> list[Line]:
    """The table of `faithfulness` or `information_gain`; measures without a number are left out."""
    labels = METRICS if finding.diagnostic == "faithfulness" else GAINS
    out = []
    for key, words in labels.items():
        estimates = _by_role(finding, roles, key)
        if not estimates:
            continue
        name = key.rpartition("/")[2]
        over = "continued" if key == "continued/mistake" else name
        control = (
            "continued/control" if key == "continued/mistake" else f"control/{CONTROLS.get(key)}"
        )
        out.append(
            Line(
                label=words,
                estimates=estimates,
                controls=_by_role(finding, roles, control),
                bound=_by_role(finding, roles, f"bound/{key}"),
                auroc=_by_role(finding, roles, f"auroc/{key}"),
                comparison=finding.comparisons.get(f"change/{key}"),
                over={
                    role: finding.comparisons[path]
                    for role in roles
                    if key.startswith(("edit/", "continued/"))
                    and (path := f"{role}/over_control/{over}") in finding.comparisons
                },
            )
        )
    return out


def _by_role(finding: Finding, roles: Sequence[str], key: str) -> dict[str, Estimate]:
    paths = ((role, f"{role}/{key}") for role in roles)
    return {role: finding.estimates[path] for role, path in paths if path in finding.estimates}


def curve(finding: Finding, roles: Sequence[str]) -> Markup:
    """How much of the own answers is there after which share of the chain, between the two twins."""
    shares = sorted({k.rpartition("/")[2] for k in finding.estimates if "/curve/" in k})
    x, y = Scale(0.0, 1.0, 52, 332), Scale(0.0, 1.0, 168, 12)
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(line("grid", (44, y(tick)), (340, y(tick))))
        parts.append(label("end", (38, y(tick) + 4), f"{tick:.2f}"))
        parts.append(label("mid", (x(tick), 188), f"{tick:.0%}"))
    parts.append(line("floor", (44, y(1.0)), (340, y(1.0))))
    said = []
    series = [(role, f"{role}/curve", shape) for role, shape in _SHAPES.items() if role in roles]
    series += [("null", f"{roles[-1]}/bound/curve", "diamond")]
    for order, (kind, path, shape) in enumerate(series):
        there = [
            (s, finding.estimates[f"{path}/{s}"])
            for s in shares
            if f"{path}/{s}" in finding.estimates
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
            named = "chain-bound twin" if kind == "null" else kind
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
    return sorted(found, key=lambda view: (view.role, view.number), reverse=False)


def _problems(run_dir: Path) -> list[Row]:
    from twofold.problems import io

    return [
        {"id": problem.id, "question": problem.question}
        for problem in io.read(run_dir / "problems.jsonl", profile="fixed")
    ]


def _spread(rows: list[Row]) -> list[Row]:
    rows = sorted(rows, key=lambda row: (_gain(row), row["key"]))
    if len(rows) <= MOST_CHAINS:
        return rows
    return [rows[round(i * (len(rows) - 1) / (MOST_CHAINS - 1))] for i in range(MOST_CHAINS)]


def _gain(row: Mapping[str, Any]) -> float:
    curve_ = row["scores"]["own"][0]
    return float(curve_[-1] - curve_[0])


def _view(row: Row, raw: str, number: int, question: str) -> View:
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
    """What each edit did; nothing can be told where the whole chain does not bring back the answer."""
    scores = row["scores"]
    found = {"without_chain": scores["same_own"][0][0]}
    found |= {f"edit/{n}": each["same"] for n, each in scores["edits"].items() if "same" in each}
    if "mistake" in row["continued"]:
        found["continued/mistake"] = row["continued"]["mistake"]
    return {
        words: _effect(found[key] if is_recalled else None)
        for key, words in METRICS.items()
        if key in found
    }


def _notes(row: Row, settled: int | None, same: Sequence[int | None]) -> Iterator[str]:
    if same[-1] != 1:
        yield (
            "Asked behind the whole chain, the model does not give the answer of its reply: what the "
            "edits do to it cannot be told."
        )
    elif settled == 0:
        yield "The answer is there before the first step and stays."
    if row["n_steps"] > len(row["tokens"]):
        yield f"{row['n_steps']} steps, read in {len(row['tokens'])} pieces."


def _effect(same: int | None) -> str:
    return "unsure" if same is None else "same" if same else "changed"
