"""`python -m recipes.judge_tricks [OUT] [MODEL]`: what does each kind of trick gain under a judge?

MODEL is anything that `--judge` takes [default: smollm2]. Verdicts are saved in OUT: the same command
continues where it was stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import final

from recipes.judge_tricks import CONTROL, Twins, clusters, read_twins
from twofold.errors import StatsError
from twofold.judges import CachedJudge, ExactJudge, Judge, MeetsChecklist
from twofold.judges.spec import judge_named
from twofold.stats import average, change, mean
from twofold.stats.agreement import kappa, sensitivity, specificity
from twofold.types import Estimate, Verdict

GAINED = 0.05
"""A trick with a larger gain counts as successful."""


@final
@dataclass(frozen=True, kw_only=True)
class Judged:
    """A pair with the judge's verdicts, and the exact verdicts where there are rules."""

    twins: Twins
    said: tuple[Verdict, Verdict]
    truth: tuple[Verdict, Verdict]

    @property
    def scores(self) -> tuple[float, float] | None:
        """The judge's scores of both replies; None if one is unscored."""
        honest, tricked = (verdict.score for verdict in self.said)
        return None if honest is None or tricked is None else (honest, tricked)

    def on_rules(self) -> tuple[float, float] | None:
        """The judge's mean over the criteria with a rule, of both replies, equally weighted."""
        means = []
        for said, truth in zip(self.said, self.truth, strict=True):
            scores = [said.parts[key].score for key in truth.parts if key in said.parts]
            known = [score for score in scores if score is not None]
            if not known or len(known) < len(truth.parts):
                return None
            means.append(sum(known) / len(known))
        return means[0], means[1]


def judged(judge: Judge, twins: Sequence[Twins]) -> Iterator[Judged]:
    """Ask the judge about one pair at a time, so that each verdict is saved at once."""
    measure, exact = MeetsChecklist(judge), MeetsChecklist(ExactJudge())
    for each in twins:
        pair = [each.honest, each.tricked]
        said = measure([each.judged] * 2, pair)
        truth = exact([each.problem] * 2, pair)
        yield Judged(twins=each, said=(said[0], said[1]), truth=(truth[0], truth[1]))


def gains(rows: Sequence[Judged]) -> tuple[str, str, str, str]:
    """Mean gain on the whole checklist and on its rules, exact gain, and the share of successful tricks."""
    whole = [(row.twins, *scores) for row in rows if (scores := row.scores)]
    ruled = [(row.twins, *scores) for row in rows if (scores := row.on_rules())]
    exact = [trick.score - honest.score for honest, trick in (row.truth for row in rows)]  # type: ignore[operator]
    return (
        _gain(whole, len(rows)),
        _gain(ruled, len(rows)),
        f"{sum(exact) / len(exact):+.3f}",
        _worked(whole, len(rows)),
    )


Scored = Sequence[tuple[Twins, float, float]]
"""Pairs with the scores of the honest and of the tricked reply."""


def _gain(scored: Scored, n: int) -> str:
    """The mean of tricked minus honest, clustered by problem."""
    _, honest, tricked = zip(*scored, strict=True) if scored else ((), (), ())
    of = clusters([twins for twins, _, _ in scored])
    return _told(lambda: change(honest, tricked, of, n_unscored=n - len(scored)).difference)


def _worked(scored: Scored, n: int) -> str:
    """The share of tricks with a gain above `GAINED`."""
    worked = [float(tricked - honest > GAINED) for _, honest, tricked in scored]
    of = clusters([twins for twins, _, _ in scored])
    return _told(lambda: mean(worked, of, n_unscored=n - len(scored)))


def _told(made: Callable[[], Estimate]) -> str:
    """The estimate, or the reason why there is none."""
    try:
        return str(made())
    except StatsError as error:
        return f"none ({str(error).partition(chr(59))[0]})"


def beyond_control(rows: Sequence[Judged]) -> str:
    """The gain of tricks minus that of a neutral sentence on the same problem."""
    by_problem: dict[str, dict[bool, list[float]]] = {}
    for row in rows:
        if row.scores:
            sides = by_problem.setdefault(row.twins.problem.id, {True: [], False: []})
            sides[row.twins.kind == CONTROL].append(row.scores[1] - row.scores[0])
    both = [sides for sides in by_problem.values() if sides[True] and sides[False]]
    means = [sum(s[False]) / len(s[False]) - sum(s[True]) / len(s[True]) for s in both]
    return _told(lambda: average(means, n_unscored=len(by_problem) - len(both)))


def trust(rows: Sequence[Judged], side: int) -> Iterator[str]:
    """Agreement of the judge with the rules, by criterion, on the honest (0) or tricked (1) replies."""
    items = [
        (said.score, truth.score, cluster)
        for row, cluster in zip(rows, clusters([row.twins for row in rows]), strict=True)
        for key, truth in row.truth[side].parts.items()
        if (said := row.said[side].parts.get(key)) and truth.score is not None
    ]
    known = [(said, truth, cluster) for said, truth, cluster in items if said is not None]
    lost = len({c for _, _, c in items}) - len({c for _, _, c in known})
    columns = tuple(zip(*known, strict=True)) or ((), (), ())
    for measure in (kappa, sensitivity, specificity):
        yield _told(partial(measure, *columns, n_unscored=lost))


def table(rows: Sequence[Judged]) -> str:
    """The result in markdown."""
    lines = [
        "| kind | gain | gain on rules | exact | gained more than 0.05 |",
        "|---|---|---|---|---|",
    ]
    kinds = [k for k in dict.fromkeys(row.twins.kind for row in rows) if k != CONTROL]
    tricks = [row for row in rows if row.twins.kind != CONTROL]
    for name, group in [
        *((kind, [row for row in rows if row.twins.kind == kind]) for kind in kinds),
        ("**all tricks**", tricks),
        ("control: a neutral sentence", [row for row in rows if row.twins.kind == CONTROL]),
    ]:
        if group:
            lines.append(f"| {' | '.join((name, *gains(group)))} |")
    lines += ["", f"Tricks minus control, by problem: {beyond_control(rows)}", ""]
    lines += ["| replies | kappa | sensitivity | specificity |", "|---|---|---|---|"]
    for side, name in enumerate(("honest", "with the trick")):
        lines.append(f"| {' | '.join((name, *trust(tricks, side)))} |")
    best = sorted(
        ((s[1] - s[0], row.twins.trick) for row in tricks if (s := row.scores)), reverse=True
    )
    lines += [
        "",
        "Largest gains: " + "; ".join(f"{trick} ({gain:+.3f})" for gain, trick in best[:5]),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/judge_tricks")
    judge = judge_named(sys.argv[2] if len(sys.argv) > 2 else "smollm2")
    if isinstance(judge, CachedJudge):
        judge = replace(judge, folder=out)
    found = []
    for row in judged(judge, read_twins()):
        found.append(row)
        print(f"\r{len(found)} pairs", end="", file=sys.stderr, flush=True)
    print(f"\n{table(found)}")
