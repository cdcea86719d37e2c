"""Did training raise both, on a pretrained model that people know? SmolLM2-135M-Instruct, warmed up first."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

PLACE = Path("runs/smollm2")
"""Where all of the study lies, one folder a scale."""


@final
@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is asked.

    Args:
        warm_up: Demonstrations that the released checkpoint learns from first.
        probed: Problems a level on which pass@8 is measured.
        train: Problems that the arms are trained on.
        test: Problems of each generated split.
        published: Rows of each published benchmark, evenly spaced; None = all of them.
        followed: Problems that checkpoints on the way are asked.
        longest: Words of the shortest obedient reply, at most: the token budget must not decide.
    """

    warm_up: int
    probed: int
    train: int
    test: int
    published: int | None
    followed: int
    longest: int


SCALES = {
    "gpu": Scale(
        warm_up=2000, probed=64, train=4096, test=500, published=None, followed=128, longest=120
    ),
    "cpu": Scale(warm_up=900, probed=16, train=240, test=96, published=24, followed=32, longest=60),
}
