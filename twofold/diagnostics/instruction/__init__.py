"""Is the instruction read? Ablations, distance, attention, opposite rules."""
