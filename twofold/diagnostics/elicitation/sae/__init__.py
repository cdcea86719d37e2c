"""Which directions do a model's activations have, what do they stand for, and is that more than a token?

A small top-k sparse autoencoder on cached activations, scores of its latents, the test that a reported
latent must pass, and steering by one. Each file holds one of these; torch is imported with them.
"""
