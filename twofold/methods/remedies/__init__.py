"""Can a reasoner be made to obey without training it? Remedies, each a model of its own.

A remedy asks or decodes another model in another way, so it stands where a model stands: a YAML file
names it (`kind: two_passes`, `base: MODEL`), and the audit shows its tokens beside its gain. A prompt that
states no rule is asked as it stands. So what a remedy does to obedience is what it does when told.
"""
