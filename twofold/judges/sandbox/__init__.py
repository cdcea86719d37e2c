"""Runs model-written programs in a process that can be killed, without files or network."""
