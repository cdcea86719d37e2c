"""The measures of replies; each one is a metric in an audit and a reward in training.

`Correct` says whether the answer is right, `Compliant` whether the reply obeys its constraints,
and `SoftGate`, `Product`, `Gated` and `WeightedSum` make one measure of several; `Length` weighs one
by the text's length. To add one, subclass
`twofold.types.Scorer` as a frozen dataclass and put it under the contract in
`tests/conformance/test_scorers.py`.
"""

from twofold.scorers.answers.correct import Correct
from twofold.scorers.combine import Gated, Product, SoftGate, WeightedSum
from twofold.scorers.compliance import Compliant
from twofold.scorers.shaping import Length

__all__ = [
    "Compliant",
    "Correct",
    "Gated",
    "Length",
    "Product",
    "SoftGate",
    "WeightedSum",
]
