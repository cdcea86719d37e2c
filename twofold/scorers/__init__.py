"""The measures of replies; each one is a metric in an audit and a reward in training.

`Correct` says whether the answer is right, `Compliant` whether the reply obeys its constraints,
and `SoftGate` and `AllOf` make one measure of several. To add one, subclass
`twofold.types.Scorer` as a frozen dataclass and put it under the contract in
`tests/conformance/test_scorers.py`.
"""

from twofold.scorers.answer import Correct
from twofold.scorers.combine import AllOf, SoftGate
from twofold.scorers.compliance import Compliant

__all__ = ["AllOf", "Compliant", "Correct", "SoftGate"]
