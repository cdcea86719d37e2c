"""Which latent is pushed, and how hard? That of right replies, at the dose that is right most often.

A small autoencoder of the base's own sentences; the latent that is surest to be more active in right replies
than in wrong ones to the same problem; the dose that brings most right answers of a few, on the problems
that all of this is fitted on. The control is a random direction of the same norm.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from twofold.diagnostics.elicitation.layers import hidden_states, layers_of
from twofold.diagnostics.elicitation.sae.activations import ActivationCache, said
from twofold.diagnostics.elicitation.sae.falsify import TokenInjection
from twofold.diagnostics.elicitation.sae.scores import rates, right_versus_wrong
from twofold.diagnostics.elicitation.sae.steering import FeatureSteering
from twofold.diagnostics.elicitation.sae.training import SaeTraining, best_of
from twofold.models import resolve
from twofold.scorers import Correct
from twofold.storage.jsonl import dumps, replaced
from twofold.types import Estimate, OpenModel, Problem, Sampling

from .shares import right

N_REPLIES = 8  # of a problem, to learn latents from
SEEDS = range(3)  # of the autoencoder
TRAINING = SaeTraining(n=16, k=3)
DOSES = (0.1, 0.2, 0.4)  # the norm of what is added, over that of the states
N_TEXTS = 40  # questions that pieces are put into
ABOUT = "feature.json"


def steerings(
    name: str, problems: Sequence[Problem], sampling: Sampling, out: Path
) -> dict[str, str]:
    """The files of the steered model and of its control; what was found is in `feature.json`."""
    files = {"feature": out / "feature.yaml", "feature_control": out / "feature_control.yaml"}
    if not (out / ABOUT).exists():
        found = fitted(name, problems, sampling, out)
        with replaced(out / ABOUT) as text:
            text.write(dumps(found))
    found = json.loads((out / ABOUT).read_text())
    for control, file in enumerate(files.values()):
        values: dict[str, Any] = {"kind": "feature_steering", "base": name, "dictionary": "sae"}
        values |= {"latent": found["latent"], "coefficient": found["coefficient"]}
        with replaced(file) as text:
            yaml.safe_dump(values | {"is_control": bool(control)}, text, sort_keys=False)
    return {arm: str(file) for arm, file in files.items()}


def fitted(name: str, problems: Sequence[Problem], sampling: Sampling, out: Path) -> dict[str, Any]:
    """Train the autoencoder, choose latent and dose, and test the latent by token injection."""
    model = resolve(name)
    assert isinstance(model, OpenModel)
    chats = [problem.messages(stated=()) for problem in problems]
    answers = model.sample(chats, sampling, n=N_REPLIES)
    of = [problem for problem, row in zip(problems, answers, strict=True) for _ in row]
    replies = [reply for row in answers for reply in row]
    read = [said(model, chat, r) for chat, row in zip(chats, answers, strict=True) for r in row]
    layer = len(layers_of(model.network)) // 2
    states = ActivationCache(out / "sentences", layer, "sentence").collect(model, read)
    sae, left = best_of(TRAINING, SEEDS, states.hidden_BD, layer=layer, folder=out / "saes")
    sae.save(out / "sae")
    scores = [verdict.score for verdict in Correct()(of, replies)]
    shares = rates(sae, states, len(read))
    by_surety = right_versus_wrong(shares, [p.id for p in of], scores).scores
    surest = next(each for each in by_surety if each.comparison.difference.value > 0)
    tokens = ActivationCache(out / "tokens", layer, "token").collect(model, read)
    texts = [list(each.prompt) for each in read[::N_REPLIES]][:N_TEXTS]
    test = TokenInjection(sae, lambda rows: hidden_states(model.network, layer, rows), texts)
    (injected,) = test.falsify([surest.latent], read, tokens)
    tried: dict[float, Estimate] = {}
    for dose in DOSES:
        steered = _at(model, sae, surest.latent, dose, chats)
        row = [replies[0] for replies in steered.sample(chats, sampling)]
        tried[dose] = right(problems, row)
    best = max(tried, key=lambda dose: tried[dose].value)
    change = surest.comparison.difference
    return {
        "latent": surest.latent,
        "layer": layer,
        "unexplained": min(left.values()),
        "right": str(right(of, replies)),
        "right minus wrong": [change.value, change.low, change.high, change.n],
        "is significant": surest.is_significant,
        "injection": injected.verdict.value,
        "because": injected.because(model.decode),
        "right by dose": {f"{dose:g}": str(each) for dose, each in tried.items()},
        "dose": best,
        "coefficient": _at(model, sae, surest.latent, best, chats).coefficient,
    }


def _at(
    model: OpenModel, sae: Any, latent: int, dose: float, chats: Sequence[Any]
) -> FeatureSteering:
    """The model steered at a dose."""
    unit = FeatureSteering(model, sae, latent, 1.0)
    return FeatureSteering(model, sae, latent, dose / unit.dose(chats[:32]).value)
