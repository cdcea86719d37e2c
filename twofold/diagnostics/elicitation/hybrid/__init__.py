"""Two models, one reply: the base writes, and where a gate fires, the tuned model or a vector decides."""
