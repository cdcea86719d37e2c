r"""How much does a chain tell its model about the answer, and where?

After each step the model is asked for an answer, and the log-probability l_k of the right answer (and of
its own) is recorded, in nats. The gain of a chain is l_K - l_0. Its controls: the gain from another
problem's chain of the same length, because any text helps with the format; and the gain before the answer
is first named, because a chain that states its answer has given it away.

Source: Wu et al. 2025, "Knowledge or Reasoning?" (arXiv 2506.02126), section 3. Departs: the paper
averages drops of perplexity over steps, which telescopes to (PPL_0 - PPL_K)/K and so halves when the
same chain is cut twice as fine. Here the total in nats is the headline, means per step are compared only
if the numbers of steps agree within a tenth, and the paper's form is the metric `paper`. The paper's code
scores the whole sequence and divides by K + 1; both are left out. The paper's frozen scorer is the base
here (condition `external_reader`), beside the model itself.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar, final

from twofold.diagnostics.chain.collect import ChainDiagnostic
from twofold.diagnostics.chain.table import (
    Chains,
    Metric,
    MetricKey,
    Reading,
    precision_caveats,
    sample_caveats,
    twin_caveats,
    unmeasured_caveats,
    unread_caveats,
)
from twofold.diagnostics.chain.twins import TWINS
from twofold.diagnostics.row_table import holm_corrected
from twofold.stats import average, change, mean
from twofold.storage.jsonl import Row
from twofold.types import ALL, Contrast, Count, Finding, Measure, Problem, Slice

# Whose log-probability is measured: the right answer's, or that of the reply's own answer
GOLD, OWN = Slice("answer", "gold"), Slice("answer", "own")

# The relative difference of mean numbers of steps beyond which means per step are not compared
MOST_APART = 0.1

# The metrics that depend on how finely a chain is cut
PER_STEP = (("per_step", GOLD), ("per_step", OWN), ("paper", GOLD))

SHARES = ("commitment", "settled")  # The metrics that lie in [0, 1]

# The metrics that should tell the twins apart: on which side of the one that ignores its chain
# the one that sees nothing else lies (1 = above)
SIDES: Mapping[MetricKey, int] = {
    **{
        (name, whose): 1
        for name in ("total", "density", "per_step", "before_mention", "contrast")
        for whose in (GOLD, OWN)
    },
    ("paper", GOLD): 1,
    ("commitment", OWN): 1,
    ("settled", OWN): -1,
}

# The metrics compared between model and baseline, one Holm family (with `PER_STEP` where
# allowed)
COMPARED = (
    ("total", GOLD),
    ("total", OWN),
    ("contrast", GOLD),
    ("before_mention", GOLD),
    ("density", GOLD),
)


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
            model), `chain_only` and `question_only` (the twins), and `METRIC_auroc`, how well a metric
            tells the twins apart. Contrasts: `model` versus `baseline`.
        """
        chains = Chains(rows, problems, seed)
        measures = [each for role in chains.roles for each in _measures(chains, role)]
        contrasts, refused = _changes(chains)
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=measures,
            contrasts=contrasts,
            counts=[
                Count(role=role, metric=metric, n=len(found))
                for role in chains.roles
                for metric, found in (
                    ("replies", chains.table.select(role)),
                    ("read", chains.readings(role)),
                )
            ],
            caveats=(
                *unread_caveats(chains),
                *_named_in_question(chains),
                *sample_caveats(chains),
                *twin_caveats(chains, measures),
                *unmeasured_caveats(chains, METRICS, measures),
                *refused,
                *precision_caveats(chains),
            ),
        )


def total(reading: Reading, whose: str) -> float | None:
    """l_K - l_0, nats."""
    nats = reading.nats(whose)
    return None if nats is None else float(nats[-1] - nats[0])


def density(reading: Reading, whose: str) -> float | None:
    """Nats per 100 tokens of the chain."""
    whole = total(reading, whose)
    return None if whole is None else 100 * whole / reading.n_tokens


def per_step(reading: Reading, whose: str) -> float | None:
    """The mean of l_k - l_(k-1) over all steps, counting merged steps singly."""
    whole = total(reading, whose)
    return None if whole is None else whole / int(reading.row["n_steps"])


def before_mention(reading: Reading, whose: str) -> float | None:
    """The gain before the step that first names the answer; the total if none does."""
    nats = reading.nats(whose)
    if nats is None:
        return None
    at = reading.scores.get("mention", reading.row["mention"])[whose]
    return float(nats[-1 if at is None else at] - nats[0])


def irrelevant(reading: Reading, whose: str) -> float | None:
    """The gain from another problem's chain, cut to this one's length."""
    curves, other = reading.scores.get(whose), reading.scores["edits"].get("other_chain", {})
    return float(other[whose]) - float(curves[0][0]) if curves and whose in other else None


def contrast(reading: Reading, whose: str) -> float | None:
    """The chain's own gain minus the irrelevant chain's, both in the first wording."""
    other = irrelevant(reading, whose)
    if other is None:
        return None
    first = reading.scores[whose][0]
    return float(first[-1]) - float(first[0]) - other


def commitment(reading: Reading) -> float | None:
    """The share of the chain's tokens before the greedy answer is final."""
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
    """The paper's form: the mean drop of the gold answer's perplexity per step."""
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


# The metrics of each chain
METRICS: Mapping[MetricKey, Metric] = {
    **{
        (metric.__name__, whose): partial(metric, whose=whose.value)
        for metric in (total, density, per_step, before_mention, irrelevant, contrast)
        for whose in (GOLD, OWN)
    },
    ("commitment", OWN): commitment,
    ("settled", OWN): settled,
    ("paper", GOLD): paper,
    ("wording", OWN): wording,
    ("steps", ALL): lambda reading: float(reading.row["n_steps"]),
    ("tokens", ALL): lambda reading: float(reading.n_tokens),
}

# What is measured for the external reader
_EXTERNAL = (("total", GOLD), ("total", OWN), ("density", GOLD))


def _measures(chains: Chains, role: str) -> Iterator[Measure]:
    """Every estimate of a role."""
    for condition, keys, readings in (
        ("", METRICS, chains.readings(role)),
        ("external_reader", _EXTERNAL, chains.readings(role, "external_reader")),
        *((twin, SIDES, chains.readings(role, twin)) for twin in TWINS),
    ):
        for key in keys:
            estimator = mean if key[0] in SHARES else average
            yield from chains.measure(role, condition, key, METRICS[key], readings, estimator)
    for key, sign in SIDES.items():
        yield from chains.auroc(role, key, METRICS[key], sign)


def _changes(chains: Chains) -> tuple[list[Contrast], list[str]]:
    """Model minus baseline by problem, Holm over all; and a caveat on what is not compared."""
    if not chains.table.is_pair:
        return [], []
    old, new = chains.readings("baseline"), chains.readings("model")
    steps = [{r.row["key"]: int(r.row["n_steps"]) for r in readings} for readings in (old, new)]
    shared = steps[0].keys() & steps[1].keys()
    if not shared:
        return [], [
            "No problem has a readable chain from both model and baseline: nothing is compared."
        ]
    before, after = (sum(n[key] for key in shared) / len(shared) for n in steps)
    is_alike = abs(after / before - 1) <= MOST_APART + 1e-9
    contrasts = holm_corrected(
        each
        for key in COMPARED + (PER_STEP if is_alike else ())
        for each in chains.contrast(
            ("model", "baseline", ""), key, (METRICS[key], old), (METRICS[key], new), change
        )
    )
    refused = (
        f"Means per step are not compared: the chains have {after:.1f} and {before:.1f} steps on "
        "average, and the same gain spread over more steps is less per step."
    )
    return contrasts, [] if is_alike else [refused]


def _named_in_question(chains: Chains) -> Iterator[str]:
    """A caveat on answers that the question already names."""
    for role in chains.roles:
        readings = chains.readings(role)
        n = sum(bool(reading.row.get("in_question")) for reading in readings)
        if n:
            yield (
                f"{role}: the question itself names the answer of {n} of {len(readings)} chains; in these, "
                "the first mention need not be the step that found the answer."
            )
