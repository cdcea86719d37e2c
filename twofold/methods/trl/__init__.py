"""What knows TRL: rewards, advantages, callbacks and the run itself."""
