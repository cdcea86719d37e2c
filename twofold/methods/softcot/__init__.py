"""How can a small model think for a frozen one? Vectors in the prompt, made by one trained projection."""
