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

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np

from twofold.diagnostics.diagnostic import Diagnostic, Subject
from twofold.diagnostics.lost import unscored_in_words
from twofold.errors import StatsError
from twofold.jsonl import Row
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
from twofold.scorers.answers.extract import boxes
from twofold.stats import average, corrected, mean, paired
from twofold.types import Comparison, Estimate, Finding, FinishReason, Problem, Response

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
            Estimates `ROLE/VARIANT/MEASURE` for `parsed` and `solved` (of the replies: a reply in no
            readable form states no optimum), `feasible` and `best` (of the parsed), `gap` (of the
            feasible), `kept/RULE`; `ROLE/copies` (of the parsed replies to `n1_binding`, how many are an
            optimum of `n`), `ROLE/changed_for_nothing` (right on `n`, wrong on `n1_slack`); floors
            `floor/VARIANT/best/random` and `/copy`, `floor/copies/random`.
            Comparisons of `solved`: `ROLE/binding_over_fresh` (falls where the whole instance is recalled),
            `ROLE/n_over_control` (rises where the instances themselves are known),
            `ROLE/binding_over_control` (falls for many rules that recall nothing: no proof),
            `ROLE/slack_over_n`; `change/...`, model minus baseline.
        """
        work = _Analysis([row for row in rows if "variant" in row], seed)
        estimates: dict[str, Estimate] = {}
        comparisons: dict[str, Comparison] = {}
        for role in work.roles():
            estimates |= {f"{role}/{key}": e for key, e in work.rates(role)}
            comparisons |= {f"{role}/{key}": c for key, c in work.costs(role).items()}
        estimates |= dict(work.floors())
        comparisons |= work.changes()
        return Finding(
            diagnostic=self.name,
            question=self.question,
            estimates=estimates,
            comparisons=comparisons,
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
    digest = hashlib.sha256(f"twofold floor {made.source_id} {variant}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest))
    names = sorted(program.worth)
    picked = rng.permutation(len(names))[: max(1, len(best.decision))]
    most = program.most
    guess = {names[int(i)]: float(rng.integers(1, int(most[names[int(i)]]) + 1)) for i in picked}
    return {
        "random": {"best": int(program.judge(guess).is_best()), "copies": int(made.copies(guess))},
        "copy": {"best": int(program.judge(old.decision).is_best())},
    }


Column = dict[str, float]
"""A value for each instance that has one."""

Which = tuple[str, str, str]
"""Role, variant and measure of a column."""


@final
@dataclass(frozen=True)
class _Analysis:
    rows: Sequence[Row]
    seed: int

    def roles(self) -> list[str]:
        return sorted({row["role"] for row in self.rows}, reverse=True)

    def column(self, role: str, variant: str, measure: str) -> Column:
        """A measure by instance; what is not scored is left out."""
        found: Column = {}
        for row in self.rows:
            if row["role"] == role and row["variant"] == variant:
                value = _at(row, measure)
                if value is not None:
                    found[row["instance"]] = value
        return found

    def _n(self, role: str, variant: str) -> int:
        return sum(row["role"] == role and row["variant"] == variant for row in self.rows)

    def rates(self, role: str) -> Iterator[tuple[str, Estimate]]:
        rules = sorted({name for row in self.rows for name in row.get("kept", {})})
        for variant in ASKED:
            asked = self._n(role, variant)
            for measure in (
                "parsed",
                "solved",
                "feasible",
                "best",
                *(f"kept/{rule}" for rule in rules),
            ):
                found = self.column(role, variant, measure)
                if found:
                    lost = asked - len(found) if "/" not in measure else 0
                    yield f"{variant}/{measure}", mean([*found.values()], n_unscored=lost)
            gaps = self.column(role, variant, "gap")
            if len(gaps) > 1:
                yield f"{variant}/gap", average([*gaps.values()], n_unscored=asked - len(gaps))
        copies = {
            i: c
            for i, c in self.column(role, "n1_binding", "copies").items()
            if i.partition("/")[0] not in NO_COPIES
        }
        if copies:
            yield "copies", mean([*copies.values()])
        before, after = self.column(role, "n", "best"), self.column(role, "n1_slack", "best")
        right = [1 - after[i] for i in before if before[i] == 1 and i in after]
        if right:
            yield "changed_for_nothing", mean(right)

    def floors(self) -> Iterator[tuple[str, Estimate]]:
        role = next(iter(self.roles()), "")
        for variant in ASKED:
            for floor in ("random", "copy"):
                found = self.column(role, variant, f"{floor}/best")
                if found:
                    yield f"floor/{variant}/best/{floor}", mean([*found.values()])
        guessed = self.column(role, "n1_binding", "random/copies")
        if guessed:
            yield "floor/copies/random", mean([*guessed.values()])

    def costs(self, role: str) -> dict[str, Comparison]:
        """Success on one variant minus success on another, by instance; Holm over the four."""
        wanted = {
            "binding_over_fresh": (FRESH, "n1_binding"),
            "n_over_control": ("size_control", "n"),
            "binding_over_control": ("size_control", "n1_binding"),
            "slack_over_n": ("n", "n1_slack"),
        }
        columns = {
            key: ((role, old, "solved"), (role, new, "solved"))
            for key, (old, new) in wanted.items()
        }
        return corrected(self._paired(columns))

    def changes(self) -> dict[str, Comparison]:
        """Model minus baseline, by instance; Holm over all."""
        if set(self.roles()) != {"model", "baseline"}:
            return {}
        measures = [(variant, what) for variant in ASKED for what in ("parsed", "solved")]
        columns = {
            f"change/{variant}/{what}": (
                ("baseline", variant, what),
                ("model", variant, what),
            )
            for variant, what in [*measures, ("n1_binding", "copies")]
        }
        return corrected(self._paired(columns))

    def _asked(self, role: str, variant: str) -> set[str]:
        """The instances that were asked in a variant, scored or not."""
        return {
            row["instance"]
            for row in self.rows
            if row["role"] == role and row["variant"] == variant
        }

    def _paired(self, wanted: Mapping[str, tuple[Which, Which]]) -> dict[str, Comparison]:
        found = {}
        for key, (before, after) in wanted.items():
            old, new = self.column(*before), self.column(*after)
            shared = sorted(old.keys() & new.keys())
            lost = len(self._asked(*before[:2]) & self._asked(*after[:2])) - len(shared)
            try:
                found[key] = paired(
                    [old[i] for i in shared],
                    [new[i] for i in shared],
                    n_unscored=lost,
                    seed=self.seed,
                )
            except StatsError:
                continue
        return found

    def caveats(self) -> Iterator[str]:
        for role in self.roles():
            there = [row for row in self.rows if row["role"] == role]
            read = sum(row["parsed"] == 1 for row in there)
            if read < FEW:
                yield (
                    f"{role}: {read} of {len(there)} replies are in the form that was asked for; too few "
                    "to say anything of what it optimises."
                )
            rows = {variant: self._n(role, variant) for variant in ASKED}
            scored = [v for v in ASKED if self.column(role, v, "parsed")]
            yield from unscored_in_words(role, rows, scored)


def _at(row: Mapping[str, Any], measure: str) -> float | None:
    value: Any = row
    for key in measure.split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    return None if value is None else float(value)
