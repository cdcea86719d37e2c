"""The vocabulary. Read this first: every other module speaks only these words.

A `Problem` is a question with a reference answer and the `Constraint`s that bind the reply. A
`Model` answers with `Response`s. A `Scorer` says of each response a `Verdict`; the same scorer is
a metric in an audit and a reward in training. A diagnostic turns many verdicts into a `Finding`:
`Estimate`s and, for a before/after pair, `Comparison`s.

Two laws shape the types. *Unscored is not zero*: `Verdict.score` is `None` when a reply could not
be judged. *No bare number*: what leaves the statistics is an `Estimate`.
"""

from __future__ import annotations

from twofold.types.finding import (
    ALL,
    Comparison,
    Contrast,
    Count,
    Estimate,
    Finding,
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

__all__ = [
    "ALL",
    "Comparison",
    "Constraint",
    "Contrast",
    "Count",
    "Estimate",
    "Finding",
    "FinishReason",
    "Item",
    "Measure",
    "Message",
    "Model",
    "OpenModel",
    "Outcome",
    "Problem",
    "Profile",
    "Response",
    "Sampling",
    "Scorer",
    "Share",
    "Slice",
    "Verdict",
]
