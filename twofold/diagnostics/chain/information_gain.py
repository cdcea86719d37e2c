r"""How much does a chain tell its writer about the answer, and where?

After each step the model is asked for an answer, and the log-probability of the right answer (and of
its own) is noted: l_k, in nats. The gain of a chain is l_K - l_0. Beside it stand the gain from another
problem's chain of the same length, because any text helps with the format; the gain before the answer is
first named, because a chain that states its answer has given it away; and the step from which the answer
no longer changes.

Source: Wu et al. 2025, "Knowledge or Reasoning?" (arXiv 2506.02126), section 3. Departs: the paper
averages falls of perplexity over steps, which telescopes to (PPL_0 - PPL_K)/K and so halves when the
same chain is cut twice as fine. Here the total in nats leads, means per step are compared only where
the numbers of steps agree within a tenth, and the paper's form is the metric `paper`. The paper's code
scores the whole sequence and divides by K + 1; both are left out. The paper's frozen scorer is the base
here (condition `external_reader`), beside the model itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.diagnostics.chain.collect import ChainDiagnostic
from twofold.diagnostics.chain.table import (
    Chains,
    Metric,
    MetricKey,
    Reading,
    auroc_of,
    named_in_question_caveats,
    precision_caveats,
    unmeasured_caveats,
    unread_caveats,
)
from twofold.diagnostics.row_table import compared, filed, holm_corrected
from twofold.stats import average, change, mean
from twofold.storage.jsonl import Row
from twofold.types import ALL, Contrast, Count, Finding, Measure, Problem, Slice

GOLD, OWN = Slice("answer", "gold"), Slice("answer", "own")
"""Whose log-probability is measured: the right answer's, or that of the reply's own answer."""

MOST_APART = 0.1
"""The relative difference of mean numbers of steps beyond which means per step are not compared."""

PER_STEP = (("per_step", GOLD), ("per_step", OWN), ("paper", GOLD))
"""The metrics that depend on how finely a chain is cut."""

SHARES = ("commitment", "settled")
"""The metrics that lie in [0, 1]."""

QUESTION_ONLY: Mapping[MetricKey, tuple[float, int]] = {
    **{
        (name, whose): (0.0, 1)
        for name in ("total", "density", "per_step", "before_mention", "contrast")
        for whose in (GOLD, OWN)
    },
    ("paper", GOLD): (0.0, 1),
    ("commitment", OWN): (0.0, 1),
    ("settled", OWN): (1.0, -1),
}
"""Each metric's value for the question-only control, which no chain reaches, and on which side of it the
chain-only control lies (1 = above)."""

COMPARED = (
    ("total", GOLD),
    ("total", OWN),
    ("contrast", GOLD),
    ("before_mention", GOLD),
    ("density", GOLD),
)
"""The metrics compared between model and baseline, one Holm family (with `PER_STEP` where allowed)."""


@final
@dataclass(frozen=True)
class InformationGain(ChainDiagnostic):
    """The gain of each chain, in nats, with its controls."""

    name: ClassVar[str] = "information_gain"
    question: ClassVar[str] = "How much does the chain tell the model about the answer, and where?"

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Gains by role, and their change.

        Returns:
            Measures, by answer (`gold`, `own`): `METRICS` for the model, `external_reader` (another
            model) and `chain_only` (that control), and `METRIC_auroc`, how well a metric separates the
            chain-only from the question-only control. Contrasts: `model` versus `baseline`.
        """
        table = Chains(rows, problems, seed)
        measures = [each for role in table.roles() for each in _measures(table, role)]
        contrasts, refused = _changes(table)
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=tuple(measures),
            contrasts=tuple(contrasts),
            counts=tuple(
                Count(role=role, metric=metric, n=len(found))
                for role in table.roles()
                for metric, found in (
                    ("replies", table.rows(role)),
                    ("read", table.readings(role)),
                )
            ),
            caveats=(
                *unread_caveats(table),
                *named_in_question_caveats(table),
                *unmeasured_caveats(table, METRICS, measures),
                *refused,
                *precision_caveats(table),
            ),
        )


def total(whose: str) -> Metric:
    """l_K - l_0, nats."""

    def gain(reading: Reading) -> float | None:
        nats = reading.nats(whose)
        return None if nats is None else float(nats[-1] - nats[0])

    return gain


def density(whose: str) -> Metric:
    """Nats per 100 tokens of the chain."""

    def gain(reading: Reading) -> float | None:
        whole = total(whose)(reading)
        return None if whole is None else 100 * whole / reading.n_tokens

    return gain


def per_step(whose: str) -> Metric:
    """The mean of l_k - l_(k-1) over all steps, those that were read together counted singly."""

    def gain(reading: Reading) -> float | None:
        whole = total(whose)(reading)
        return None if whole is None else whole / int(reading.row["n_steps"])

    return gain


def before_mention(whose: str) -> Metric:
    """The gain before the step that first names the answer; the total if none does."""

    def gain(reading: Reading) -> float | None:
        nats = reading.nats(whose)
        if nats is None:
            return None
        at = reading.row["mention"][whose]
        return float(nats[-1 if at is None else at] - nats[0])

    return gain


def irrelevant(whose: str) -> Metric:
    """The gain from another problem's chain, cut to this one's length."""

    def gain(reading: Reading) -> float | None:
        curves, other = reading.scores.get(whose), reading.scores["edits"].get("other_chain", {})
        if not curves or whose not in other:
            return None
        return float(other[whose]) - float(curves[0][0])

    return gain


def contrast(whose: str) -> Metric:
    """The chain's own gain minus the irrelevant chain's, both in the first wording."""

    def gain(reading: Reading) -> float | None:
        other = irrelevant(whose)(reading)
        curves = reading.scores.get(whose)
        if other is None or not curves:
            return None
        return float(curves[0][-1]) - float(curves[0][0]) - other

    return gain


def commitment(reading: Reading) -> float | None:
    """The share of the chain's tokens before the greedy answer stays the final one."""
    same = reading.same()
    if not reading.is_recalled or None in same:
        return None
    first = next(k for k in range(len(same)) if all(same[k:]))
    tokens: list[int] = reading.row["tokens"]
    return sum(tokens[:first]) / reading.n_tokens


def settled(reading: Reading) -> float | None:
    """The share of the chain's tokens that come after the point of commitment."""
    share = commitment(reading)
    return None if share is None else 1 - share


def paper(reading: Reading) -> float | None:
    """The paper's form: the mean fall of the gold answer's perplexity a step."""
    nats, n = reading.nats("gold"), reading.scores.get("n_gold")
    if nats is None or not n:
        return None
    first, last = (math.exp(min(-x / n, 700.0)) for x in (nats[0], nats[-1]))
    return (first - last) / int(reading.row["n_steps"])


def wording(reading: Reading) -> float | None:
    """The difference between the gains under the two elicitations, nats."""
    curves = reading.scores.get("own")
    if not curves:
        return None
    gains = [curve[-1] - curve[0] for curve in curves]
    return float(max(gains) - min(gains))


METRICS: Mapping[MetricKey, Metric] = {
    **{
        (name, whose): metric(whose.value)
        for name, metric in (
            ("total", total),
            ("density", density),
            ("per_step", per_step),
            ("before_mention", before_mention),
            ("irrelevant", irrelevant),
            ("contrast", contrast),
        )
        for whose in (GOLD, OWN)
    },
    ("commitment", OWN): commitment,
    ("settled", OWN): settled,
    ("paper", GOLD): paper,
    ("wording", OWN): wording,
    ("steps", ALL): lambda reading: float(reading.row["n_steps"]),
    ("tokens", ALL): lambda reading: float(reading.n_tokens),
}
"""The metrics of each chain."""

_EXTERNAL = (("total", GOLD), ("total", OWN), ("density", GOLD))
"""What is measured for the external reader."""


def _measures(table: Chains, role: str) -> Iterator[Measure]:
    """Every estimate of a role."""
    chain_only = table.readings(role, "chain_only")
    for condition, keys, readings in (
        ("", METRICS, table.readings(role)),
        ("external_reader", _EXTERNAL, table.readings(role, "external_reader")),
        ("chain_only", QUESTION_ONLY, chain_only),
    ):
        for name, whose in keys:
            estimator = mean if name in SHARES else average
            estimate = table.estimate(METRICS[name, whose], readings, estimator)
            yield from filed(role, name, estimate, condition=condition, slice=whose)
    for (name, whose), (value, sign) in QUESTION_ONLY.items():
        estimate = table.auroc(METRICS[name, whose], chain_only, value, sign)
        yield from filed(role, auroc_of(name), estimate, slice=whose)


def _changes(table: Chains) -> tuple[list[Contrast], list[str]]:
    """Model minus baseline by problem, Holm over all; and what is not compared, and why."""
    if not table.is_pair:
        return [], []
    steps = _mean_steps(table)
    if steps is None:
        return [], [
            "No problem has a readable chain from both model and baseline: nothing is compared."
        ]
    old, new = table.readings("baseline"), table.readings("model")
    is_alike = abs(steps["model"] / steps["baseline"] - 1) <= MOST_APART + 1e-9
    contrasts: list[Contrast] = []
    for name, whose in COMPARED + (PER_STEP if is_alike else ()):
        metric = METRICS[name, whose]
        found = table.difference((metric, old), (metric, new), change)
        contrasts += compared("model", "baseline", name, found, slice=whose)
    refused = (
        "Means per step are not compared: the chains have "
        f"{steps['model']:.1f} and {steps['baseline']:.1f} steps on average, and the same gain "
        "spread over more steps is less per step."
    )
    return holm_corrected(contrasts), [] if is_alike else [refused]


def _mean_steps(table: Chains) -> dict[str, float] | None:
    """The mean number of steps by role on the problems compared; None if there are none."""
    steps = {
        role: {r.row["key"]: int(r.row["n_steps"]) for r in table.readings(role)}
        for role in ("model", "baseline")
    }
    shared = steps["model"].keys() & steps["baseline"].keys()
    if not shared:
        return None
    return {role: sum(n[key] for key in shared) / len(shared) for role, n in steps.items()}
