"""The tables of the planted pairs, in Markdown: what fired, the numbers behind it, and every arm."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import product
from typing import Any

from twofold.stats import average

from .measure import ARMS, LATER, MEMORISED, MUST, N_SAMPLES, judged
from .pairs import PAIRS

Told = dict[str, Any]

ARM_METRICS = {"accuracy": 2, "obedience": 2, "n_tokens": 0, "recovery": 2}
"""What is shown of an arm, with its digits."""


def table(measured: Sequence[Told]) -> str:
    """What fired, the numbers behind it, and what each arm recovered, in three tables."""
    return "\n\n".join([verdicts(measured), gains(measured), arms(measured)])


def verdicts(measured: Sequence[Told]) -> str:
    """By pair: how often each condition fired, and how often the verdict was the planted one."""
    lines = ["| pair | planted | fired | with fresh problems | right |", "|---|---|---|---|---|"]
    for pair, of in by_pair(measured):
        panel = counted(each["fired"] for each in of)
        checked = counted(judged(each) for each in of)
        n_right = sum(is_right(pair, each) for each in of)
        planted = MUST[pair].replace("_", " ")
        lines.append(f"| `{pair}` | {planted} | {panel} | {checked} | {n_right} of {len(of)} |")
    return "\n".join(lines)


def is_right(pair: str, told: Told) -> bool:
    """Whether the planted condition is found, and neither a new capability nor memory that is not there."""
    found = judged(told)
    is_said = {name: name in found for name in (MUST["new_operation"], MEMORISED)}
    return MUST[pair] in found and all(
        said == (MUST[pair] == name) for name, said in is_said.items()
    )


def gains(measured: Sequence[Told]) -> str:
    """By pair and seed: accuracy of both, what was found, and the gain on fresh problems."""
    head = [
        "pair",
        "seed",
        "base",
        "base begun with First",
        "tuned",
        f"base pass@{N_SAMPLES}",
        "found beyond elicitors",
        "fresh gain",
    ]
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    for pair, of in by_pair(measured):
        for each in of:
            cells = [
                f"`{pair}`",
                str(each["seed"]),
                shown(each["baseline accuracy"]),
                shown(each.get("begun")),
                shown(each["model accuracy"]),
                shown(each[f"baseline pass@{N_SAMPLES}"]),
                shown(each["found_beyond_elicitors"]),
                shown(each["fresh_gain"]),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def arms(measured: Sequence[Told]) -> str:
    """By pair, seed and arm: accuracy, obedience, tokens and recovery."""
    lines = [
        "| pair | seed | arm | accuracy | obedience | tokens | recovery |",
        "|---|---|---|---|---|---|---|",
    ]
    for pair, of in by_pair(measured):
        for each, arm in product(of, ("baseline", *ARMS, *LATER, "model")):
            cells = [
                shown(each.get(f"{arm} {metric}"), digits) for metric, digits in ARM_METRICS.items()
            ]
            if any(cell != "-" for cell in cells):
                lines.append(f"| `{pair}` | {each['seed']} | {arm} | {' | '.join(cells)} |")
    return "\n".join(lines)


def over_seeds(measured: Sequence[Told]) -> str:
    """By pair and arm: the mean over the seeds, each a training run with problems of its own."""
    lines = [
        "| pair | arm | accuracy | obedience | tokens | recovery |",
        "|---|---|---|---|---|---|",
    ]
    for pair, of in by_pair(measured):
        for arm in ("baseline", *ARMS, *LATER, "model"):
            cells = [
                average_of([each.get(f"{arm} {metric}") for each in of], digits)
                for metric, digits in ARM_METRICS.items()
            ]
            if any(cell != "-" for cell in cells):
                lines.append(f"| `{pair}` | {arm} | {' | '.join(cells)} |")
    return "\n".join(lines)


def average_of(found: Sequence[Told | None], digits: int = 2) -> str:
    """The mean of a number over seeds with its interval (Student's t), and in how many it is defined."""
    there = [each["value"] for each in found if each is not None]
    if len(there) < 2:
        return "-"
    over = average(there)
    ends = (round(number, digits) + 0.0 for number in (over.value, over.low, over.high))
    value, low, high = (f"{number:.{digits}f}" for number in ends)  # no minus before a zero
    return f"{value} [{low}, {high}]" + (f" (n={len(there)})" if len(there) < len(found) else "")


def by_pair(measured: Sequence[Told]) -> list[tuple[str, list[Told]]]:
    """What was measured, by pair, the first seed first."""
    found = [(pair, [each for each in measured if each["pair"] == pair]) for pair in PAIRS]
    return [(pair, sorted(of, key=lambda each: each["seed"])) for pair, of in found if of]


def counted(fired: Any) -> str:
    """Each condition with the number of seeds that it fired in."""
    counts = Counter(name for each in fired for name in each)
    return (
        ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in sorted(counts.items())) or "none"
    )


def shown(each: Told | None, digits: int = 2) -> str:
    """An estimate with its interval, and how many problems have no score."""
    if each is None:
        return "-"
    value, low, high = (f"{each[name]:.{digits}f}" for name in ("value", "low", "high"))
    lost = f", {each['lost']} unscored" if each["lost"] else ""
    return f"{value} [{low}, {high}]{lost}"
