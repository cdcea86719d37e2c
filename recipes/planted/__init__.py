"""Models whose faithfulness is known by construction, to test the chain diagnostics."""
