"""An extension of twofold: one file for each kind of thing that can be named by `module:Name`.

Copy it, and name what is yours: `twofold --constraints my_package.rules:EndsInFullStop score ...`.
"""
