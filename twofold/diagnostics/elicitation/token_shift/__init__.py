"""Where does the tuned model leave its base? Rank, divergence and likelihood, token by token."""
