"""The settings of every kind of composed model: no number and no shape of YAML gets through unread."""

from contextlib import suppress
from importlib import import_module
from typing import get_args, get_type_hints

import pytest

from twofold.errors import ModelError
from twofold.models import resolve
from twofold.models.composed import KINDS, Part

torch = pytest.importorskip("torch")


# What a kind needs besides `base`, and the numbers that may be below 0 (softcot's rooms test their own).
NEEDED = {
    "best_of_n": "rules: {problems: 'pocket:4'}",
    "cross_sampling": "tuned: pocket\ngate: js",
    "feature_steering": "dictionary: sae\ncoefficient: 2",
    "few_shot": "shots: [['2 + 2?', '4']]",
    "forced_tokens": "tuned: pocket",
    "hybrid": "gate: {kind: random, rate: 0.5}\ncontrol: random_positions\nvectors: v.safetensors",
}
ANY_NUMBER = ("coefficient", "control_seed")


def numbers():
    for kind in KINDS:
        if KINDS[kind].startswith("twofold.methods.softcot"):
            continue
        module, _, name = KINDS[kind].partition(":")
        for field, hint in get_type_hints(getattr(import_module(module), name)).items():
            if field not in ANY_NUMBER and {int, float} & {hint, *get_args(hint)}:
                yield kind, field


@pytest.mark.parametrize(("kind", "field"), [*numbers()])
def test_no_setting_of_any_kind_takes_a_number_below_zero(tmp_path, kind, field):
    """A count below 0 gave no reply at all, or other examples than were asked for."""
    from twofold.diagnostics.elicitation.hybrid.vectors import Vectors
    from twofold.diagnostics.elicitation.sae.autoencoder import Sae

    Vectors(1, 8, layer=0, n_hidden=0).save(tmp_path / "v.safetensors")
    axes, zero = torch.eye(8), torch.zeros(8)
    Sae(axes, zero, axes.clone(), zero.clone(), zero.clone(), k=1, at=0).save(tmp_path / "sae")
    needed, file = NEEDED.get(kind, ""), tmp_path / "model.yaml"
    file.write_text(f"kind: {kind}\nbase: pocket\n{needed}\n{field}: -1\n")
    with pytest.raises(ModelError, match=r"model\.yaml: "):
        resolve(file)


def test_the_numbers_of_the_kinds_are_found():
    assert {
        ("majority", "n_votes"),
        ("few_shot", "n_shots"),
        ("hybrid", "rate"),
        ("feature_steering", "latent"),
    } <= {*numbers()}


def parts():
    for kind in KINDS.values():
        module, _, name = kind.partition(":")
        for hint in get_type_hints(getattr(import_module(module), name)).values():
            kinds = [each for each in (hint, *get_args(hint)) if isinstance(each, type)]
            yield from (each for each in kinds if issubclass(each, Part))


WRONG = (
    7,
    True,
    "no_such",
    "",
    [],
    ["js"],
    {},
    {"kind": ["js"]},
    {"kind": None},
    {"file": 7},
    {7: 7},
)


@pytest.mark.parametrize("value", WRONG, ids=repr)
@pytest.mark.parametrize("part", sorted({*parts()}, key=lambda each: each.__name__))
def test_a_part_reads_any_yaml_or_refuses_it(tmp_path, part, value):
    with suppress(ModelError):
        part.read(value, tmp_path)
