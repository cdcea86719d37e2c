"""What lies between the baseline and the model of a run? Read from its manifest.

How far one training run speaks for others depends on it: against the base itself only one side can
move by the noise of training, and the same weights asked in another way were not trained at all.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from twofold.runs.observed import KEY
from twofold.types import Lineage

# Hashes of what is read, not of what was trained.
_NO_WEIGHTS = ("tokenizer_sha256", "template_sha256")


def lineage(manifest: Mapping[str, Any]) -> Lineage:
    """The lineage of a run's model, as far as the manifest shows it.

    Example:
        >>> base = {"weights_sha256": "a"}
        >>> lineage({"identity": {"models": {"model": base | {"adapter_sha256": "b"}, "baseline": base}}})
        <Lineage.trained_from_baseline: 'trained_from_baseline'>
        >>> hinted = {"kind": "hinted", "base": base}
        >>> lineage({"identity": {"models": {"model": hinted, "baseline": base}}})
        <Lineage.same_weights: 'same_weights'>
    """
    models = manifest["identity"].get("models", {})
    if not {"model", "baseline"} <= models.keys():
        return Lineage.unknown
    new, old = ({*_hashes(models[role])} for role in ("model", "baseline"))
    if not old:
        return Lineage.unknown
    if new == old:
        return Lineage.same_weights
    seen = manifest.get(KEY, {}).get("model", {})
    if seen.get("replaced_base"):  # an adapter that was trained on other weights than these
        return Lineage.unknown
    started = seen.get("trained_from")
    return Lineage.trained_from_baseline if old <= new or {started} == old else Lineage.unknown


def _hashes(part: object) -> Iterator[str]:
    """The hashes of all weights that a fingerprint names, at any depth."""
    if isinstance(part, Mapping):
        for key, value in part.items():
            if key.endswith("sha256") and key not in _NO_WEIGHTS:
                yield str(value)
            else:
                yield from _hashes(value)
    elif isinstance(part, list):
        for each in part:
            yield from _hashes(each)
