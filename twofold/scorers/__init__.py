"""Measures of replies; each one is a metric in an audit and a reward in training.

`Correct` says whether the answer is right, `Compliant` whether the reply meets its constraints;
`SoftGate`, `Lexicographic`, `Product`, `Gated` and `WeightedSum` combine several measures; `Length`
weights one by the text's length; `StatesFacts` looks for the facts that an answer needs. To add one,
subclass `twofold.types.Scorer` as a frozen dataclass and add it to `tests/conformance/test_scorers.py`.
"""

from twofold.scorers.answers.correct import Correct
from twofold.scorers.combine import Gated, Length, Lexicographic, Product, SoftGate, WeightedSum
from twofold.scorers.compliance import Compliant
from twofold.scorers.facts import StatesFacts
