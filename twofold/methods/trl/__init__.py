"""Everything that depends on TRL: rewards, advantages, callbacks and the training run."""
