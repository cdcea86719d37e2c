"""What does a hybrid recover that none of its controls does? The number to lead with."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, final

from twofold.errors import StatsError
from twofold.stats import recovery
from twofold.types import Estimate


@final
class NetRecovery(NamedTuple):
    """The share of the gain beyond the best control, and which that is."""

    control: str
    share: Estimate


def net_recovery(
    base: Sequence[float],
    tuned: Sequence[float],
    full: Sequence[float],
    controls: Mapping[str, Sequence[float]],
    *,
    n_unscored: int = 0,
) -> NetRecovery:
    """(full - best control) / (tuned - base), with the control that is best on the same problems.

    The best of several is chosen by its mean, so the share is rather too low than too high.

    Args:
        base: One score in [0, 1] for each problem.
        tuned: Those of the tuned model on the same problems.
        full: Those of the hybrid.
        controls: Those of each floor, by name; not of the token injection, which is a ceiling.
        n_unscored: Problems left out because one of them is unscored.

    Raises:
        StatsError: If there is no control, or no gain to have a share of.

    Example:
        >>> base, tuned = [0] * 40, [1] * 20 + [0] * 20
        >>> full, random = [1] * 12 + [0] * 28, [0] * 38 + [1] * 2
        >>> found = net_recovery(base, tuned, full, {"random_vectors": random, "bias_only": base})
        >>> found.control, round(found.share.value, 2)  # (12 - 2) / 20
        ('random_vectors', 0.5)
    """
    if not controls:
        raise StatsError("a recovery without a control says nothing; run at least one floor")
    best = max(controls, key=lambda name: sum(controls[name]))
    share = recovery(base, tuned, full, beyond=controls[best], n_unscored=n_unscored)
    return NetRecovery(best, share)
