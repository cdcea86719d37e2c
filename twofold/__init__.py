"""twofold: did training raise both what a model can do and how well it does what it is told?"""

__version__ = "0.1.0"
