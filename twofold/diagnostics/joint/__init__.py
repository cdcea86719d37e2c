"""Right and obedient at once: the table and analysis of every audit."""
