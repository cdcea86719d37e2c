"""Is the chain of thought used? Edits, information gain and their controls."""
