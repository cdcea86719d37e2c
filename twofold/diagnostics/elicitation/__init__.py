"""Is a gain new, or was it in the base? Elicitors, each a model of its own, and coverage beside them."""
