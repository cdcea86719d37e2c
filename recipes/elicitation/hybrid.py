"""What do a few steered tokens recover of a gain, and what becomes of obedience under them?

    python -m recipes.elicitation.hybrid BASE TUNED TRAIN TEST OUT

A hybrid is fitted on the tuned model's replies to the problems TRAIN, and asked TEST with and without its
rules, as are both models and every control: vectors of the same norm in random directions, as many random
positions, one vector without an MLP, and (a ceiling) the tuned model's own tokens at the gate's positions.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np

from twofold import problems as problem_files
from twofold.diagnostics.elicitation.collect import scored
from twofold.diagnostics.elicitation.elicitor import n_generated
from twofold.diagnostics.elicitation.hybrid.gates import Divergence
from twofold.diagnostics.elicitation.hybrid.made import Recipe, made
from twofold.diagnostics.elicitation.hybrid.net_recovery import net_recovery
from twofold.diagnostics.elicitation.hybrid.routed import Routed
from twofold.diagnostics.elicitation.hybrid.steered import CEILING
from twofold.errors import StatsError
from twofold.models import resolve
from twofold.problems import conditions
from twofold.stats import mean, recovery
from twofold.stats.paired_difference import difference
from twofold.types import Estimate, Model, OpenModel, Problem, Sampling

BUDGET = Sampling(max_tokens=96, temperature=1.0)
"""As in the study of the pocket types."""

SEEDS = 3
"""Replies to each problem and condition."""

HEAD = ["arm", "accuracy", "obedience", "obedience − base", "recovery", "tokens acted on"]


@final
@dataclass(frozen=True)
class Asked:
    """The replies of a model to problems with and without their rules, the mean of each problem.

    Args:
        right: Accuracy without the rules, NaN where none is scored.
        obeys: Rules met told minus untold, likewise.
        acted: The share of its tokens at which something was done.
        rate: The same over all tokens.
    """

    right: list[float]
    obeys: list[float]
    acted: list[float]
    rate: float


def asked(model: Model, problems: list[Problem]) -> Asked:
    """Ask a model every problem in both conditions, `SEEDS` times."""
    of = [(c, problem, chat) for c, problem, chat in conditions.asked(problems)]
    chats = [chat for *_, chat in of]
    right: dict[str, list[float]] = {}
    met: dict[tuple[str, str], list[float]] = {}
    n_acted: dict[str, int] = {}
    n_tokens: dict[str, int] = {}
    if isinstance(model, Routed):
        found = [
            (e.prompt, e.response, e.n_acted or 0) for e in model.elicited(chats, BUDGET, n=SEEDS)
        ]
    else:
        found = [(p, reply, 0) for p, _, reply in model.stream(chats, BUDGET, n=SEEDS)]
    for p, reply, acted in found:
        condition, problem, _ = of[p]
        (row,) = scored(problem, [reply])
        n_acted[problem.id] = n_acted.get(problem.id, 0) + acted
        n_tokens[problem.id] = n_tokens.get(problem.id, 0) + (n_generated(reply) or 0)
        met.setdefault((problem.id, condition), []).extend(m for m in row["met"] if m is not None)
        if condition == "unconstrained" and row["correct"] is not None:
            right.setdefault(problem.id, []).append(row["correct"])
    return Asked(
        [_mean(right.get(problem.id)) for problem in problems],
        [
            _mean(met.get((problem.id, "constrained")))
            - _mean(met.get((problem.id, "unconstrained")))
            for problem in problems
        ],
        [n_acted[p.id] / n_tokens[p.id] if n_tokens[p.id] else float("nan") for p in problems],
        sum(n_acted.values()) / max(1, sum(n_tokens.values())),
    )


def _mean(values: list[float] | None) -> float:
    return float(np.mean(values)) if values else float("nan")


def table(
    base: OpenModel, tuned: OpenModel, train: list[Problem], test: list[Problem], out: Path
) -> str:
    """Fit, ask all, and write the table."""
    chats = {f"{c}/{problem.id}": chat for c, problem, chat in conditions.asked(train)}
    hybrid, held_out = made(base, tuned, chats, BUDGET, out, Recipe(gate=Divergence(0.02)))
    arms: dict[str, Asked] = {"base": asked(base, test), "tuned": asked(tuned, test)}
    arms["hybrid"] = asked(hybrid, test)
    for name, control in hybrid.controls(rate=arms["hybrid"].rate).items():
        arms[name] = asked(control, test)
    rows = [HEAD, ["---"] * len(HEAD), *(_row(name, arms) for name in arms)]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    for vectors, each in held_out.items():
        lines.append(
            f"\nheld-out disagreements, {vectors}: steered top-1 {each.top1}, {each.nats} nats"
        )
        lines.append(f" (unsteered {each.nats_before}), {each.n_positions} positions")
    return "\n".join([*lines, "", _net(arms)])


def _row(name: str, arms: Mapping[str, Asked]) -> list[str]:
    each, base, tuned = arms[name], arms["base"], arms["tuned"]
    cells = [
        name,
        str(_average(each.right)),
        str(_average([(1 + x) / 2 for x in each.obeys], -1.0, 2.0)),
    ]
    if name == "base":
        return [*cells, "", "", ""]
    before, after = map(np.array, _shared(base.obeys, each.obeys))
    change = difference((1 + before) / 2, (1 + after) / 2)
    ends = tuple(2 * end for end in (change.value, change.low, change.high))
    cells.append("{:+.3f} [{:+.3f}, {:+.3f}]".format(*ends) + _count(base.obeys, each.obeys))
    if name == "tuned":
        return [*cells, "", ""]
    sides = _shared(base.right, tuned.right, each.right)
    try:
        share = str(recovery(*sides, n_unscored=len(base.right) - len(sides[0])))
    except StatsError:
        share = "not defined: the gain is too small"
    return [*cells, share, _average(each.acted)]


def _shared(*columns: list[float]) -> list[list[float]]:
    """The columns on the problems that all have a score of."""
    keep = ~np.isnan(np.array(columns)).any(axis=0)
    return [np.array(column)[keep].tolist() for column in columns]


def _average(values: list[float], start: float = 0.0, width: float = 1.0) -> str:
    (there,) = _shared(values)
    found: Estimate = mean(there, n_unscored=len(values) - len(there))
    ends = (start + width * end for end in (found.value, found.low, found.high))
    return "{:.3f} [{:.3f}, {:.3f}]".format(*ends) + _count(values)


def _count(*columns: list[float]) -> str:
    """How many problems a number rests on, and how many have no score."""
    n = len(_shared(*columns)[0])
    lost = len(columns[0]) - n
    return f" (n={n})" if not lost else f" (n={n}, {lost} unscored)"


def _net(arms: Mapping[str, Asked]) -> str:
    floors = [name for name in arms if name not in ("base", "tuned", "hybrid", CEILING)]
    order = ["base", "tuned", "hybrid", *floors]
    columns = dict(zip(order, _shared(*(arms[name].right for name in order)), strict=True))
    try:
        found = net_recovery(
            columns["base"],
            columns["tuned"],
            columns["hybrid"],
            {floor: columns[floor] for floor in floors},
            n_unscored=len(arms["base"].right) - len(columns["base"]),
        )
    except StatsError as error:
        return f"net recovery is not defined: {error}"
    return f"net recovery beyond {found.control}: {found.share}"


def main() -> None:
    """Print the table of one pair."""
    parser = argparse.ArgumentParser(prog="python -m recipes.elicitation.hybrid")
    for name in ("base", "tuned"):
        parser.add_argument(name, help="a MODEL with local weights")
    for name in ("train", "test"):
        parser.add_argument(name, help="a file of problems")
    parser.add_argument("out", type=Path, help="where the hybrid is kept")
    said = parser.parse_args()
    models = [resolve(name) for name in (said.base, said.tuned)]
    files = [problem_files.load(name, profile="fixed") for name in (said.train, said.test)]
    base, tuned = models
    assert isinstance(base, OpenModel) and isinstance(tuned, OpenModel)
    print(table(base, tuned, files[0], files[1], said.out))


if __name__ == "__main__":
    main()
