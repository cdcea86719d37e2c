"""How numbers and replies lie on disk: JSON lines, flat records, the run directory."""
