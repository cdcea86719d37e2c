"""Is the answer right? Extraction, normal forms and graders of both profiles."""
