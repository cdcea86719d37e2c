"""What does the token-level panel look like? Its numbers by whose replies were read, and two curves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from twofold.diagnostics.elicitation.token_shift.collect import NAME, NULL
from twofold.diagnostics.elicitation.token_shift.measures import N_PARTS, RATIO, SPARSE
from twofold.report.figures import point
from twofold.report.shapes import RATE_TICKS, Scale, drawing, label, line, rate_axis
from twofold.types import Estimate, Finding, Slice

WHOSE = {
    "model": "The tuned model's replies, read by its base",
    "baseline": "The base's replies, read by the tuned model",
    NULL: "The base's replies, read by the base",
}
METRICS = {
    "unshifted": "Tokens that are the reader's first choice",
    "marginal": "Its second or third",
    "shifted": "Beyond its third",
    "kl": "KL divergence of the reader, nats a token",
    "js": "Jensen–Shannon divergence, nats a token",
    SPARSE: "Share of the KL in 5 % of the tokens (evenly spread: 0.05)",
    "perplexity": "Median perplexity for the reader",
    RATIO: "Perplexity ratio: for the base, the tuned model's replies / its own",
}
CURVES = {"shifted": "Share of tokens beyond the reader's third choice", "kl": "KL, nats a token"}


@dataclass(frozen=True)
class ShiftRow:
    """One metric, by whose replies were read."""

    label: str
    estimates: Mapping[str, Estimate]


def rows(finding: Finding) -> list[ShiftRow]:
    """The numbers of whole replies; empty where nothing was measured."""
    found = [ShiftRow(words, _by_role(finding, metric)) for metric, words in METRICS.items()]
    return [row for row in found if row.estimates]


def _by_role(finding: Finding, metric: str) -> dict[str, Estimate]:
    return {
        role: each
        for role in WHOSE
        if (each := finding.estimate(metric, role=role, condition=NAME)) is not None
    }


def curve(finding: Finding, metric: str) -> Markup:
    """A metric over the tenths of a reply, for each side and for the base against itself."""
    series = {role: dict(_tenths(finding, metric, role)) for role in WHOSE}
    there = [each for of in series.values() for each in of.values()]
    if not there:
        return Markup("")
    top = 1.0 if metric == "shifted" else max(each.value for each in there) * 1.25 or 1.0
    x, y = Scale(1.0, float(N_PARTS), 68, 328), Scale(0.0, top, 168, 12)
    drawn = rate_axis(y, 56, 340, [tick * top for tick in RATE_TICKS])
    drawn += [label("mid", (x(i), 188), str(i)) for i in range(1, N_PARTS + 1)]
    words = []
    for order, (role, of) in enumerate(series.items()):
        shift = 4.0 * (order - 1)
        for (i, first), (j, second) in pairwise(of.items()):
            ends = (x(i) + shift, y(first.value)), (x(j) + shift, y(second.value))
            drawn.append(line(f"whisker {role}", *ends))
        for i, each in of.items():
            drawn += point(role, x(i) + shift, y, each)
        if of:
            words.append(
                f"{WHOSE[role]}: " + ", ".join(f"{i} {e.value:.2f}" for i, e in of.items())
            )
    said = f"{CURVES[metric]}, by tenth of the reply. " + "; ".join(words)
    return drawing("ladder", (352, 198), said, drawn)


def _tenths(finding: Finding, metric: str, role: str) -> Iterator[tuple[int, Estimate]]:
    for i in range(1, N_PARTS + 1):
        part = Slice("tenth", str(i))
        each = finding.estimate(metric, role=role, condition=NAME, slice=part)
        if each is not None:
            yield i, each
