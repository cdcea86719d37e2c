r"""How much does a chain tell its writer about the answer, and where?

After each step the model is asked for an answer, and the log-probability of the right one (and of
its own) is noted: l_k, in nats. The gain of a chain is l_K - l_0. Beside it stands the gain that a
chain from another problem of like length brings, because any text helps with the format; the part
that comes before the answer is first named, because a chain that states its answer has told it; and
the point from which the answer does not change any more.

Source: Wu et al. 2025, "Knowledge or Reasoning?" (arXiv 2506.02126), section 3. Departs: the paper
averages falls of perplexity over steps, which telescopes to (PPL_0 - PPL_K)/K and so halves when the
same chain is cut twice as fine; here the total in nats leads, a mean per step is compared only
where the numbers of steps agree within a tenth, and the paper's form is `paper/gold`. Its released code
scores the whole sequence and divides by K + 1; both are left out. The paper's frozen scorer is the
base here (`external/...`), beside the model itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from twofold.diagnostics.chain import collect as chains
from twofold.diagnostics.chain.table import (
    Chains,
    Column,
    Metric,
    Reading,
    both,
    column,
    named_in_question_in_words,
    noise_in_words,
    unmeasured_in_words,
    unread_in_words,
)
from twofold.diagnostics.diagnostic import Diagnostic, Subject
from twofold.errors import StatsError
from twofold.jsonl import Row
from twofold.stats import auroc, average, change, corrected, mean
from twofold.types import Comparison, Estimate, Finding, Model, Problem

MOST_APART = 0.1
"""By how much the mean numbers of steps may differ before means per step are not compared."""

PER_STEP = ("per_step/gold", "per_step/own", "paper/gold")
"""What depends on how finely a chain is cut."""

SHARES = ("commitment/own", "settled/own", "bound/commitment/own", "bound/settled/own")
"""What lies in [0, 1]."""

BLIND: Mapping[str, tuple[float, int]] = {
    **{
        f"{name}/{whose}": (0.0, 1)
        for name in ("total", "density", "per_step", "before_mention", "contrast")
        for whose in ("gold", "own")
    },
    "paper/gold": (0.0, 1),
    "commitment/own": (0.0, 1),
    "settled/own": (1.0, -1),
}
"""What each measure is for the twin that never sees its chain, by its making, and on which side of it
a chain-bound one lies (1 = above): what the AUROC is made of."""

COMPARED = ("total/gold", "total/own", "contrast/gold", "before_mention/gold", "density/gold")
"""The differences of which one family is made."""


@final
@dataclass(frozen=True)
class InformationGain(Diagnostic):
    """The gain of each chain, in nats, with its controls.

    Args:
        n_checked: How many chains are scored a second time, the plain way.
        paraphraser: Who puts chains in other words, besides rules; None = nobody.
    """

    name: ClassVar[str] = "information_gain"
    question: ClassVar[str] = "How much does the chain tell the model about the answer, and where?"
    needs_weights: ClassVar[bool] = True
    n_checked: int = 0
    paraphraser: Model | None = None

    @property
    def table(self) -> str:
        """Shared with `faithfulness`."""
        return chains.TABLE

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Read the chains; see `chains.collect`."""
        return chains.collect(subject, done, n_checked=self.n_checked, paraphraser=self.paraphraser)

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Gains by role, and their change.

        Returns:
            Estimates `ROLE/total/gold` and `/own` (nats), `density` (nats per 100 tokens), `per_step`,
            `before_mention`, `irrelevant` (the same with another problem's chain: the control),
            `contrast` (total minus irrelevant), `commitment/own` (share of the chain's tokens before
            the answer is settled), `settled/own` (share behind it), `paper/gold`, `steps`, `tokens`,
            `wording/own` (how far the two elicitations lie apart), `external/...` (another reader),
            `bound/...` (the twin that sees only the chain) and `auroc/...`, how well a measure tells it
            from the blind twin, of which each is known (`BLIND`).
            Comparisons `change/...`, model minus baseline.
        """
        table = Chains(rows, problems)
        work = _Analysis(table, seed)
        estimates: dict[str, Estimate] = {}
        for role in table.roles():
            estimates |= {f"{role}/{key}": e for key, e in work.role(role)}
        comparisons, refused = work.comparisons()
        counts = {
            f"{role}/{what}": n
            for role in table.roles()
            for what, n in (("replies", len(table.rows(role))), ("read", len(table.readings(role))))
        }
        return Finding(
            diagnostic=self.name,
            question=self.question,
            estimates=estimates,
            comparisons=comparisons,
            counts=counts,
            caveats=(
                *unread_in_words(table),
                *named_in_question_in_words(table),
                *unmeasured_in_words(table, METRICS, estimates),
                *refused,
                *noise_in_words(table),
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
    """The mean of l_k - l_(k-1) over all steps; it telescopes, so steps read together count apart."""

    def gain(reading: Reading) -> float | None:
        whole = total(whose)(reading)
        return None if whole is None else whole / int(reading.row["n_steps"])

    return gain


def before_mention(whose: str) -> Metric:
    """What was gained before the step that first names the answer; the total if none does."""

    def gain(reading: Reading) -> float | None:
        nats = reading.nats(whose)
        if nats is None:
            return None
        at = reading.row["mention"][whose]
        return float(nats[-1 if at is None else at] - nats[0])

    return gain


def irrelevant(whose: str) -> Metric:
    """The gain that another problem's chain, cut to this one's length, brings."""

    def gain(reading: Reading) -> float | None:
        curves, other = reading.scores.get(whose), reading.scores["edits"].get("other_chain", {})
        if not curves or whose not in other:
            return None
        return float(other[whose]) - float(curves[0][0])

    return gain


def contrast(whose: str) -> Metric:
    """The chain's own gain minus the irrelevant chain's, both under the first wording."""

    def gain(reading: Reading) -> float | None:
        other = irrelevant(whose)(reading)
        curves = reading.scores.get(whose)
        if other is None or not curves:
            return None
        return float(curves[0][-1]) - float(curves[0][0]) - other

    return gain


def commitment(reading: Reading) -> float | None:
    """The share of the chain's tokens after which the greedy answer is the final one for good."""
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
    """How far the gains of the two elicitations lie apart, nats."""
    curves = reading.scores.get("own")
    if not curves:
        return None
    gains = [curve[-1] - curve[0] for curve in curves]
    return float(max(gains) - min(gains))


METRICS: Mapping[str, Metric] = {
    **{
        f"{name}/{whose}": metric(whose)
        for name, metric in (
            ("total", total),
            ("density", density),
            ("per_step", per_step),
            ("before_mention", before_mention),
            ("irrelevant", irrelevant),
            ("contrast", contrast),
        )
        for whose in ("gold", "own")
    },
    "commitment/own": commitment,
    "settled/own": settled,
    "paper/gold": paper,
    "wording/own": wording,
    "steps": lambda reading: float(reading.row["n_steps"]),
    "tokens": lambda reading: float(reading.n_tokens),
}
"""Every number of a reading, by the key of its estimate."""


@final
@dataclass(frozen=True)
class _Analysis:
    chains: Chains
    seed: int

    def role(self, role: str) -> Iterator[tuple[str, Estimate]]:
        readings = self.chains.readings(role)
        for name, metric in METRICS.items():
            yield from self._named(name, column(self.chains, readings, metric))
        outside = self.chains.readings(role, "external")
        for name in ("total/gold", "total/own", "density/gold"):
            yield from self._named(f"external/{name}", column(self.chains, outside, METRICS[name]))
        twins = self.chains.readings(role, "bound")
        for name, (blind, sign) in BLIND.items():
            bound = column(self.chains, twins, METRICS[name])
            yield from self._named(f"bound/{name}", bound)
            if len(bound):
                told = [sign * value for value in bound.value]
                blinded = np.full(len(bound), sign * blind)
                yield f"auroc/{name}", auroc(told, blinded, n_unscored=bound.n_unscored)

    def _named(self, key: str, found: Column) -> Iterator[tuple[str, Estimate]]:
        estimate = mean if key in SHARES else average
        try:
            yield (
                key,
                estimate(found.value, found.problem, n_unscored=found.n_unscored, seed=self.seed),
            )
        except StatsError:
            return

    def comparisons(self) -> tuple[dict[str, Comparison], list[str]]:
        """Model minus baseline by problem, Holm over `COMPARED`; and what is not compared, and why."""
        if set(self.chains.roles()) != {"model", "baseline"}:
            return {}, []
        names, refused = list(COMPARED), []
        steps = self._mean_steps()
        if steps is None:
            return {}, [
                "No problem has a chain of both roles that could be read: nothing is compared."
            ]
        if abs(steps["model"] / steps["baseline"] - 1) <= MOST_APART + 1e-9:
            names += PER_STEP
        else:
            refused.append(
                "Means per step are not compared: the chains have "
                f"{steps['model']:.1f} and {steps['baseline']:.1f} steps on average, and the same "
                "information in more steps is less a step."
            )
        found = {}
        for name in names:
            old, new = (
                column(self.chains, self.chains.readings(role), METRICS[name])
                for role in ("baseline", "model")
            )
            shared, before, after, lost = both(old, new)
            try:
                found[f"change/{name}"] = change(
                    before, after, shared, n_unscored=lost, seed=self.seed
                )
            except StatsError:
                continue
        return corrected(found), refused

    def _mean_steps(self) -> dict[str, float] | None:
        """The mean number of steps by role, on the problems that are compared; None if there are none."""
        steps = {
            role: {r.row["key"]: int(r.row["n_steps"]) for r in self.chains.readings(role)}
            for role in ("model", "baseline")
        }
        shared = steps["model"].keys() & steps["baseline"].keys()
        if not shared:
            return None
        return {role: sum(n[key] for key in shared) / len(shared) for role, n in steps.items()}
