"""Does the model optimise, or does it recall? The same problem with one element removed.

Of each instance are asked: itself; the same without an element that its optimum uses; the same without
one that it does not, whose answer must not change; a fresh instance of the smaller size; and the robbed
form of an instance that nobody was trained on (`n1_fresh`). Losing its optimum makes an instance harder
than a fresh one of its size: rules without any memory fall by up to 0.73 there (`binding_over_control`,
measured). So recall shows only against `n1_fresh`, which is drawn as `n1_binding` is and differs in nothing
but that its whole instance was never seen; as success on the instances themselves that is there on no fresh
one; and as the old optimum given for the new problem.

Source: Bernier et al. 2026 (arXiv 2603.23004) for N-1 on power grids, whose rates for parse, validity
and feasibility these follow. Departs: the slack removal, the size control and the template-copy
rate are ours; a reply that does not parse is not judged further, and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.diagnostics.diagnostic import Diagnostic, Subject
from twofold.diagnostics.lost import unscored_in_words
from twofold.diagnostics.row_table import Column, RowTable, compared, filed, holm_corrected
from twofold.problems.optimisation import (
    FAMILIES,
    VARIANTS,
    Family,
    Judgement,
    Quadruple,
    Variant,
    quadruple,
)
from twofold.problems.optimisation.choice import Choice
from twofold.randomness import rng_for
from twofold.scorers.answers.extract import boxes
from twofold.stats import average
from twofold.storage.jsonl import Row
from twofold.types import (
    Comparison,
    Contrast,
    Finding,
    FinishReason,
    Measure,
    Problem,
    Response,
    Slice,
)

FRESH = "n1_fresh"
"""The control of `n1_binding`: the same removal from an instance of a seed that no suite has."""

UNSEEN = 1_000_003
"""What is added to the seed for it."""

ASKED = (*VARIANTS, FRESH)

NO_COPIES = frozenset({"power_flow"})
"""Families in which a plain rule gives the old optimum (the cheapest generators, lines ignored)."""

FEW = 10
"""Parsed replies below which nothing is said of a model's optimising."""


@final
@dataclass(frozen=True)
class Ood(Diagnostic):
    """Optimisation problems and their N-1 twins.

    Args:
        families: Which problems; empty = `choice` for the pocket suites, else all general ones.
        n: Instances a family; 0 = 100 of `choice`, 4 of each general one.
        seed: Of the instances; 0 is the seed of `choice:train`, so that `n` is what was trained on.
    """

    name: ClassVar[str] = "ood"
    question: ClassVar[str] = "Does the model optimise, or does it recall an optimum?"
    needs_weights: ClassVar[bool] = False
    families: tuple[Family, ...] = ()
    n: int = 0
    seed: int = 0

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Ask every variant of every instance; see `Diagnostic.collect`."""
        asked = [
            (self._made(family, index, name), f"{family.name}/{self.seed}/{index}", name)
            for family in self._families(subject.problems)
            for index in range(self._n(family))
            for name in ASKED
        ]
        prompts = [made.problem(_variant(name)).messages() for made, _, name in asked]
        keys = [f"{instance}/{name}" for _, instance, name in asked]
        finished = {(i, 0) for i, key in enumerate(keys) if key in done}
        stream = subject.model.stream(prompts, subject.sampling, seed=subject.seed, done=finished)
        for i, _, response in stream:
            made, instance, name = asked[i]
            row: Row = {
                "role": subject.role,
                "key": keys[i],
                "family": made.family.name,
                "instance": instance,
                "variant": name,
                "response": response.to_json() | {"ids": None},
            }
            if response.finish_reason is FinishReason.failed:
                row["retry"] = True
            variant = _variant(name)
            yield row | judged(made, variant, response) | _floors(made, variant)

    def _families(self, problems: Sequence[Problem]) -> tuple[Family, ...]:
        if self.families:
            return self.families
        small = all(p.tags.get("source") in ("pocket", "optimisation") for p in problems)
        return (Choice(),) if small else FAMILIES

    def _n(self, family: Family) -> int:
        return self.n or (100 if family.name == "choice" else 4)

    def _made(self, family: Family, index: int, name: str) -> Quadruple:
        return quadruple(family, self.seed + (UNSEEN if name == FRESH else 0), index)

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Rates by role and variant, and what losing an element costs.

        Returns:
            Measures, condition = variant: `parsed` and `solved` (of the replies: a reply in no readable
            form states no optimum), `feasible` and `best` (of the parsed), `gap` (of the feasible),
            `kept` by rule; `copies` (of the parsed replies to `n1_binding`, how many are an optimum of
            `n`), `changed_for_nothing` (right on `n`, wrong on `n1_slack`); floors `random` and
            `old_optimum`. Contrasts of `solved`: `n1_binding` versus `n1_fresh` (falls where the whole
            instance is recalled), `n` versus `size_control` (rises where the instances themselves are
            known), `n1_binding` versus `size_control` (falls for many rules that recall nothing: no
            proof), `n1_slack` versus `n`; and every rate of the model versus the baseline.
        """
        work = _Work(RowTable([row for row in rows if "variant" in row], "instance", seed))
        measures = [each for role in work.table.roles() for each in work.rates(role)]
        contrasts = [each for role in work.table.roles() for each in work.costs(role)]
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=[*measures, *work.floors()],
            contrasts=[*contrasts, *work.changes()],
            caveats=tuple(work.caveats()),
        )


def _variant(name: str) -> Variant:
    """The variant of its quadruple that is asked under a name."""
    return "n1_binding" if name == FRESH else next(v for v in VARIANTS if v == name)


def judged(made: Quadruple, variant: Variant, response: Response) -> Row:
    """What a reply to a variant is worth; `parsed` is None where there is no reply."""
    if not response.has_reply:
        return {"parsed": None}
    found = boxes(response.reply)
    decision = made.read(variant, found[-1]) if found else None
    if decision is None:
        return {"parsed": 0, "solved": 0}
    judgement: Judgement = made.programs[variant].judge(decision)
    return {
        "parsed": 1,
        "feasible": int(judgement.is_feasible),
        "best": int(judgement.is_best()),
        "solved": int(judgement.is_best()),
        "gap": None if judgement.gap is None else round(judgement.gap, 6),
        "kept": {name: int(kept) for name, kept in judgement.kept.items()},
        "copies": int(made.copies(decision)),
    }


def _floors(made: Quadruple, variant: Variant) -> Row:
    """What a random decision of the right form gets, and the old optimum given for everything."""
    program, best = made.programs[variant], made.programs[variant].best
    old = made.programs["n"].best
    assert best is not None and old is not None
    rng = rng_for("floor", made.source_id, variant)
    names = sorted(program.worth)
    picked = rng.permutation(len(names))[: max(1, len(best.decision))]
    most = program.most
    guess = {names[int(i)]: float(rng.integers(1, int(most[names[int(i)]]) + 1)) for i in picked}
    return {
        "random": {"best": int(program.judge(guess).is_best()), "copies": int(made.copies(guess))},
        "copy": {"best": int(program.judge(old.decision).is_best())},
    }


COSTS = (
    (FRESH, "n1_binding"),
    ("size_control", "n"),
    ("size_control", "n1_binding"),
    ("n", "n1_slack"),
)
"""The variants whose success is compared: the first is subtracted from the second."""


@final
@dataclass(frozen=True)
class _Work:
    """One analysis of the families."""

    table: RowTable

    def _column(self, role: str, variant: str, measure: str) -> Column:
        return self.table.column(measure, role, variant=variant)

    def _inner(self, role: str, variant: str, field: str, key: str) -> Column:
        """A value inside a field of the rows: a rule of `kept`, a measure of a floor."""
        return {
            row["instance"]: float(row[field][key])
            for row in self.table.select(role, variant=variant)
            if row.get(field, {}).get(key) is not None
        }

    def rates(self, role: str) -> Iterator[Measure]:
        rules = sorted({name for row in self.table.rows for name in row.get("kept", {})})
        for variant in ASKED:
            n = len(self.table.asked(role, variant=variant))
            for metric in ("parsed", "solved", "feasible", "best"):
                rate = self.table.mean(self._column(role, variant, metric), n)
                yield from filed(role, metric, rate, condition=variant)
            for rule in rules:
                found = self._inner(role, variant, "kept", rule)
                rate = self.table.mean(found, len(found))
                yield from filed(role, "kept", rate, condition=variant, slice=Slice("rule", rule))
            gaps = self._column(role, variant, "gap")
            if len(gaps) > 1:
                gap = average([*gaps.values()], n_unscored=n - len(gaps), seed=self.table.seed)
                yield from filed(role, "gap", gap, condition=variant)
        copies = {
            instance: value
            for instance, value in self._column(role, "n1_binding", "copies").items()
            if instance.partition("/")[0] not in NO_COPIES
        }
        rate = self.table.mean(copies, len(copies))
        yield from filed(role, "copies", rate, condition="n1_binding")
        before, after = self._column(role, "n", "best"), self._column(role, "n1_slack", "best")
        wrong = {i: 1 - after[i] for i in before if before[i] == 1 and i in after}
        rate = self.table.mean(wrong, len(wrong))
        yield from filed(role, "changed_for_nothing", rate, condition="n1_slack")

    def floors(self) -> Iterator[Measure]:
        role = next(iter(self.table.roles()), "")
        for variant in ASKED:
            for floor, field in (("random", "random"), ("old_optimum", "copy")):
                found = self._inner(role, variant, field, "best")
                yield from filed(
                    floor, "best", self.table.mean(found, len(found)), condition=variant
                )
        found = self._inner(role, "n1_binding", "random", "copies")
        rate = self.table.mean(found, len(found))
        yield from filed("random", "copies", rate, condition="n1_binding")

    def costs(self, role: str) -> list[Contrast]:
        """Success on one variant minus success on another, by instance; Holm over the four."""
        found: list[Contrast] = []
        for old, new in COSTS:
            cost = self._paired((role, old), (role, new), "solved")
            found += compared(role, old, "solved", cost, condition=new)
        return holm_corrected(found)

    def changes(self) -> list[Contrast]:
        """Model minus baseline, by instance; Holm over all."""
        if not self.table.is_pair:
            return []
        rates = [(variant, metric) for variant in ASKED for metric in ("parsed", "solved")]
        found: list[Contrast] = []
        for variant, metric in [*rates, ("n1_binding", "copies")]:
            moved = self._paired(("baseline", variant), ("model", variant), metric)
            found += compared("model", "baseline", metric, moved, condition=variant)
        return holm_corrected(found)

    def _paired(self, old: tuple[str, str], new: tuple[str, str], metric: str) -> Comparison | None:
        """A metric of one role and variant minus that of another, on what both were asked."""
        asked = [self.table.asked(role, variant=variant) for role, variant in (old, new)]
        return self.table.paired(
            self._column(*old, metric), self._column(*new, metric), len(asked[0] & asked[1])
        )

    def caveats(self) -> Iterator[str]:
        for role in self.table.roles():
            there = [row for row in self.table.rows if row["role"] == role]
            read = sum(row["parsed"] == 1 for row in there)
            if read < FEW:
                yield (
                    f"{role}: {read} of {len(there)} replies are in the form that was asked for; too few "
                    "to say anything of what it optimises."
                )
            rows = {variant: len(self.table.asked(role, variant=variant)) for variant in ASKED}
            scored = [v for v in ASKED if self.table.column("parsed", role, variant=v)]
            yield from unscored_in_words(role, rows, scored)
