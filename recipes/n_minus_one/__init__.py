"""Does a model optimise, or recall? The N-1 diagnostic on trained arms."""
