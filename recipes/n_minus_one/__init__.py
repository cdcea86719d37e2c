"""Does an arm optimise, or recall? N-1 on trained arms."""
