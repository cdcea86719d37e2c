"""Does the model optimise, or does it recall? The same problem with one element removed.

Each instance is asked in five forms: itself; without an element that its optimum uses; without one that
it does not use, so the answer must not change; a fresh instance of the smaller size; and `n1_fresh`, the
first removal from an instance that was not in training. Losing an element of its optimum makes an
instance harder than a fresh one of its size: rules without any memory drop by up to 0.73 there
(measured). So recall shows as a drop against `n1_fresh`, as success on the instances but on no fresh
one, or as the old optimum given for the new problem.

Source: Bernier et al. 2026 (arXiv 2603.23004) for N-1 on power grids, whose rates for parse, validity
and feasibility these follow. Departs: the slack removal, the size control and the template-copy
rate are ours; a reply that does not parse is not judged further, and counted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import ClassVar, final

from twofold.diagnostics.diagnostic import Diagnostic, Subject
from twofold.diagnostics.row_table import Column, RowTable, holm_corrected
from twofold.problems.optimisation import FAMILIES, VARIANTS, Family, Quadruple, Variant, quadruple
from twofold.problems.optimisation.choice import Choice
from twofold.randomness import rng_for
from twofold.scorers.answers.extract import boxes
from twofold.stats import average
from twofold.storage.jsonl import Row
from twofold.types import Contrast, Finding, Measure, Problem, Response, Slice

# The control of `n1_binding`: the same removal from an instance of a seed that no suite has
FRESH = "n1_fresh"

UNSEEN = 1_000_003  # added to the seed for `FRESH`

# What is asked, and the variant of its quadruple that it is
ASKED: Mapping[str, Variant] = {**{each: each for each in VARIANTS}, FRESH: "n1_binding"}

# Families in which a plain rule gives the old optimum (the cheapest generators, lines ignored)
NO_COPIES = frozenset({"power_flow"})

FEW = 10  # parsed replies below which a caveat is given

# The variants whose success is compared: the first is subtracted from the second
COSTS = (
    (FRESH, "n1_binding"),
    ("size_control", "n"),
    ("size_control", "n1_binding"),
    ("n", "n1_slack"),
)


@final
@dataclass(frozen=True)
class Ood(Diagnostic):
    """Optimisation problems and their N-1 variants.

    Args:
        families: Which problems; empty = `choice` for the pocket suites, otherwise all general ones.
        n: Instances a family; 0 = 100 of `choice`, 4 of each general one.
        seed: Of the instances; 0 is the seed of `choice:train`, so `n` was in training.
    """

    name: ClassVar[str] = "ood"
    question: ClassVar[str] = "Does the model optimise, or does it recall an optimum?"
    needs_weights: ClassVar[bool] = False
    families: tuple[Family, ...] = ()
    n: int = 0
    seed: int = 0

    def collect(self, subject: Subject, done: AbstractSet[str]) -> Iterator[Row]:
        """Ask every variant of every instance; see `Diagnostic.collect`."""
        asked = {
            f"{family.name}/{self.seed}/{index}/{name}": (self._made(family, index, name), name)
            for family in self._families(subject.problems)
            for index in range(self.n or (100 if family.name == "choice" else 4))
            for name in ASKED
        }
        chats = {key: made.problem(ASKED[name]).messages() for key, (made, name) in asked.items()}
        for key, response in subject.ask(chats, done):
            made, name = asked[key]
            yield subject.row(
                key,
                response,
                family=made.family.name,
                instance=key.rpartition("/")[0],
                variant=name,
                response=response.to_json() | {"ids": None},
                **judged(made, ASKED[name], response),
                **_floors(made, ASKED[name]),
            )

    def _families(self, problems: Sequence[Problem]) -> tuple[Family, ...]:
        if self.families:
            return self.families
        small = all(p.tags.get("source") in ("pocket", "optimisation") for p in problems)
        return (Choice(),) if small else FAMILIES

    def _made(self, family: Family, index: int, name: str) -> Quadruple:
        return quadruple(family, self.seed + (UNSEEN if name == FRESH else 0), index)

    def analyse(
        self, rows: Iterable[Row], problems: Sequence[Problem], *, seed: int = 0
    ) -> Finding:
        """Rates by role and variant, and what losing an element costs.

        Returns:
            Measures, condition = variant: `parsed` and `solved` (of the replies: an unparsed reply
            states no optimum), `feasible` and `best` (of the parsed), `gap` (of the feasible), `kept` by
            rule; `copies` (of the parsed replies to `n1_binding`, how many are an optimum of `n`),
            `changed_for_nothing` (right on `n`, wrong on `n1_slack`); floors `random` and `old_optimum`.
            Contrasts of `solved`: `n1_binding` versus `n1_fresh` (drops if whole instances are
            recalled), `n` versus `size_control` (rises if the instances are known), `n1_binding` versus
            `size_control` (drops for many rules without recall: no proof), `n1_slack` versus `n`; and
            every rate of the model versus the baseline.
        """
        table = RowTable([row for row in rows if "variant" in row], "variant", "instance", seed)
        roles = table.roles()
        contrasts = [each for role in roles for each in holm_corrected(_costs(table, role))]
        return Finding(
            diagnostic=self.name,
            question=self.question,
            measures=[
                *(each for role in roles for each in _rates(table, role)),
                *_floor_rates(table),
            ],
            contrasts=[*contrasts, *holm_corrected(_changes(table))],
            caveats=tuple(_caveats(table)),
        )


def judged(made: Quadruple, variant: Variant, response: Response) -> Row:
    """How good a reply to a variant is; `parsed` is None without a reply."""
    if not response.has_reply:
        return {"parsed": None}
    found = boxes(response.reply)
    decision = made.read(variant, found[-1]) if found else None
    if decision is None:
        return {"parsed": 0, "solved": 0}
    judgement = made.programs[variant].judge(decision)
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
    """The scores of a random decision of the right form, and of the old optimum."""
    program, best = made.programs[variant], made.programs[variant].best
    old = made.programs["n"].best
    assert best is not None and old is not None
    rng = rng_for("floor", made.source_id, variant)
    names, most = sorted(program.worth), program.most
    picked = rng.permutation(len(names))[: max(1, len(best.decision))]
    guess = {names[i]: float(rng.integers(1, int(most[names[i]]) + 1)) for i in picked.tolist()}
    return {
        "random": {"best": int(program.judge(guess).is_best()), "copies": int(made.copies(guess))},
        "copy": {"best": int(program.judge(old.decision).is_best())},
    }


def _inner(table: RowTable, role: str, variant: str, field: str, key: str) -> Column:
    """A value inside a field of the rows: a rule of `kept`, a measure of a floor."""
    rows = table.select(role, variant)
    return Column.of({r["instance"]: r[field][key] for r in rows if key in r.get(field, {})})


def _rates(table: RowTable, role: str) -> Iterator[Measure]:
    rules = sorted({name for row in table.rows for name in row.get("kept", {})})
    for variant in ASKED:
        for metric in ("parsed", "solved", "feasible", "best"):
            yield from table.measure(role, variant, metric, table.column(role, variant, metric))
        for rule in rules:
            kept = _inner(table, role, variant, "kept", rule)
            yield from table.measure(role, variant, "kept", kept, slice=Slice("rule", rule))
        gap = table.column(role, variant, "gap")
        yield from table.measure(role, variant, "gap", gap, estimator=average)
    copies = {
        instance: value
        for instance, value in table.column(role, "n1_binding", "copies").values.items()
        if instance.partition("/")[0] not in NO_COPIES
    }
    yield from table.measure(role, "n1_binding", "copies", Column.of(copies))
    before, after = (table.column(role, each, "best").values for each in ("n", "n1_slack"))
    wrong = Column.of({i: 1 - after[i] for i in before if before[i] == 1 and i in after})
    yield from table.measure(role, "n1_slack", "changed_for_nothing", wrong)


def _floor_rates(table: RowTable) -> Iterator[Measure]:
    for role in table.roles()[:1]:
        for variant in ASKED:
            for floor, field in (("random", "random"), ("old_optimum", "copy")):
                best = _inner(table, role, variant, field, "best")
                yield from table.measure(floor, variant, "best", best)
        copies = _inner(table, role, "n1_binding", "random", "copies")
        yield from table.measure("random", "n1_binding", "copies", copies)


def _costs(table: RowTable, role: str) -> Iterator[Contrast]:
    """Success on one variant minus success on another, by instance."""
    for old, new in COSTS:
        yield from table.within(role, old, new, "solved")


def _changes(table: RowTable) -> Iterator[Contrast]:
    """Model minus baseline, by instance."""
    for variant in ASKED:
        for metric in ("parsed", "solved"):
            yield from table.between(variant, metric)
    yield from table.between("n1_binding", "copies")


def _caveats(table: RowTable) -> Iterator[str]:
    for role in table.roles():
        there = table.select(role)
        n_parsed = sum(row["parsed"] == 1 for row in there)
        if n_parsed < FEW:
            yield (
                f"{role}: {n_parsed} of {len(there)} replies are in the requested form; too few to say "
                "anything about what it optimises."
            )
        yield from table.unscored(role, "parsed", ASKED)
