"""Which replies are preferred? Those that are right and state the facts that the answer needs."""

from twofold.scorers import Correct, Product, StatesFacts

EXPLAINED = Product((Correct(), StatesFacts("all")))
