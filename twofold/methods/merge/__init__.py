"""Can obedience be added to a reasoner without training? By arithmetic on the weights of its relatives.

`merge` writes an ordinary Hugging Face folder, which is a MODEL wherever one is named.
"""

from twofold.methods.merge.arithmetic import Arithmetic as Arithmetic
from twofold.methods.merge.ties import Ties as Ties
