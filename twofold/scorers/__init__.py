"""The measures of replies; each one is a metric in an audit and a reward in training.

`Correct` says whether the answer is right, `Compliant` whether the reply obeys its constraints,
and `SoftGate`, `AllOf`, `Gated` and `WeightedSum` make one measure of several; `Length` weighs one
by the text's length, and `Coin` is the control. To add one, subclass
`twofold.types.Scorer` as a frozen dataclass and put it under the contract in
`tests/conformance/test_scorers.py`.
"""

from twofold.scorers.answer import Correct
from twofold.scorers.combine import AllOf, Gated, SoftGate, WeightedSum
from twofold.scorers.compliance import Compliant
from twofold.scorers.shaping import Coin, Length

__all__ = [
    "AllOf",
    "Coin",
    "Compliant",
    "Correct",
    "Gated",
    "Length",
    "SoftGate",
    "WeightedSum",
]
