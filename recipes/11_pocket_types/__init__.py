"""How many types, and which reward, until obedience generalises? The pocket model with 28 types."""
