"""From a run directory to what a person reads: findings in, one page and one short text out."""
