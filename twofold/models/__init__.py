"""Who answers? `resolve(spec)` turns what a person types for MODEL into a `Model`."""
