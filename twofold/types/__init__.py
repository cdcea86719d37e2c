"""The vocabulary of the package; read this first.

A `Problem` is a question with a reference answer and `Constraint`s on the reply. A `Model` answers with
`Response`s. A `Scorer` gives each response a `Verdict`; the same scorer is a metric in an audit and a
reward in training. A diagnostic summarises verdicts in a `Finding` of `Estimate`s and `Comparison`s. What
cannot be scored has the score None, never 0.
"""

from twofold.types.finding import (
    ALL,
    Comparison,
    Contrast,
    Count,
    Estimate,
    Finding,
    Lineage,
    Measure,
    Outcome,
    Slice,
)
from twofold.types.model import (
    FinishReason,
    Item,
    Model,
    OpenModel,
    Response,
    Sampling,
    Scorer,
    Share,
)
from twofold.types.problem import Constraint, Message, Problem, Profile, Verdict
