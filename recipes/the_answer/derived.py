"""What is made of trained models without training? Merges, remedies, and the controls of SoftCoT.

The reasoner is `grpo_right`, whose training paid for the answer alone; its parent is `rft_obedient`, tuned to
do what it is told and nothing else. Both come from the same base. Every arm is a MODEL of its own: a folder
or a YAML file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import yaml

from twofold.diagnostics.elicitation.hybrid.gates import Divergence
from twofold.diagnostics.elicitation.hybrid.made import Recipe as Steering
from twofold.diagnostics.elicitation.hybrid.made import made
from twofold.diagnostics.elicitation.hybrid.steered import FILE
from twofold.methods.merge.arithmetic import Arithmetic
from twofold.methods.merge.merge import merge
from twofold.methods.merge.null_space import NullSpace
from twofold.methods.merge.recipe import Recipe
from twofold.methods.merge.ties import Ties
from twofold.models import resolve
from twofold.problems import conditions, load
from twofold.storage.jsonl import replaced
from twofold.types import OpenModel, Sampling

from .arms import BASE

REASONER, PARENT, SOFT = "grpo_right", "rft_obedient", "softcot_obedient"
STEERED = "grpo_both"  # whose tokens the hybrid's vectors are fitted to
N_FITTED = 120  # problems that a hybrid is fitted on

MERGES: dict[str, Callable[[Path, int], Recipe]] = {
    "merge_arithmetic": lambda data, seed: Arithmetic(),
    "merge_ties": lambda data, seed: Ties(),
    "merge_null_space": lambda data, seed: NullSpace(
        problems=str(data / f"worked-{seed}.jsonl"), positions="thought", max_tokens=96
    ),
}

# The settings of each remedy besides the reasoner; those of a control are asked with one seed.
REMEDIES: dict[str, dict[str, object]] = {
    "repeat_after_thinking": {},
    "constraint_first": {},
    "two_passes": {},
    "parent_answers": {"parent": PARENT},
    "best_of_n": {"rules": "test"},
    "rewrite": {},
}
CONTROLS = ("repeat_after_thinking", "two_passes", "parent_answers", "best_of_n", "rewrite")
SOFT_CONTROLS = ("zero", "random", "untrained", "hints")


def derived(out: Path, seeds: Sequence[int]) -> dict[str, list[str]]:
    """Make the arms of these seeds; a MODEL for each seed, in their order.

    Args:
        out: The folder of the recipe, in whose study the trained arms of these seeds are finished.
        seeds: Which runs are taken.
    """
    found: dict[str, list[str]] = {}
    for seed in seeds:
        for name, recipe in MERGES.items():
            models = (str(_model(out, arm, seed)) for arm in (REASONER, PARENT))
            to = out / "derived" / name / f"seed-{seed}"
            made = merge(*models, base=BASE, recipe=recipe(out / "data", seed), out=to)
            found.setdefault(name, []).append(str(made.folder))
        for name, file in hybrids(out, seed).items():
            found.setdefault(name, []).append(str(file))
        for control in SOFT_CONTROLS:
            file = _model(out, SOFT, seed) / f"{control}.yaml"
            found.setdefault(f"softcot_{control}", []).append(str(file))
        for kind, settings in REMEDIES.items():
            found.setdefault(kind, []).append(str(_remedy(out, kind, seed, settings)))
    for kind in CONTROLS:
        settings = {**REMEDIES[kind], "control": True}
        found[f"{kind}_control"] = [str(_remedy(out, kind, seeds[0], settings))]
    return found


def hybrids(out: Path, seed: int) -> dict[str, Path]:
    """The base steered towards `grpo_both`, and its control, one plain vector; fitted once."""
    folder = out / "derived" / "hybrid" / f"seed-{seed}"
    named = {"hybrid": folder / "hybrid", "hybrid_bias_only": folder / "bias_only"}
    if not all((each / FILE).exists() for each in named.values()):
        base, tuned = resolve(BASE), resolve(str(_model(out, STEERED, seed)))
        assert isinstance(base, OpenModel) and isinstance(tuned, OpenModel)
        problems = load(str(out / "data" / f"worked-{seed}.jsonl"), profile="fixed")[:N_FITTED]
        chats = {f"{c}/{problem.id}": chat for c, problem, chat in conditions.asked(problems)}
        sampling = Sampling(max_tokens=96, temperature=1.0)
        recipe = Steering(gate=Divergence(0.02), seed=seed)
        hybrid, _ = made(base, tuned, chats, sampling, folder / "fit", recipe)
        hybrid.save(named["hybrid"])
        hybrid.controls(rate=0.1)["bias_only"].save(named["hybrid_bias_only"])
    return {name: each / FILE for name, each in named.items()}


def _model(out: Path, arm: str, seed: int) -> Path:
    """The folder of a trained model."""
    return (out / "study" / "arms" / arm / f"seed-{seed}" / "model").absolute()


def _remedy(out: Path, kind: str, seed: int, settings: dict[str, object]) -> Path:
    """Write the file of a remedy on the reasoner."""
    is_control = bool(settings.get("control"))
    file = out / "derived" / f"{kind}{'_control' * is_control}-{seed}.yaml"
    made: dict[str, object] = {"kind": kind, "base": str(_model(out, REASONER, seed)), **settings}
    if "parent" in made:
        made["parent"] = str(_model(out, PARENT, seed))
    if "rules" in made:
        tests = (out / "data" / "test.jsonl").absolute()
        made["rules"] = {"problems": str(tests), "scorer": "compliant"}
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced(file) as text:
        yaml.safe_dump(made, text, sort_keys=False)
    return file
