"""Does the gain survive changed problems? Variants and out-of-distribution families."""
