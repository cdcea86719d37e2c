"""How are problems written for a trainer, together with the file that rewards replies to them?

One file a target; each has one function, from a `Conversion` to the files by name. The texts of the files
that are Python are written here, and import nothing but `twofold` and their trainer.
"""

from twofold.adapters.data.convert import TARGETS, convert
