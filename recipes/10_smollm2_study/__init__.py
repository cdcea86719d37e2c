"""Did training raise both on a pretrained model? SmolLM2-135M-Instruct, after a warm-up."""

from dataclasses import dataclass
from pathlib import Path
from typing import final

PLACE = Path("runs/smollm2")
"""The folder of the study, with one subfolder for each scale."""


@final
@dataclass(frozen=True, kw_only=True)
class Scale:
    """The sizes of the problem sets.

    Args:
        warm_up: Demonstrations for the warm-up of the released checkpoint.
        probed: Problems for each level on which pass@8 is measured.
        train: Training problems of the arms.
        test: Problems of each generated split.
        published: Rows of each published benchmark, evenly spaced; None = all of them.
        followed: Problems on which checkpoints are evaluated during training.
        longest: Maximal words of the shortest obedient reply, so that the token budget does not decide.
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
