"""How are numbers and responses stored? JSON lines, flat records, and the run directory."""
