"""Coverage: what both models solve in k tries, where the curves cross, and which problems are found.

The floor `guess` draws, at each try, a reference answer of another problem.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import final

import numpy as np

from twofold.diagnostics.elicitation.collect import SAMPLED
from twofold.diagnostics.elicitation.rates import UNTOLD, Rates
from twofold.diagnostics.joint.obedience import changed
from twofold.diagnostics.row_table import Column, RowTable, compared, filed, holm_corrected
from twofold.scorers.answers.spelling import key as spelled
from twofold.stats import covers, crossover, solves, support
from twofold.stats.coverage import N_DRAWS, Crossover, Support
from twofold.stats.resampled import LEAST_PROBLEMS
from twofold.types import ALL, Contrast, Count, Estimate, Measure, Problem, Slice

# The metrics whose best of k is taken, by the name of the record
BEST = {"pass_at_k": "accuracy", "compliance_at_k": "compliance", "both_at_k": "both"}
# The best of k when the rules are stated, minus the best of k when they are not
OBEDIENCE = "obedience_at_k"
# Found, and solved by no elicitor of the base either
BEYOND = "found_beyond_elicitors"
SHARES = (1 / 16, 0.5, 0.9)  # of Cover@tau


@final
@dataclass(frozen=True)
class Coverage:
    """The samples of one or both models."""

    rates: Rates
    roles: Sequence[str]
    seed: int

    @cached_property
    def _table(self) -> RowTable:
        return RowTable((), seed=self.seed)

    def measures(self, problems: Sequence[Problem]) -> Iterator[Measure]:
        """Best of k and Cover@tau by role, the floor, support and crossover of a pair."""
        for role in self.roles:
            for k in self.rates.ks():
                for name, metric in BEST.items():
                    best = self.rates.best(role, metric, k)
                    yield from self._table.measure(role, SAMPLED, name, best, slice=_at(k))
                effect = self.rates.obedience(role, SAMPLED, k).difference()
                yield from filed(role, OBEDIENCE, effect, condition=SAMPLED, slice=_at(k))
            for share in SHARES:
                covered = self._covered(role, share)
                yield from self._table.measure(role, SAMPLED, "cover", covered, slice=_share(share))
        if any(self.rates.best(role, "accuracy", 1).values for role in self.roles):
            yield from self._guesses(problems)
        if len(self.roles) == 2:
            yield from self._supports()
            yield from self._crossed()

    def contrasts(self) -> Iterator[Contrast]:
        """Model minus baseline: best of k and Cover@tau, one Holm family each; problems ever solved."""
        for name in (*BEST, OBEDIENCE):
            yield from holm_corrected(
                found for k in self.rates.ks() for found in self._gain(name, k)
            )
        yield from holm_corrected(
            found
            for share in SHARES
            for found in self._between("cover", partial(self._covered, share=share), _share(share))
        )
        yield from self._between("solved", self._solved)

    def counts(self) -> Iterator[Count]:
        """In how many of the drawn problem sets the curves meet; what the resampling decided."""
        if (found := self.crossing) is not None:
            met = round(found.share * N_DRAWS)
            yield Count(role="model", condition=SAMPLED, metric=f"crossed_of_{N_DRAWS}", n=met)
            yield Count(role="model", condition=SAMPLED, metric="largest_k", n=found.largest)
        for role in self.roles:
            asked_again = [tries for tries in self.rates.more(role).values() if tries]
            yield Count(role=role, condition=SAMPLED, metric="asked_again", n=len(asked_again))
            rescued = sum(max(tries) == 1 for tries in asked_again)
            yield Count(role=role, condition=SAMPLED, metric="solved_when_asked_again", n=rescued)

    @cached_property
    def crossing(self) -> Crossover | None:
        """Where the curves of pass@k cross; None without a pair, or of too few problems for an interval."""
        ks = range(1, 1 + max(self.rates.ks(), default=0))
        sides = [
            {k: self.rates.best(role, "accuracy", k).values for k in ks} for role in self.roles
        ]
        if len(sides) < 2:
            return None
        after, before = sides
        shared = sorted(before[1].keys() & after[1].keys()) if ks else []
        most = [k for k in ks if any(p in before[k] and p in after[k] for p in shared)]
        if not most or len(shared) < LEAST_PROBLEMS:
            return None
        old, new = (
            np.array([[side[k].get(p, np.nan) for k in most] for p in shared])
            for side in (before, after)
        )
        return crossover(old, new, most, seed=self.seed)

    def _crossed(self) -> Iterator[Measure]:
        found = self.crossing
        if found is None or found.k is None:
            return
        beyond = "" if found.high is not None else f", which ends beyond {found.largest}"
        estimate = Estimate(
            value=found.k,
            low=found.k if found.low is None else found.low,
            high=found.largest if found.high is None else found.high,
            n=found.n,
            method=f"bootstrap over problems, {N_DRAWS} draws{beyond}",
        )
        yield from filed("model", "crossover", estimate, condition=SAMPLED)

    def _gain(self, name: str, k: int) -> Iterator[Contrast]:
        if name == OBEDIENCE:
            effects = (self.rates.obedience(r, SAMPLED, k) for r in ("baseline", "model"))
            found = changed(*effects, seed=self.seed)
            yield from compared("model", "baseline", name, found, condition=SAMPLED, slice=_at(k))
        else:
            yield from self._between(name, partial(self.rates.best, metric=BEST[name], k=k), _at(k))

    def _between(
        self, metric: str, column: Callable[[str], Column], part: Slice = ALL
    ) -> Iterator[Contrast]:
        names = ("model", "baseline", SAMPLED, metric)
        old, new = column("baseline"), column("model")
        yield from self._table.contrast(names, old, new, slice=part)

    def _covered(self, role: str, share: float) -> Column:
        tries = self.rates.scores(role, SAMPLED, "accuracy")
        return Column.of({p: float(covers(t, share)) if t else None for p, t in tries.items()})

    def _ever(self, role: str) -> dict[str, bool | None]:
        """Whether each problem was ever solved, by the samples and by those drawn again."""
        more = self.rates.more(role)
        tries = self.rates.scores(role, SAMPLED, "accuracy")
        return {problem: solves(first, more[problem]) for problem, first in tries.items()}

    def _solved(self, role: str) -> Column:
        ever = self._ever(role)
        return Column.of({p: None if each is None else float(each) for p, each in ever.items()})

    def _supports(self) -> Iterator[Measure]:
        """The shares kept, lost, found and neither; of what one side solves, how much the other does."""
        before, after = self._ever("baseline"), self._ever("model")
        cells = {p: support(before[p], after[p]) for p in before if p in after}
        n = Counter(cells.values())
        for cell in Support:
            decided = {p: None if c is None else float(c is cell) for p, c in cells.items()}
            yield from self._table.measure("model", SAMPLED, cell.value, Column.of(decided))
        elicited = self.rates.elicited("baseline")
        beyond = {
            p: None if c is None else float(c is Support.found and p not in elicited)
            for p, c in cells.items()
        }
        yield from self._table.measure("model", SAMPLED, BEYOND, Column.of(beyond))
        for name, inside, outside in (
            ("support_retention", Support.kept, Support.lost),
            ("discovery_rate", Support.found, Support.kept),
        ):
            if n[inside] + n[outside]:
                of = {p: float(c is inside) for p, c in cells.items() if c in (inside, outside)}
                yield from self._table.measure("model", SAMPLED, name, Column.of(of))

    def _guesses(self, problems: Sequence[Problem]) -> Iterator[Measure]:
        asked = {p for role in self.roles for p in self.rates.rows(role, SAMPLED, UNTOLD)}
        gold = {p.id: spelled(p.answer) for p in problems if p.answer is not None and p.id in asked}
        counts = Counter(gold.values())
        if len(gold) < 2:
            return
        chance = {p: (counts[answer] - 1) / (len(gold) - 1) for p, answer in gold.items()}
        for k in self.rates.ks():
            best = Column.of({p: 1 - (1 - each) ** k for p, each in chance.items()})
            yield from self._table.measure("guess", SAMPLED, "pass_at_k", best, slice=_at(k))


def _at(k: int) -> Slice:
    return Slice("k", str(k))


def _share(share: float) -> Slice:
    return Slice("share", f"{share:g}")
