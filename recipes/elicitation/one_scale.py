"""What does each mechanism bring out of one base, and does the base obey then? All on one scale.

    python -m recipes.elicitation.one_scale [OUT]

The base is `pocket`. Trained: the ladder of `ladder.yaml`, whose last rung is reinforcement of all weights,
and critique tuning, mixed with worked solutions, of all problems and of one. Made of the base and that last
rung without training: prompts, votes, decoding, sampling, tokens, steering, each beside its control. All
are audited as models on the same problems, at temperature 1. The same command goes on where it was stopped.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from recipes.archive import pack
from recipes.the_answer.arms import reply
from twofold import problems as problem_files
from twofold import study
from twofold.diagnostics.elicitation.hybrid.gates import AtRandom, Divergence
from twofold.diagnostics.elicitation.hybrid.made import Recipe, made
from twofold.diagnostics.elicitation.hybrid.net_recovery import net_recovery
from twofold.diagnostics.elicitation.hybrid.steered import CEILING
from twofold.diagnostics.elicitation.prompts import HINTS
from twofold.diagnostics.joint.obedience import obedience
from twofold.errors import StatsError
from twofold.models import resolve
from twofold.problems import conditions
from twofold.report.study_file import ACCURACY, JOINT, OBEDIENCE, TOKENS
from twofold.report.wording import spread
from twofold.stats import corrected, crossed_paired
from twofold.storage.jsonl import replaced
from twofold.study.plan import BASE
from twofold.study.scores import SIGNED, Asked, Matrix, Scores, difference, estimate, pooled
from twofold.types import Comparison, OpenModel, Problem, Sampling

from .feature import steerings
from .shares import right, share

MODEL, TUNED, GREEDY_TUNED = "pocket", "full", "full_greedy"
HERE = Path(__file__).parent
KEPT = HERE / "one_scale.tar.xz"
BUDGET = Sampling(max_tokens=96, temperature=1.0)
GATE = Divergence(0.02)
N_FITTED = 120  # problems that steering is fitted on
N_MEDIUM, N_TRIES = 40, 8  # problems, and tries of each, to find one of medium difficulty

_CFT = {
    **{"method": "cft", "with_solutions": True, "max_completion_length": 96, "epochs": 2},
    **{"learning_rate": 3e-4, "batch": 16, "save_steps": 1000},
}
# Of the base alone: the kind of the model and its settings.
OF_BASE: dict[str, dict[str, Any]] = {
    "greedy": {"kind": "cooled", "alpha": 1000.0},
    "boxed": {"kind": "hinted", "hint": HINTS["boxed"]},
    "steps": {"kind": "hinted", "hint": HINTS["steps"]},
    "few_shot": {},  # with worked replies to other problems
    "majority": {"kind": "majority", "n_votes": 16},
    "cot_decoding": {"kind": "cot_decoding", "k": 10},
    "power_sampling": {"kind": "power_sampling", "blocks": 4, "moves": 4},
    "cooled": {"kind": "cooled", "alpha": 4.0},
    "own_first_tokens": {"kind": "forced_tokens", "tuned": MODEL},
}
# Of the base and a run of `full`.
OF_BOTH: dict[str, dict[str, Any]] = {
    "forced_tokens": {"kind": "forced_tokens"},
    "forced_other_tokens": {"kind": "forced_tokens", "beginning": "another"},
    "cross_sampling": {"kind": "cross_sampling", "gate": {"kind": "js", "tau": 0.02}},
}
# What an arm has to beat; the other arms are compared with the base.
CONTROLS = {
    "power_sampling": "cooled",
    "forced_tokens": "own_first_tokens",
    "cross_sampling": "random_positions",
    "hybrid": "bias_only",
    "feature": "feature_control",
    "lora_1": "layer_bias",
    GREEDY_TUNED: "greedy",
}
FLOORS = {
    "hybrid": ("random_vectors", "random_steering", "bias_only"),
    "cross_sampling": ("random_positions",),
}
HEAD = ["arm", "runs", "accuracy", "rules met told", "met untold", "obedience", "right and all met"]
HEAD += ["obedience − base", "p", "obedience − its control", "recovery of accuracy", "tokens"]
SPLIT = "test"


def trained(out: Path) -> dict[str, Any]:
    """The plan of what is trained: the ladder, and critique tuning."""
    values: dict[str, Any] = yaml.safe_load((HERE / "ladder.yaml").read_text(encoding="utf-8"))
    files = {"all": out / "worked.jsonl", "one": out / "one.jsonl"}
    if not files["one"].exists():
        problems = worked(values["train"])
        problem_files.write(files["all"], problems)
        problem_files.write(files["one"], [medium(problems[:N_MEDIUM])])
    values["arms"]["cft"] = _CFT | {"train": str(files["all"])}
    values["arms"]["cft_one"] = _CFT | {"train": str(files["one"]), "num_generations": 320}
    return values


def worked(name: str) -> list[Problem]:
    """Problems, each with a worked reply that ignores its rules."""
    problems = problem_files.load(name, profile="fixed")
    return [replace(problem, solution=reply(problem, obeys=False)) for problem in problems]


def medium(problems: Sequence[Problem]) -> Problem:
    """The first problem of which the base is right in about half of its tries."""
    chats = [problem.messages(stated=()) for problem in problems]
    replies = resolve(MODEL).sample(chats, BUDGET, n=N_TRIES)
    rates = [right([p] * len(row), row).value for p, row in zip(problems, replies, strict=True)]
    return problems[min(range(len(problems)), key=lambda i: abs(rates[i] - 0.5))]


def composed(out: Path, seeds: Sequence[int]) -> dict[str, list[str]]:
    """The models that are made without training, a file for each run of `full`."""
    shots = [[p.messages(stated=())[0]["content"], p.solution] for p in worked("pocket:8:train")]
    found = {name: [_file(out / f"{name}.yaml", values)] for name, values in OF_BASE.items()}
    found["few_shot"] = [_file(out / "few_shot.yaml", {"kind": "few_shot", "shots": shots})]
    fitted = problem_files.load(f"pocket:{N_FITTED}:train", profile="fixed")
    for name, file in steerings(MODEL, fitted, BUDGET, out).items():
        found[name] = [file]
    for seed in seeds:
        tuned = str((out / "study" / "arms" / TUNED / f"seed-{seed}" / "model").absolute())
        folder = out / "made" / f"seed-{seed}"
        for name, values in OF_BOTH.items():
            file = _file(folder / f"{name}.yaml", values | {"tuned": tuned})
            found.setdefault(name, []).append(file)
        file = _file(folder / f"{GREEDY_TUNED}.yaml", OF_BASE["greedy"] | {"base": tuned})
        found.setdefault(GREEDY_TUNED, []).append(file)
        for name, file in hybrids(tuned, fitted, folder, seed).items():
            found.setdefault(name, []).append(file)
    return found


def hybrids(tuned: str, problems: Sequence[Problem], folder: Path, seed: int) -> dict[str, str]:
    """The base steered towards a run of `full`, and every control; fitted once.

    The ceiling, the tuned model's token where the gate fires, is the arm `cross_sampling`.
    """
    base, model = resolve(MODEL), resolve(tuned)
    assert isinstance(base, OpenModel) and isinstance(model, OpenModel)
    chats = {f"{c}/{problem.id}": chat for c, problem, chat in conditions.asked(problems)}
    hybrid, _ = made(base, model, chats, BUDGET, folder / "fit", Recipe(gate=GATE, seed=seed))
    asked = list(chats.values())[: len(chats) // 2]  # those with rules, where it fires more often
    replies = list(hybrid.elicited(asked, BUDGET, seed=seed))
    steered = sum(each.n_acted or 0 for each in replies)
    share = steered / max(1, sum(each.n_tokens or 0 for each in replies))
    named = {"hybrid": hybrid}
    named |= {n: c for n, c in hybrid.controls(rate=share, seed=seed).items() if n != CEILING}
    found = {}
    for name, each in named.items():
        found["random_steering" if name == "random_positions" else name] = str(
            each.save(folder / name)
        )
    values = OF_BOTH["cross_sampling"] | {
        "gate": AtRandom(rate=share, seed=seed).described(folder),
        "tuned": tuned,
    }
    found["random_positions"] = _file(folder / "random_tokens.yaml", values)
    return found


def _file(file: Path, values: Mapping[str, Any]) -> str:
    """Write the file of a model of the base."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file) as text:
        yaml.safe_dump({"base": MODEL, **values}, text, sort_keys=False)
    return str(file)


def table(out: Path) -> str:
    """Every arm that is audited: as measured, against the base and its control, and its share of the gain."""
    found = {arm: scores for arm in _order(out) if (scores := scores_of(out, arm)).tables}
    base = found[BASE]
    changes = corrected(
        {a: c for a, mine in found.items() if a != BASE and (c := _change(mine, base))}
    )
    lines = [HEAD, ["---"] * len(HEAD)]
    for arm, mine in found.items():
        seeds = [*mine.tables]
        cells = [arm, str(len(seeds)), *_measured(mine, is_trained=arm != BASE and len(seeds) > 1)]
        change = changes.get(arm)
        cells.append("" if change is None else spread(change.difference, sign=True))
        cells.append("" if change is None else f"{change.with_adjusted_p().p:.3f}")
        control = CONTROLS.get(arm)
        cells.append(f"{_beyond(mine, found[control])} ({control})" if control in found else "")
        cells.append("" if arm == BASE or TUNED not in found else _recovered(arm, found))
        tokens = mine.matrix(TOKENS, seeds)
        cells.append(f"{float(np.nanmean(tokens)):.0f}")
        lines.append(cells)
    return "\n".join(f"| {' | '.join(row)} |".replace("|  |", "| |") for row in lines)


def _order(out: Path) -> list[str]:
    """The base, the arms of one model, those of two, those that are trained."""
    steered = ["feature", "feature_control"]
    hybrid = ["random_positions", "hybrid", "random_vectors", "random_steering", "bias_only"]
    last = ["cft_one", "cft", "layer_bias", "lora_1", "lora_16", TUNED, GREEDY_TUNED]
    return [BASE, *OF_BASE, *steered, *OF_BOTH, *hybrid, *last]


def scores_of(out: Path, arm: str) -> Scores:
    """The scores of every finished run of an arm."""
    cells = sorted((out / "study" / "arms" / arm).glob("seed-*"))
    audits = {int(cell.name.removeprefix("seed-")): cell / SPLIT for cell in cells}
    done = {seed: audit for seed, audit in audits.items() if (audit / "joint.jsonl").exists()}
    file = (done[min(done)] if done else out / "study" / "arms" / BASE / "seed-0" / SPLIT) / (
        "problems.jsonl"
    )
    return Scores.read(problem_files.load(str(file), profile="fixed"), done)


def _measured(mine: Scores, *, is_trained: bool) -> list[str]:
    """The means; where the runs are of other trainings the intervals cover them too."""
    seeds = [*mine.tables]
    asked = mine.asked(OBEDIENCE, seeds)
    columns: list[tuple[Matrix, Asked, tuple[float, float] | None]] = [
        (mine.matrix(ACCURACY, seeds), mine.asked(ACCURACY, seeds), None),
        *((met(mine, told), asked, None) for told in (True, False)),
        (mine.matrix(OBEDIENCE, seeds), asked, SIGNED),
        (mine.matrix(JOINT, seeds), mine.asked(JOINT, seeds), None),
    ]
    found = [estimate(v, of, is_trained=is_trained, limits=limits) for v, of, limits in columns]
    return ["–" if each is None else spread(each) for each in found]


def met(mine: Scores, told: bool) -> Matrix:
    """The share of a problem's rules that are met, told or untold, as obedience counts them; a row a run."""
    rows = []
    for table in mine.tables.values():
        blocks = [table.block("model", c) for c in ("constrained", "unconstrained")]
        units = obedience(*(block for block in blocks if block is not None))
        values = units.told if told else units.untold
        row = np.full(len(mine.problems), np.nan)
        for place in np.unique(units.problem):
            there = values[(units.problem == place) & ~np.isnan(values)]
            row[place] = there.mean() if len(there) else np.nan
        rows.append(row)
    return np.stack(rows)


def _change(after: Scores, base: Scores) -> Comparison | None:
    """Obedience minus the base's, whose runs are samples of one model."""
    old, new = (each.matrix(OBEDIENCE, [*each.tables]) for each in (base, after))
    asked = after.asked(OBEDIENCE, [*after.tables]) & base.asked(OBEDIENCE, [*base.tables])
    return difference(old, new, asked, limits=SIGNED)


def _beyond(after: Scores, control: Scores) -> str:
    """Obedience minus a control's, paired by problem, and by run where both have the same runs."""
    old, new = (each.matrix(OBEDIENCE, [*each.tables]) for each in (control, after))
    if len(new) > 1 and [*after.tables] == [*control.tables]:
        half = crossed_paired((1 + old) / 2, (1 + new) / 2).difference
        ends = {name: 2 * getattr(half, name) for name in ("value", "low", "high")}
        return spread(replace(half, **ends), sign=True)
    compared = _change(after, control)
    return "–" if compared is None else spread(compared.difference, sign=True)


def _recovered(arm: str, found: Mapping[str, Scores]) -> str:
    """The share of `full`'s gain in accuracy, runs averaged first: its interval covers problems alone."""
    names = (BASE, TUNED, arm)
    rows = (pooled(found[n].matrix(ACCURACY, [*found[n].tables]), 1)[0] for n in names)
    return share(*rows)


def nets(out: Path) -> str:
    """The share of the gain that steering and inserted tokens have beyond the best of their controls."""
    lines = []
    for arm, floors in FLOORS.items():
        found = {each: scores_of(out, each) for each in (BASE, TUNED, arm, *floors)}
        rows = {n: pooled(s.matrix(ACCURACY, [*s.tables]), 1)[0] for n, s in found.items()}
        there = ~np.isnan([*rows.values()]).any(axis=0)
        base, tuned, mine, *others = (row[there] for row in rows.values())
        lost = int((~there).sum())
        try:
            net = net_recovery(
                base, tuned, mine, dict(zip(floors, others, strict=True)), n_unscored=lost
            )
            lines.append(f"- `{arm}` beyond `{net.control}`: {spread(net.share)}")
        except StatsError as error:
            lines.append(f"- `{arm}`: not defined, {error}")
    return "\n".join(lines)


def main(out: Path) -> None:
    """Train, make, audit, keep, and print the table."""
    out.mkdir(parents=True, exist_ok=True)
    plan = trained(out)
    _run(plan, out)  # what is made of a run of `full` needs its weights
    made_of = composed(out, plan["seeds"])
    plan["arms"] |= {arm: {"checkpoints": models} for arm, models in made_of.items()}
    _run(plan, out)
    print(table(out), nets(out), sep="\n\n")
    pack(out, KEPT)


def _run(plan: Mapping[str, Any], out: Path) -> None:
    with replaced(out / "plan.yaml") as text:
        yaml.safe_dump(plan, text, sort_keys=False)
    study.study(study.read(out / "plan.yaml"), out=out / "study", say=print)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("runs/one_scale"))
