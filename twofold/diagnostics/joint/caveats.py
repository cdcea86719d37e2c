"""What must a reader know before believing a number of the joint finding?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from twofold.diagnostics.joint.table import Table
from twofold.types import Estimate, FinishReason


def caveats(
    table: Table, estimates: Mapping[str, Estimate], counts: Mapping[str, int]
) -> Iterator[str]:
    """What a reader must know before believing a number of the joint finding.

    Args:
        table: The rows.
        estimates: What was made of them, by key.
        counts: How replies ended, by key.
    """
    if not any(p.answer is not None for p in table.problems):
        yield "No problem has a reference answer, so there is no accuracy and no joint rate."
    for role in table.roles():
        conditions = table.conditions(role)
        if "constrained" not in conditions:
            yield f"{role}: no problem carries a constraint, so there is no compliance."
        elif "unconstrained" not in conditions:
            yield (
                f"{role}: nothing was asked without its constraints, so there is no null compliance, "
                "no lift, and capability is the accuracy with the constraints in the prompt."
            )
    yield from _endings_in_words(table, estimates, counts)
    smallest = min((e.n for e in estimates.values()), default=0)
    if estimates and smallest < 30:
        few = "a single problem" if smallest == 1 else f"as few as {smallest} problems"
        yield f"Some rows rest on {few}; read their intervals, not their values."
    if table.roles() and all(
        e.n < 100 for k, e in estimates.items() if k.endswith("constrained/hacc")
    ):
        yield "Fewer than 100 problems: differences below about 0.15 cannot be told from noise."


def _endings_in_words(
    table: Table, estimates: Mapping[str, Estimate], counts: Mapping[str, int]
) -> Iterator[str]:
    """What became of the replies that did not simply end, one caveat a kind."""
    asked = [(role, condition) for role in table.roles() for condition in table.conditions(role)]
    for reason, what in (
        (FinishReason.unclosed_thinking, "Never finished thinking and unscored"),
        (FinishReason.failed, "Failed and unscored"),
        (FinishReason.truncated, "Cut by the token budget and judged as they stand"),
    ):
        shares = []
        for role, condition in asked:
            at = f"{role}/{condition}"
            total = sum(counts[f"{at}/finish_reason/{e.value}"] for e in FinishReason)
            n = counts[f"{at}/finish_reason/{reason.value}"]
            if n > 0.01 * total:
                shares.append(f"{role}, {condition}: {n} of {total} replies")
            accuracy = estimates.get(f"{at}/accuracy")
            if (
                n > 0.01 * total
                and reason is FinishReason.unclosed_thinking
                and accuracy is not None
            ):
                least = accuracy.value * (total - accuracy.n_unscored) / total
                shares[-1] += f" (were they all wrong, accuracy would be {least:.3f})"
        if shares:
            yield f"{what}: {'; '.join(shares)}."
