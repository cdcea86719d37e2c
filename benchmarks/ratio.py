"""A measured ratio with its range and its limit."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Our time or memory divided by theirs, one value for each round; `limit`: the promised maximum."""

    name: str
    rounds: Sequence[float]
    limit: float
    ours: str
    theirs: str

    @property
    def median(self) -> float:
        return statistics.median(self.rounds)

    @property
    def holds(self) -> bool:
        return self.median <= self.limit


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(
    ours: Callable[[], object], theirs: Callable[[], object], *, rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds of both, measured alternately (A B A B ...), so that machine drift affects both."""
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(rounds)]
    return [a for a, _ in pairs], [b for _, b in pairs]


def table(ratios: Sequence[Ratio]) -> str:
    lines = [
        "| measure | ratio (median) | min to max | limit | holds | ours | theirs |",
        "|---|---|---|---|---|---|---|",
    ]
    for r in ratios:
        spread = f"{min(r.rounds):.3f} to {max(r.rounds):.3f}"
        lines.append(
            f"| {r.name} | {r.median:.3f} | {spread} (n={len(r.rounds)}) | {r.limit} "
            f"| {'yes' if r.holds else 'NO'} | {r.ours} | {r.theirs} |"
        )
    return "\n".join(lines)
