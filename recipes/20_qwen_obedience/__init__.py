"""Does obedience carry over to rules that training never showed, on a model that people know?

Qwen2.5-Coder-0.5B-Instruct, or any other base: a warm-up by applied demonstrations, then arms from it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import final

PLACE = Path("runs/qwen")
"""The folder of the study, with one subfolder for each scale."""


@final
@dataclass(frozen=True, kw_only=True)
class Scale:
    """The sizes of a study.

    Args:
        train: GSM8K training questions, of the warm-up and, with other rules, of the arms.
        words: Words of a training question at most, which keeps replies short; None = any.
        test: GSM8K test problems; each is asked with rules of each distance.
        mathif: Rows of MathIF's GSM8K part, evenly spaced; None = all.
        published: Prompts of IFEval and of IFBench, evenly spaced; None = all.
        max_tokens: Token budget of a reply.
        draws: The base's own replies to each of them without a rule.
    """

    train: int
    words: int | None
    test: int
    mathif: int | None
    published: int | None
    max_tokens: int
    draws: int


SCALES = {
    "full": Scale(
        train=2000, words=None, test=400, mathif=None, published=None, max_tokens=512, draws=4
    ),
    "cpu": Scale(train=96, words=40, test=128, mathif=24, published=64, max_tokens=320, draws=2),
}
