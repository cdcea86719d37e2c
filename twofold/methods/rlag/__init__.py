"""Reinforcement learning from augmented generation: facts of passages become the model's own."""

from twofold.methods.rlag.method import Rlag
from twofold.methods.rlag.retrieval import Retriever
