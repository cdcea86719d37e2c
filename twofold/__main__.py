"""`python -m twofold`, which is what `accelerate launch -m twofold` runs."""

from twofold.cli import main

main()
